import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { IdPath } from '../../contract/fields.ts'
import { Subscription } from '../../contract/subscription.ts'
import { asCompany } from '../../db/transaction.ts'
import { disableSubscription as disable } from '../../webhooks/subscriptions.ts'
import { authorOf, principalOf } from '../access.ts'
import { subscriptionAnswer } from '../answers/subscription-answer.ts'
import { ifMatch, IfMatchHeader, setEtag } from '../etag.ts'
import type { HttpParts } from '../http-parts.ts'
import { pathId } from '../path-id.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function disableSubscription({ pools, clock, onRecorded }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/events/subscriptions/:id/disable',
      {
        config: { scope: 'subscriptions:write' },
        schema: {
          operationId: 'disableSubscription',
          tags: ['subscriptions'],
          summary: 'Stop sending to a subscription',
          description:
            'Scope: `subscriptions:write`. Its waiting deliveries are kept; of new events the first position is.',
          params: IdPath,
          headers: IfMatchHeader,
          response: { 200: Subscription.ref, ...problemResponses(...keyProblems, 'not_found', 'precondition_failed') },
        },
      },
      async (request, reply) => {
        const { companyId } = principalOf(request)
        const id = pathId(request.params.id, 'subscription')
        const author = authorOf(request, clock)
        const subscription = await asCompany(pools.api, companyId, (db) =>
          disable(db, author, companyId, id, ifMatch(request)),
        )
        onRecorded()
        setEtag(reply, subscription.version)
        return subscriptionAnswer(subscription)
      },
    )
  }
}
