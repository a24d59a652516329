import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { IdPath, NoContent } from '../../contract/fields.ts'
import { asCompany } from '../../db/transaction.ts'
import { deleteSubscription as remove } from '../../webhooks/subscriptions.ts'
import { authorOf, principalOf } from '../access.ts'
import { ifMatch, IfMatchHeader } from '../etag.ts'
import type { HttpParts } from '../http-parts.ts'
import { pathId } from '../path-id.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function deleteSubscription(parts: HttpParts): FastifyPluginAsyncTypebox {
  const { pools, clock, onRecorded, onDeliveriesDue } = parts
  return async (app) => {
    app.delete(
      '/events/subscriptions/:id',
      {
        config: { scope: 'subscriptions:write' },
        schema: {
          operationId: 'deleteSubscription',
          tags: ['subscriptions'],
          summary: 'End a subscription',
          description: 'Scope: `subscriptions:write`. Its waiting deliveries end as cancelled; its logs stay.',
          params: IdPath,
          headers: IfMatchHeader,
          response: { 204: NoContent, ...problemResponses(...keyProblems, 'not_found', 'precondition_failed') },
        },
      },
      async (request, reply) => {
        const { companyId } = principalOf(request)
        const id = pathId(request.params.id, 'subscription')
        const author = authorOf(request, clock)
        await asCompany(pools.api, companyId, (db) => remove(db, author, companyId, id, ifMatch(request)))
        onRecorded()
        onDeliveriesDue(companyId, id)
        return await reply.code(204).send(null)
      },
    )
  }
}
