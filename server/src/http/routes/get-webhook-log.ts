import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { IdPath } from '../../contract/fields.ts'
import { WebhookLog } from '../../contract/webhook-log.ts'
import { asCompany } from '../../db/transaction.ts'
import { getWebhookLog as get } from '../../webhooks/read-logs.ts'
import { principalOf } from '../access.ts'
import type { HttpParts } from '../http-parts.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function getWebhookLog({ pools }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/events/webhook-logs/:id',
      {
        config: { scope: 'deliveries:read' },
        schema: {
          operationId: 'getWebhookLog',
          tags: ['deliveries'],
          summary: 'Get an attempt with its request and response',
          description: 'Scope: `deliveries:read`.',
          params: IdPath,
          response: { 200: WebhookLog.ref, ...problemResponses(...keyProblems, 'not_found', 'log_expired') },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        return await asCompany(pools.api, companyId, (db) => get(db, companyId, request.params.id))
      },
    )
  }
}
