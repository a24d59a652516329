import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { column, makeAttempt, makeDelivery, makeSubscription } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const pathOf = (id: string): string => `/events/subscriptions/${id}`

describe('DELETE /events/subscriptions/{id}', () => {
  describe('204', () => {
    test('it is gone from the list', async () => {
      const id = await makeSubscription(api)
      const answer = await api.request('DELETE', pathOf(id))
      assert.deepEqual([answer.status, answer.text], [204, ''])
      const { body } = await api.request('GET', '/events/subscriptions')
      assert.ok(!column(body, 'id').includes(id))
    })

    test('what waits for it ends as cancelled, without a call', async (t) => {
      const { subscriptionId, deliveryId, receiver } = await makeDelivery(t, api)
      await api.request('DELETE', pathOf(subscriptionId))
      await api.node.dispatch()
      const { body } = await api.request('GET', `/events/deliveries/${deliveryId}`)
      assert.deepEqual([body['state'], body['reason']], ['cancelled', 'subscription_deleted'])
      assert.equal(receiver.calls.length, 0)
    })

    test('its logs stay', async (t) => {
      const { subscriptionId, logId } = await makeAttempt(t, api)
      await api.request('DELETE', pathOf(subscriptionId))
      assert.equal((await api.request('GET', `/events/webhook-logs/${logId}`)).body['outcome'], 'delivered')
    })
  })

  describe('404', () => {
    test('one that is not, and one that was deleted before', async () => {
      const id = await makeSubscription(api)
      await api.request('DELETE', pathOf(id))
      assert.deepEqual(refusalOf(await api.request('DELETE', pathOf(id))), [404, 'not_found'])
      assert.deepEqual(refusalOf(await api.request('DELETE', pathOf(newId()))), [404, 'not_found'])
    })

    test("another company's stays as it is", async () => {
      const { key } = await api.newCompany('Other')
      const id = await makeSubscription(api)
      assert.deepEqual(refusalOf(await api.request('DELETE', pathOf(id), undefined, { key })), [404, 'not_found'])
      assert.equal((await api.request('GET', pathOf(id))).body['status'], 'active')
    })
  })

  describe('412', () => {
    test('one that was changed since stays as it is; the present tag and * are taken', async () => {
      for (const present of [true, false]) {
        const id = await makeSubscription(api)
        const get = async () => await api.request('GET', `/events/subscriptions/${id}`)
        const tag = (await get()).headers.get('etag') ?? ''
        const refused = await api.request('DELETE', pathOf(id), undefined, { headers: { 'if-match': '"999"' } })
        assert.deepEqual(refusalOf(refused), [412, 'precondition_failed'])
        assert.equal((await get()).headers.get('etag'), tag)
        const headers = { 'if-match': present ? tag : '*' }
        const answer = await api.request('DELETE', pathOf(id), undefined, { headers })
        assert.equal(answer.status, 204)
      }
    })
  })
})
