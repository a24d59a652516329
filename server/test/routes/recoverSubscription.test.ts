import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { makeEvent, makeSubscription, newEventName, unknownSubscriptions } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const pathOf = (id: string): string => `/events/subscriptions/${id}/recover`

describe('POST /events/subscriptions/{id}/recover', () => {
  describe('202', () => {
    test('a job is started, with the count of events of these names', async () => {
      const event_name = newEventName()
      await makeEvent(api, { event_name })
      await makeEvent(api)
      await api.node.route()
      const id = await makeSubscription(api, { event_names: [event_name] })
      const { status, body } = await api.request('POST', pathOf(id), { from_position: 1 })
      assert.deepEqual([status, body['kind'], body['state'], body['total']], [202, 'recover_events', 'queued', 1])
      assert.equal((await api.request('GET', `/events/jobs/${String(body['id'])}`)).status, 200)
    })
  })

  describe('400', () => {
    test('a position that is none, and an unknown member, are refused', async () => {
      const id = await makeSubscription(api)
      for (const [body, pointer] of [
        [{ from_position: 0 }, '/from_position'],
        [{}, '/from_position'],
        [{ from_position: 1, colour: 'red' }, '/colour'],
      ] as const) {
        assert.deepEqual(refusalOf(await api.request('POST', pathOf(id), body)), [400, 'invalid_request', pointer])
      }
    })
  })

  describe('404', () => {
    test('one that is not, was deleted or is of another company', async () => {
      for (const { id, key } of await unknownSubscriptions(api)) {
        const answer = await api.request('POST', pathOf(id), { from_position: 1 }, { key })
        assert.deepEqual(refusalOf(answer), [404, 'not_found'])
      }
    })
  })

  describe('409', () => {
    test('one that is not active, or is ordered, and a count that is not right', async () => {
      for (const settings of [{ active: false }, { ordering: 'entity' }]) {
        const id = await makeSubscription(api, settings)
        const answer = await api.request('POST', pathOf(id), { from_position: 1 })
        assert.deepEqual(refusalOf(answer), [409, 'subscription_not_recoverable'])
      }
      const id = await makeSubscription(api)
      const answer = await api.request('POST', pathOf(id), { from_position: 1, expected_count: 7 })
      assert.deepEqual(refusalOf(answer).slice(0, 2), [409, 'count_changed'])
    })
  })

  describe('422', () => {
    test('more than a thousand have to be confirmed', async () => {
      const event_name = newEventName()
      for (let batch = 0; batch < 2; batch++) {
        const events = Array.from({ length: 501 }, () => ({ event_name, payload: {} }))
        await api.request('POST', '/events/batch', { events })
      }
      await api.node.route()
      const id = await makeSubscription(api, { event_names: [event_name] })
      const answer = await api.request('POST', pathOf(id), { from_position: 1 })
      assert.deepEqual(refusalOf(answer).slice(0, 2), [422, 'count_required'])
    })
  })
})
