import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { IdPath } from '../../contract/fields.ts'
import { Subscription, SubscriptionChange } from '../../contract/subscription.ts'
import { asCompany } from '../../db/transaction.ts'
import { updateSubscription as update } from '../../webhooks/subscriptions.ts'
import { authorOf, principalOf } from '../access.ts'
import { subscriptionAnswer } from '../answers/subscription-answer.ts'
import type { HttpParts } from '../http-parts.ts'
import { pathId } from '../path-id.ts'
import { bodyProblems, keyProblems, problemResponses } from '../problem-responses.ts'

export function updateSubscription(parts: HttpParts): FastifyPluginAsyncTypebox {
  const { pools, clock, allow, onRecorded, onDeliveriesDue } = parts
  return async (app) => {
    app.patch(
      '/events/subscriptions/:id',
      {
        config: { scope: 'subscriptions:write' },
        schema: {
          operationId: 'updateSubscription',
          tags: ['subscriptions'],
          summary: 'Change a subscription',
          description: 'Scope: `subscriptions:write`. What is absent stays. Deliveries that wait go to the new URL.',
          params: IdPath,
          body: SubscriptionChange,
          response: {
            200: Subscription.ref,
            ...problemResponses(...keyProblems, ...bodyProblems, 'not_found', 'invalid_event_name', 'invalid_url'),
          },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        const id = pathId(request.params.id, 'subscription')
        const author = authorOf(request, clock)
        const subscription = await asCompany(pools.api, companyId, (db) =>
          update(db, allow, author, companyId, id, request.body),
        )
        onRecorded()
        onDeliveriesDue(companyId, id)
        return subscriptionAnswer(subscription)
      },
    )
  }
}
