import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { DeliveryWithAttempts } from '../../contract/delivery.ts'
import { IdPath } from '../../contract/fields.ts'
import { asCompany } from '../../db/transaction.ts'
import { getDelivery as get } from '../../webhooks/read-deliveries.ts'
import { principalOf } from '../access.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function getDelivery({ pools }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/events/deliveries/:id',
      {
        config: { scope: 'deliveries:read' },
        schema: {
          operationId: 'getDelivery',
          tags: ['deliveries'],
          summary: 'Get a delivery with its attempts',
          description: 'Scope: `deliveries:read`.',
          params: IdPath,
          response: { 200: DeliveryWithAttempts.ref, ...problemResponses(...keyProblems, 'not_found', 'log_expired') },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        const delivery = await asCompany(pools.api, companyId, (db) => get(db, companyId, request.params.id))
        return { ...delivery, attempts_log: [...delivery.attempts_log] }
      },
    )
  }
}
