import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { IdPath } from '../../contract/fields.ts'
import { OVERLAP_DEFAULT_SECONDS, SecretRotation, SubscriptionWithSecret } from '../../contract/subscription.ts'
import { asCompany } from '../../db/transaction.ts'
import { rotateSecret as rotate } from '../../webhooks/subscriptions.ts'
import { authorOf, principalOf } from '../access.ts'
import { subscriptionAnswer } from '../answers/subscription-answer.ts'
import { ifMatch, IfMatchHeader, setEtag } from '../etag.ts'
import type { HttpParts } from '../http-parts.ts'
import { pathId } from '../path-id.ts'
import { bodyProblems, keyProblems, problemResponses } from '../problem-responses.ts'

export function rotateSecret({ pools, vault, clock, onRecorded }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/events/subscriptions/:id/rotate-secret',
      {
        config: { scope: 'subscriptions:write' },
        // A call without a body asks for the defaults.
        preValidation: async (request) => {
          request.body ??= {}
        },
        schema: {
          operationId: 'rotateSecret',
          tags: ['subscriptions'],
          summary: 'Give a subscription a new signing secret',
          description: 'Scope: `subscriptions:write`. Calls carry signatures of both secrets until the overlap ends.',
          params: IdPath,
          headers: IfMatchHeader,
          body: SecretRotation,
          response: {
            200: SubscriptionWithSecret.ref,
            ...problemResponses(...keyProblems, ...bodyProblems, 'not_found', 'precondition_failed'),
          },
        },
      },
      async (request, reply) => {
        const { companyId } = principalOf(request)
        const id = pathId(request.params.id, 'subscription')
        const author = authorOf(request, clock)
        const { overlap_seconds: overlapSeconds = OVERLAP_DEFAULT_SECONDS, ...given } = request.body
        const { subscription, secret } = await asCompany(pools.api, companyId, (db) =>
          rotate(db, vault, author, companyId, id, { ...given, overlapSeconds }, ifMatch(request)),
        )
        onRecorded()
        setEtag(reply, subscription.version)
        return { ...subscriptionAnswer(subscription), secret: secret.reveal() }
      },
    )
  }
}
