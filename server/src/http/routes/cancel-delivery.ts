import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Delivery } from '../../contract/delivery.ts'
import { IdPath } from '../../contract/fields.ts'
import { asCompany } from '../../db/transaction.ts'
import { cancelDelivery as cancel } from '../../webhooks/retry-delivery.ts'
import { authorOf, principalOf } from '../access.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function cancelDelivery(parts: HttpParts): FastifyPluginAsyncTypebox {
  const { pools, clock, onRecorded, onDeliveriesDue } = parts
  return async (app) => {
    app.post(
      '/events/deliveries/:id/cancel',
      {
        config: { scope: 'deliveries:write' },
        schema: {
          operationId: 'cancelDelivery',
          tags: ['deliveries'],
          summary: 'End a pending delivery without another attempt',
          description: 'Scope: `deliveries:write`.',
          params: IdPath,
          response: {
            200: Delivery.ref,
            ...problemResponses(...keyProblems, 'not_found', 'log_expired', 'delivery_in_flight', 'delivery_ended'),
          },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        const author = authorOf(request, clock)
        const delivery = await asCompany(pools.api, companyId, (db) => cancel(db, author, companyId, request.params.id))
        onRecorded()
        onDeliveriesDue(companyId, delivery.subscription_id) // what waited for it, in an ordered subscription
        return delivery
      },
    )
  }
}
