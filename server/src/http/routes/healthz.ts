import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { HttpParts } from '../http-parts.ts'
import { problemResponses } from '../problem-responses.ts'

export function healthz({ version }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/healthz',
      {
        config: { public: true },
        schema: {
          operationId: 'healthz',
          tags: ['operations'],
          summary: 'Whether the process is alive',
          description: 'Needs no key.',
          security: [],
          response: {
            200: Type.Object({ status: Type.Literal('ok'), version: Type.String() }, { description: 'It is' }),
            ...problemResponses(),
          },
        },
      },
      async () => ({ status: 'ok' as const, version }),
    )
  }
}
