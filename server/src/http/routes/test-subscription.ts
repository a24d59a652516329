import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { IdPath } from '../../contract/fields.ts'
import { TestSubscriptionInput, WebhookTest } from '../../contract/webhook-test.ts'
import { asCompany } from '../../db/transaction.ts'
import { Deliverables } from '../../webhooks/deliverables.ts'
import { currentSubscription } from '../../webhooks/subscriptions.ts'
import { principalOf } from '../access.ts'
import type { RouteParts } from '../http-parts.ts'
import { pathId } from '../path-id.ts'
import { bodyProblems, keyProblems, problemResponses } from '../problem-responses.ts'

/** Where a subscription names no event by its full name. */
const SAMPLE_NAME = 'test.webhook'

export function testSubscription({ pools, vault, tests }: RouteParts): FastifyPluginAsyncTypebox {
  const deliverables = new Deliverables(vault)
  return async (app) => {
    app.post(
      '/events/subscriptions/:id/test',
      {
        config: { scope: 'subscriptions:write' },
        // A call without a body asks for the defaults.
        preValidation: async (request) => {
          request.body ??= {}
        },
        schema: {
          operationId: 'testSubscription',
          tags: ['subscriptions'],
          summary: 'Send a subscription a signed sample',
          description:
            'Scope: `subscriptions:write`. The call is made now and once, as a delivery would be, whatever the status of the ' +
            'subscription; by default with the first event that it names. The ledger keeps it as a test, and nothing is counted.',
          params: IdPath,
          body: TestSubscriptionInput,
          response: {
            200: WebhookTest.ref,
            ...problemResponses(
              ...keyProblems,
              ...bodyProblems,
              'not_found',
              'invalid_event_name',
              'too_many_tests',
              'too_busy',
            ),
          },
        },
      },
      async (request, reply) => {
        const { companyId } = principalOf(request)
        const id = pathId(request.params.id, 'subscription')
        const target = await asCompany(pools.api, companyId, async (db) => {
          const subscription = await currentSubscription(db, companyId, id)
          return (await deliverables.load(db, companyId, [subscription])).get(id)
        })
        if (!target) throw new Error(`Subscription ${id} has no version`)
        const named = target.eventNames.find((name) => !name.includes('*')) ?? SAMPLE_NAME
        return await tests.call(
          reply,
          target,
          id,
          { ...request.body, event_name: request.body.event_name ?? named },
          null,
        )
      },
    )
  }
}
