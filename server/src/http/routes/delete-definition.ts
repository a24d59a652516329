import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { EventNamePath } from '../../contract/definition.ts'
import { NoContent } from '../../contract/fields.ts'
import { asCompany } from '../../db/transaction.ts'
import { deleteDefinition as remove } from '../../events/custom-definitions.ts'
import { authorOf, principalOf } from '../access.ts'
import { tellOfChange } from '../definition-parts.ts'
import { ifMatch, IfMatchHeader } from '../etag.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function deleteDefinition(parts: HttpParts): FastifyPluginAsyncTypebox {
  const { pools, clock, definitions } = parts
  return async (app) => {
    app.delete(
      '/events/schemas/:event_name',
      {
        config: { scope: 'definitions:write' },
        schema: {
          operationId: 'deleteDefinition',
          tags: ['definitions'],
          summary: 'Delete a definition',
          description:
            'Scope: `definitions:write`. A draft, or one that never had an event. Any other can be archived.',
          params: EventNamePath,
          headers: IfMatchHeader,
          response: {
            204: NoContent,
            ...problemResponses(
              ...keyProblems,
              'invalid_request',
              'not_found',
              'standard_definition',
              'definition_in_use',
              'precondition_failed',
            ),
          },
        },
      },
      async (request, reply) => {
        const { companyId } = principalOf(request)
        const { event_name: eventName } = request.params
        const author = authorOf(request, clock)
        const allow = ifMatch(request)
        await asCompany(pools.api, companyId, (db) =>
          remove(db, author, companyId, eventName, definitions.standard, allow),
        )
        tellOfChange(parts, companyId)
        return await reply.code(204).send(null)
      },
    )
  }
}
