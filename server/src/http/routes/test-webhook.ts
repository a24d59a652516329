import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { TestWebhookInput, WebhookTest } from '../../contract/webhook-test.ts'
import { testTarget } from '../../webhooks/test-target.ts'
import { principalOf } from '../access.ts'
import { settingProblems } from '../change-subscription.ts'
import type { HttpParts } from '../http-parts.ts'
import { bodyProblems, keyProblems, problemResponses } from '../problem-responses.ts'
import { TestWebhooks } from '../test-webhooks.ts'

export function testWebhook(parts: HttpParts): FastifyPluginAsyncTypebox {
  const { allow, clock } = parts
  const tests = new TestWebhooks(parts)
  return async (app) => {
    app.post(
      '/events/test-webhook',
      {
        config: { scope: 'subscriptions:write' },
        schema: {
          operationId: 'testWebhook',
          tags: ['subscriptions'],
          summary: 'Call a URL with a signed sample',
          description:
            'Scope: `subscriptions:write`. The call is made now and once; the answer waits for it. The ledger keeps it as a test, ' +
            'and no event is recorded. The header `daybook-test` tells receivers.',
          body: TestWebhookInput,
          response: {
            200: WebhookTest.ref,
            ...problemResponses(...keyProblems, ...bodyProblems, ...settingProblems, 'too_many_tests'),
          },
        },
      },
      async (request) => {
        const { companyId } = principalOf(request)
        const { event_name, payload, entity_type, entity_id, ...called } = request.body
        const { target, verifiedBy } = testTarget(companyId, called, allow, clock.now())
        return await tests.call(target, null, { event_name, payload, entity_type, entity_id }, verifiedBy)
      },
    )
  }
}
