import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Delivery } from '../../contract/delivery.ts'
import { IdPath } from '../../contract/fields.ts'
import { asCompany } from '../../db/transaction.ts'
import { retryDelivery as retry } from '../../webhooks/retry-delivery.ts'
import { authorOf, principalOf } from '../access.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function retryDelivery(parts: HttpParts): FastifyPluginAsyncTypebox {
  const { pools, clock, onRecorded, onDeliveriesDue } = parts
  return async (app) => {
    app.post(
      '/events/deliveries/:id/retry',
      {
        config: { scope: 'deliveries:write' },
        schema: {
          operationId: 'retryDelivery',
          tags: ['deliveries'],
          summary: 'Make the next attempt of a delivery now',
          description: 'Scope: `deliveries:write`. One that has ended begins a new schedule of attempts.',
          params: IdPath,
          response: {
            200: Delivery.ref,
            ...problemResponses(
              ...keyProblems,
              'not_found',
              'log_expired',
              'delivery_in_flight',
              'delivery_blocked',
              'subscription_deleted',
              'payload_expired',
            ),
          },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        const author = authorOf(request, clock)
        const { delivery } = await asCompany(pools.api, companyId, (db) =>
          retry(db, author, companyId, request.params.id),
        )
        onRecorded()
        onDeliveriesDue(companyId, delivery.subscription_id)
        return delivery
      },
    )
  }
}
