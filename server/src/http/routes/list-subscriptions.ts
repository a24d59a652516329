import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { page, pageQuery } from '../../contract/page.ts'
import { Subscription } from '../../contract/subscription.ts'
import { asCompany } from '../../db/transaction.ts'
import { listSubscriptionRows } from '../../webhooks/subscription-store.ts'
import { principalOf } from '../access.ts'
import { subscriptionAnswer } from '../answers/subscription-answer.ts'
import type { HttpParts } from '../http-parts.ts'
import { pageById } from '../page-by-id.ts'
import { keyProblems, problemResponses } from '../problem-responses.ts'

export function listSubscriptions({ pools }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/events/subscriptions',
      {
        config: { scope: 'subscriptions:read' },
        schema: {
          operationId: 'listSubscriptions',
          tags: ['subscriptions'],
          summary: 'List subscriptions, newest first',
          description: 'Scope: `subscriptions:read`.',
          querystring: Type.Object(pageQuery, { additionalProperties: false }),
          response: {
            200: page(Subscription.ref),
            ...problemResponses(...keyProblems, 'invalid_request', 'invalid_cursor'),
          },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        return await asCompany(pools.api, companyId, async (db) =>
          pageById(
            'subscriptions',
            request.query,
            (before, limit) => listSubscriptionRows(db, companyId, before, limit),
            subscriptionAnswer,
          ),
        )
      },
    )
  }
}
