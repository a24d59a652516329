import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { IdPath } from '../../contract/fields.ts'
import { ChangedSubscription, SubscriptionReplacement } from '../../contract/subscription.ts'
import { settingDefaults } from '../../webhooks/subscription-settings.ts'
import { changeSubscription, subscriptionProblems } from '../change-subscription.ts'
import { IfMatchHeader } from '../etag.ts'
import type { HttpParts } from '../http-parts.ts'
import { problemResponses } from '../problem-responses.ts'

export function replaceSubscription(parts: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.put(
      '/events/subscriptions/:id',
      {
        config: { scope: 'subscriptions:write' },
        schema: {
          operationId: 'replaceSubscription',
          tags: ['subscriptions'],
          summary: 'Replace the settings of a subscription',
          description:
            'Scope: `subscriptions:write`. What is absent takes its default; credentials, signing secrets and, unless ' +
            '`active` is given, the status stay.',
          params: IdPath,
          headers: IfMatchHeader,
          body: SubscriptionReplacement,
          response: { 200: ChangedSubscription.ref, ...problemResponses(...subscriptionProblems) },
        },
      },
      async (request, reply) => {
        const { active: _, ...defaults } = settingDefaults
        return await changeSubscription(parts, request, reply, request.params.id, { ...defaults, ...request.body })
      },
    )
  }
}
