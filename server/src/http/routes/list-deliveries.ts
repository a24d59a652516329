import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { Delivery, deliveryQuery } from '../../contract/delivery.ts'
import { page, pageQuery } from '../../contract/page.ts'
import { asCompany } from '../../db/transaction.ts'
import { listDeliveries as list } from '../../webhooks/read-deliveries.ts'
import { principalOf } from '../access.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'
import { queryId } from '../query-id.ts'

export function listDeliveries({ pools }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/events/deliveries',
      {
        config: { scope: 'deliveries:read' },
        schema: {
          operationId: 'listDeliveries',
          tags: ['deliveries'],
          summary: 'List deliveries: the pending ones, newest first, then the ended ones, latest first',
          description: 'Scope: `deliveries:read`. One that ends between two pages may be seen twice.',
          querystring: Type.Object({ ...pageQuery, ...deliveryQuery }, { additionalProperties: false }),
          response: {
            200: page(Delivery.ref),
            ...problemResponses(...keyProblems, 'invalid_request', 'invalid_cursor'),
          },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        const { query } = request
        const filter = {
          state: query.state,
          subscription_id: queryId(query, 'subscription_id'),
          event_id: queryId(query, 'event_id'),
          blocked: query.blocked,
        }
        const { deliveries, nextCursor } = await asCompany(pools.api, companyId, (db) =>
          list(db, companyId, filter, { limit: query.limit, cursor: query.cursor }),
        )
        return { data: [...deliveries], next_cursor: nextCursor }
      },
    )
  }
}
