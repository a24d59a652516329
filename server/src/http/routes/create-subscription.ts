import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { SubscriptionInput, SubscriptionWithSecret } from '../../contract/subscription.ts'
import { asCompany } from '../../db/transaction.ts'
import { createSubscription as create } from '../../webhooks/subscriptions.ts'
import { authorOf, principalOf } from '../access.ts'
import { subscriptionAnswer } from '../answers/subscription-answer.ts'
import type { HttpParts } from '../http-parts.ts'
import { bodyProblems, keyProblems, problemResponses } from '../problem-responses.ts'

export function createSubscription({ pools, vault, clock, allow, onRecorded }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/events/subscriptions',
      {
        config: { scope: 'subscriptions:write' },
        schema: {
          operationId: 'createSubscription',
          tags: ['subscriptions'],
          summary: 'Subscribe a URL to events',
          description: 'Scope: `subscriptions:write`. An event whose publish begins after the answer is sent to it.',
          body: SubscriptionInput,
          response: {
            201: SubscriptionWithSecret.ref,
            ...problemResponses(
              ...keyProblems,
              ...bodyProblems,
              'subscription_limit',
              'invalid_event_name',
              'invalid_url',
            ),
          },
        },
      },
      async (request, reply) => {
        const { companyId } = principalOf(request)
        const author = authorOf(request, clock)
        const { subscription, secret } = await asCompany(pools.api, companyId, (db) =>
          create(db, vault, allow, author, companyId, request.body),
        )
        onRecorded()
        reply.code(201)
        return { ...subscriptionAnswer(subscription), secret: secret.reveal() }
      },
    )
  }
}
