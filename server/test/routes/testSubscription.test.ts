import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { verifyWebhook } from '@daybook/sdk'
import { makeSubscription, unknownSubscriptions } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'
import { scriptedReceiver } from '../support/scripted-receiver.ts'

const api = await startRouteTest()
const pathOf = (id: string): string => `/events/subscriptions/${id}`

describe('POST /events/subscriptions/{id}/test', () => {
  describe('200', () => {
    test('a sample is sent as a delivery would be, whatever the status, and counts as nothing', async (t) => {
      const receiver = await scriptedReceiver(t)
      receiver.answer(() => ({ status: 500 }))
      const made = await api.request('POST', '/events/subscriptions', {
        webhook_url: receiver.url,
        event_names: ['customer.created', '*'],
        headers: { 'X-Tenant': 'acme' },
        format: 'cloudevents',
        active: false,
      })
      const id = String(made.body['id'])
      const before = (await api.request('GET', pathOf(id))).body
      const { body } = await api.request('POST', `${pathOf(id)}/test`)
      assert.deepEqual([body['outcome'], body['reason']], ['failed', 'http_500'])
      assert.equal((body['verification'] as Record<string, unknown>)['secret'], null)
      const [call] = receiver.calls
      assert.ok(call)
      const secrets = [String(made.body['secret'])]
      await verifyWebhook({ headers: call.headers, body: call.body, secrets })
      assert.equal(JSON.parse(call.body.toString()).type, 'customer.created')
      assert.deepEqual([call.headers['x-tenant'], call.headers['daybook-test']], ['acme', 'true'])
      assert.deepEqual((await api.request('GET', pathOf(id))).body, before)
      const query = { subscription_id: id, is_test: true }
      const logs = (await api.request('GET', '/events/webhook-logs', undefined, { query })).body
      assert.equal((logs['data'] as readonly unknown[]).length, 1)
      for (const state of ['pending', 'failed']) {
        const deliveries = await api.request('GET', '/events/deliveries', undefined, {
          query: { state, subscription_id: id },
        })
        assert.deepEqual(deliveries.body['data'], [])
      }
    })
  })

  describe('400', () => {
    test('an unknown member is refused', async () => {
      const answer = await api.request('POST', `${pathOf(await makeSubscription(api))}/test`, { colour: 'red' })
      assert.deepEqual(refusalOf(answer), [400, 'invalid_request', '/colour'])
    })
  })

  describe('404', () => {
    test('one that is not, was deleted or is of another company', async () => {
      for (const { id, key } of await unknownSubscriptions(api)) {
        assert.deepEqual(refusalOf(await api.request('POST', `${pathOf(id)}/test`, {}, { key })), [404, 'not_found'])
      }
    })
  })

  describe('422', () => {
    test('a name that is none is refused', async () => {
      const answer = await api.request('POST', `${pathOf(await makeSubscription(api))}/test`, { event_name: 'Order' })
      assert.deepEqual(refusalOf(answer), [422, 'invalid_event_name', '/event_name'])
    })
  })
})
