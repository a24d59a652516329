import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { SubscriptionPreview } from '../../contract/routing.ts'
import { PreviewInput } from '../../contract/subscription.ts'
import { asCompany } from '../../db/transaction.ts'
import { previewSubscription as preview } from '../../webhooks/preview-subscription.ts'
import { principalOf } from '../access.ts'
import type { HttpParts } from '../http-parts.ts'
import { bodyProblems, keyProblems, problemResponses } from '../problem-responses.ts'

export function previewSubscription({ pools, clock }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/events/subscriptions/preview',
      {
        config: { scope: 'events:read' },
        schema: {
          operationId: 'previewSubscription',
          tags: ['subscriptions'],
          summary: 'Try names and a filter on the newest events',
          description: 'Scope: `events:read`. Changes nothing: says what such a subscription would have got.',
          body: PreviewInput,
          response: {
            200: SubscriptionPreview.ref,
            ...problemResponses(...keyProblems, ...bodyProblems, 'invalid_event_name', 'invalid_filter'),
          },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        const beganMs = clock.elapsed()
        return await asCompany(pools.api, companyId, async (db) =>
          preview(db, companyId, request.body, () => clock.elapsed() - beganMs),
        )
      },
    )
  }
}
