import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { definitionQuery, DefinitionSummary } from '../../contract/definition.ts'
import { page, pageQuery } from '../../contract/page.ts'
import { asCompany } from '../../db/transaction.ts'
import { listDefinitions as list } from '../../events/list-definitions.ts'
import { principalOf } from '../access.ts'
import { definitionSummary } from '../answers/definition-answer.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function listDefinitions({ pools, definitions }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/events/schemas',
      {
        config: { scope: 'events:read' },
        schema: {
          operationId: 'listDefinitions',
          tags: ['definitions'],
          summary: 'List the definitions of events by name',
          description: "Scope: `events:read`. The standard ones and the company's own, without their schemas.",
          querystring: Type.Object({ ...pageQuery, ...definitionQuery }, { additionalProperties: false }),
          response: {
            200: page(DefinitionSummary.ref),
            ...problemResponses(...keyProblems, 'invalid_request', 'invalid_cursor'),
          },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        const { limit, cursor, source, status, tag, q: text } = request.query
        const found = await asCompany(pools.api, companyId, (db) =>
          list(db, definitions.standard, companyId, { source, status, tag, text }, { limit, cursor }),
        )
        return { data: found.definitions.map(definitionSummary), next_cursor: found.nextCursor }
      },
    )
  }
}
