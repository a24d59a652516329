import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { problemResponses } from '../problem-responses.ts'
import { sendJsonText } from '../send-json-text.ts'

export function openApiDocument(): FastifyPluginAsyncTypebox {
  return async (app) => {
    let text = ''
    app.addHook('onReady', async () => {
      text = JSON.stringify(app.swagger())
    })
    app.get(
      '/openapi.json',
      {
        config: { public: true },
        schema: {
          operationId: 'getOpenApiDocument',
          tags: ['operations'],
          summary: 'This document',
          description: 'Needs no key.',
          security: [],
          response: { 200: Type.Object({}, { description: 'OpenAPI 3.1' }), ...problemResponses() },
        },
      },
      async (_request, reply) => await sendJsonText(reply, text),
    )
  }
}
