import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { Definition } from '../../contract/definition.ts'
import { page } from '../../contract/page.ts'
import { definitionAnswer } from '../answers/definition-answer.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function listDefinitions({ definitions }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/events/schemas',
      {
        config: { scope: 'events:read' },
        schema: {
          operationId: 'listDefinitions',
          tags: ['definitions'],
          summary: 'List the definitions of events',
          description: 'Scope: `events:read`. All on one page, by name.',
          querystring: Type.Object({}, { additionalProperties: false }),
          response: { 200: page(Definition.ref), ...problemResponses(...keyProblems, 'invalid_request') },
        },
      },
      async () => {
        const all = definitions
          .names()
          .toSorted()
          .map((name) => definitions.get(name))
        return { data: all.filter((one) => one !== undefined).map(definitionAnswer), next_cursor: null }
      },
    )
  }
}
