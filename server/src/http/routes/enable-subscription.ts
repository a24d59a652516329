import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { IdPath } from '../../contract/fields.ts'
import { EnabledSubscription, EnableInput } from '../../contract/subscription.ts'
import { asCompany } from '../../db/transaction.ts'
import { enableSubscription as enable } from '../../webhooks/enable-subscription.ts'
import { authorOf, principalOf } from '../access.ts'
import { subscriptionAnswer } from '../answers/subscription-answer.ts'
import { ifMatch, IfMatchHeader, setEtag } from '../etag.ts'
import type { HttpParts } from '../http-parts.ts'
import { pathId } from '../path-id.ts'
import { bodyProblems, bulkProblems, keyProblems, problemResponses } from '../problem-responses.ts'

export function enableSubscription(parts: HttpParts): FastifyPluginAsyncTypebox {
  const { pools, clock, onRecorded, onDeliveriesDue } = parts
  return async (app) => {
    app.post(
      '/events/subscriptions/:id/enable',
      {
        config: { scope: 'subscriptions:write' },
        // A call without a body asks for the defaults.
        preValidation: async (request) => {
          request.body ??= {}
        },
        schema: {
          operationId: 'enableSubscription',
          tags: ['subscriptions'],
          summary: 'Send to a subscription again',
          description:
            'Scope: `subscriptions:write`. Waiting deliveries are due at once; the answer counts what passed it by, and with ' +
            '`recover` a job sends it. An ordered subscription becomes active when that job has queued all of it.',
          params: IdPath,
          headers: IfMatchHeader,
          body: EnableInput,
          response: {
            200: EnabledSubscription.ref,
            ...problemResponses(
              ...keyProblems,
              ...bodyProblems,
              ...bulkProblems,
              'not_found',
              'precondition_failed',
              'recovery_running',
            ),
          },
        },
      },
      async (request, reply) => {
        const { companyId } = principalOf(request)
        const id = pathId(request.params.id, 'subscription')
        const author = authorOf(request, clock)
        const { recover = false, expected_count: expectedCount } = request.body
        const { subscription, held, job } = await asCompany(pools.api, companyId, (db) =>
          enable(db, author, companyId, id, { recover, expectedCount, checkVersion: ifMatch(request) }),
        )
        onRecorded()
        onDeliveriesDue(companyId, id)
        setEtag(reply, subscription.version)
        return { ...subscriptionAnswer(subscription), held, job }
      },
    )
  }
}
