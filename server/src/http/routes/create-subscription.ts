import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { CreatedSubscription, SubscriptionInput } from '../../contract/subscription.ts'
import { asCompany } from '../../db/transaction.ts'
import { createSubscription as create } from '../../webhooks/subscriptions.ts'
import { unknownNames } from '../../webhooks/unknown-names.ts'
import { authorOf, principalOf } from '../access.ts'
import { subscriptionAnswer } from '../answers/subscription-answer.ts'
import { settingProblems } from '../change-subscription.ts'
import { setEtag } from '../etag.ts'
import type { HttpParts } from '../http-parts.ts'
import { bodyProblems, keyProblems, problemResponses } from '../problem-responses.ts'

export function createSubscription(parts: HttpParts): FastifyPluginAsyncTypebox {
  const { pools, vault, clock, allow, definitions, onRecorded } = parts
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
            201: CreatedSubscription.ref,
            ...problemResponses(...keyProblems, ...bodyProblems, ...settingProblems, 'subscription_limit'),
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
        setEtag(reply, subscription.version)
        const warnings = [...unknownNames(subscription.event_names, await definitions.namesOf(companyId))]
        return { ...subscriptionAnswer(subscription), warnings, secret: secret.reveal() }
      },
    )
  }
}
