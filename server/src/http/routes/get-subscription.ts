import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { IdPath } from '../../contract/fields.ts'
import { Subscription } from '../../contract/subscription.ts'
import { asCompany } from '../../db/transaction.ts'
import { getSubscription as get } from '../../webhooks/subscriptions.ts'
import { principalOf } from '../access.ts'
import { subscriptionAnswer } from '../answers/subscription-answer.ts'
import { setEtag } from '../etag.ts'
import type { HttpParts } from '../http-parts.ts'
import { pathId } from '../path-id.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function getSubscription({ pools }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/events/subscriptions/:id',
      {
        config: { scope: 'subscriptions:read' },
        schema: {
          operationId: 'getSubscription',
          tags: ['subscriptions'],
          summary: 'Get a subscription',
          description:
            'Scope: `subscriptions:read`. `ETag` is the tag of its settings, for `If-Match`; counters change under it.',
          params: IdPath,
          response: { 200: Subscription.ref, ...problemResponses(...keyProblems, 'not_found') },
        },
      },
      async (request, reply) => {
        const { companyId } = principalOf(request)
        const id = pathId(request.params.id, 'subscription')
        const subscription = await asCompany(pools.api, companyId, (db) => get(db, companyId, id))
        setEtag(reply, subscription.version)
        return subscriptionAnswer(subscription)
      },
    )
  }
}
