import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { makeDelivery, makeEvent, makeSubscription } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const pathOf = (id: string): string => `/events/subscriptions/${id}`

describe('POST /events/subscriptions/{id}/disable', () => {
  describe('200', () => {
    test('what waits is held and says why; of what comes the first position is kept', async (t) => {
      const { subscriptionId, deliveryId, eventName, receiver } = await makeDelivery(t, api)
      const { body } = await api.request('POST', `${pathOf(subscriptionId)}/disable`)
      assert.deepEqual([body['status'], body['active']], ['inactive', false])
      const next = await makeEvent(api, { event_name: eventName })
      await api.node.route()
      await api.node.dispatch()
      const delivery = (await api.request('GET', `/events/deliveries/${deliveryId}`)).body
      assert.deepEqual([delivery['progress'], delivery['reason']], ['held', 'subscription_inactive'])
      const event = (await api.request('GET', `/events/${next}`)).body
      assert.deepEqual(event['deliveries'], [])
      assert.ok(Number(body['held_from_position']) <= Number(event['position']))
      assert.equal(receiver.calls.length, 0)
    })

    test('twice is like once', async () => {
      const id = await makeSubscription(api)
      const once = await api.request('POST', `${pathOf(id)}/disable`)
      assert.deepEqual((await api.request('POST', `${pathOf(id)}/disable`)).body, once.body)
    })
  })

  describe('404', () => {
    test('one that is not, was deleted or is of another company', async () => {
      const deleted = await makeSubscription(api)
      await api.request('DELETE', pathOf(deleted))
      const other = await api.newCompany('Other')
      for (const [id, key] of [
        [newId(), api.key],
        [deleted, api.key],
        [await makeSubscription(api), other.key],
      ] as const) {
        const answer = await api.request('POST', `${pathOf(id)}/disable`, undefined, { key })
        assert.deepEqual(refusalOf(answer), [404, 'not_found'])
      }
    })
  })

  describe('412', () => {
    test('one that was changed since stays as it is; the present tag and * are taken', async () => {
      for (const present of [true, false]) {
        const id = await makeSubscription(api)
        const get = async () => await api.request('GET', `/events/subscriptions/${id}`)
        const tag = (await get()).headers.get('etag') ?? ''
        const refused = await api.request('POST', `${pathOf(id)}/disable`, undefined, {
          headers: { 'if-match': '"999"' },
        })
        assert.deepEqual(refusalOf(refused), [412, 'precondition_failed'])
        assert.equal((await get()).headers.get('etag'), tag)
        const headers = { 'if-match': present ? tag : '*' }
        const answer = await api.request('POST', `${pathOf(id)}/disable`, undefined, { headers })
        assert.equal(answer.status, 200)
        assert.deepEqual(
          [answer.headers.get('etag') === tag, answer.headers.get('etag')],
          [false, (await get()).headers.get('etag')],
        )
      }
    })
  })
})
