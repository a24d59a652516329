import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { column, idsByPage, makeAttempt, makeDelivery, makeOrder } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const path = '/events/deliveries'

describe('GET /events/deliveries', () => {
  describe('200', () => {
    test('the pending ones come before the ended ones, every one once', async (t) => {
      const ended = (await makeAttempt(t, api)).deliveryId
      const pending = (await makeDelivery(t, api)).deliveryId
      assert.deepEqual(await idsByPage(api, path, { limit: 1 }), [[pending], [ended]])
    })

    test('by state, by subscription and by event', async (t) => {
      const failed = await makeAttempt(t, api, { status: 410 })
      await makeDelivery(t, api)
      for (const query of [
        { state: 'failed' },
        { subscription_id: failed.subscriptionId },
        { event_id: failed.eventId },
      ]) {
        assert.deepEqual(column((await api.request('GET', path, undefined, { query })).body, 'id'), [failed.deliveryId])
      }
    })

    test('those that wait for an earlier one, and those that do not', async (t) => {
      await makeAttempt(t, api)
      const { deliveryIds, subscriptionId } = await makeOrder(t, api, 3)
      const list = async (query: Readonly<Record<string, string | boolean>>) => {
        const asked = { ...query, subscription_id: subscriptionId }
        return (await api.request('GET', path, undefined, { query: asked })).body
      }
      const blocked = await list({ blocked: true })
      assert.deepEqual(column(blocked, 'id').map(String).toSorted(), deliveryIds.slice(1).toSorted())
      for (const waiting of column(blocked, 'blocked_by') as readonly { readonly id: string }[]) {
        assert.equal(waiting.id, deliveryIds[0])
      }
      assert.deepEqual(column(await list({ blocked: false }), 'id'), deliveryIds.slice(0, 1))
      assert.deepEqual(column(await list({ blocked: true, state: 'delivered' }), 'id'), [])
    })

    test('nothing of another company', async (t) => {
      const { subscriptionId } = await makeDelivery(t, api)
      const { key } = await api.newCompany('Other')
      const { body } = await api.request('GET', path, undefined, { key, query: { subscription_id: subscriptionId } })
      assert.deepEqual(body, { data: [], next_cursor: null })
    })
  })

  describe('400', () => {
    test('a state that is none, an id that is none, a cursor that was not given out', async () => {
      for (const [query, ...refusal] of [
        [{ state: 'lost' }, 'invalid_request', '/state'],
        [{ subscription_id: 'x' }, 'invalid_request', '/subscription_id'],
        [{ event_id: 'x' }, 'invalid_request', '/event_id'],
        [{ blocked: 'x' }, 'invalid_request', '/blocked'],
        [{ cursor: 'x' }, 'invalid_cursor'],
      ] as const) {
        assert.deepEqual(refusalOf(await api.request('GET', path, undefined, { query })), [400, ...refusal])
      }
    })
  })
})
