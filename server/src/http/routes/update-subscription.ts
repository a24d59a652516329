import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { IdPath } from '../../contract/fields.ts'
import { ChangedSubscription, SubscriptionChange } from '../../contract/subscription.ts'
import { changeSubscription, subscriptionProblems } from '../change-subscription.ts'
import { IfMatchHeader } from '../etag.ts'
import type { HttpParts } from '../http-parts.ts'
import { problemResponses } from '../problem-responses.ts'

export function updateSubscription(parts: HttpParts): FastifyPluginAsyncTypebox {
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
          headers: IfMatchHeader,
          body: SubscriptionChange,
          response: { 200: ChangedSubscription.ref, ...problemResponses(...subscriptionProblems) },
        },
      },
      async (request, reply) => await changeSubscription(parts, request, reply, request.params.id, request.body),
    )
  }
}
