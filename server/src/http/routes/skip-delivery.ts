import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Delivery } from '../../contract/delivery.ts'
import { IdPath } from '../../contract/fields.ts'
import { asCompany } from '../../db/transaction.ts'
import { skipDelivery as skip } from '../../webhooks/retry-delivery.ts'
import { authorOf, principalOf } from '../access.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function skipDelivery(parts: HttpParts): FastifyPluginAsyncTypebox {
  const { pools, clock, onRecorded, onDeliveriesDue } = parts
  return async (app) => {
    app.post(
      '/events/deliveries/:id/skip',
      {
        config: { scope: 'deliveries:write' },
        schema: {
          operationId: 'skipDelivery',
          tags: ['deliveries'],
          summary: 'Let the deliveries that wait for this one go on without it',
          description:
            'Scope: `deliveries:write`. For the first of the deliveries of one order; it stays pending, on its own schedule, and may arrive after later ones.',
          params: IdPath,
          response: {
            200: Delivery.ref,
            ...problemResponses(
              ...keyProblems,
              'not_found',
              'log_expired',
              'delivery_in_flight',
              'delivery_ended',
              'delivery_not_ordered',
              'delivery_blocked',
            ),
          },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        const author = authorOf(request, clock)
        const delivery = await asCompany(pools.api, companyId, (db) => skip(db, author, companyId, request.params.id))
        onRecorded()
        onDeliveriesDue(companyId, delivery.subscription_id)
        return delivery
      },
    )
  }
}
