import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { makeEvent, newEventName } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const path = '/events/subscriptions/preview'

describe('POST /events/subscriptions/preview', () => {
  describe('200', () => {
    test('it says how many of the newest events would have come, and why others would not', async () => {
      const event_name = newEventName()
      const [wanted] = [await makeEvent(api, { event_name, payload: { n: 5 } })]
      const other = await makeEvent(api, { event_name, payload: { n: 4 } })
      await makeEvent(api)
      await api.node.route()
      const { body } = await api.request('POST', path, {
        event_names: [event_name],
        filter: { n: { $gte: 5 } },
        last: 3,
      })
      assert.deepEqual([body['considered'], body['matched']], [3, 1])
      const [match] = body['matches'] as readonly { readonly event_id: string }[]
      assert.equal(match?.event_id, wanted)
      const [miss] = body['misses'] as readonly { event_id: string; failed_conditions: { path: string }[] }[]
      assert.deepEqual([miss?.event_id, miss?.failed_conditions[0]?.path], [other, 'n'])
    })
  })

  describe('400', () => {
    test('more events than it looks at, and an unknown member, are refused', async () => {
      for (const [more, pointer] of [
        [{ last: 10_001 }, '/last'],
        [{ colour: 'red' }, '/colour'],
      ] as const) {
        const answer = await api.request('POST', path, { event_names: ['*'], ...more })
        assert.deepEqual(refusalOf(answer), [400, 'invalid_request', pointer])
      }
    })
  })

  describe('422', () => {
    test('a filter and a name that cannot be used are refused with their place', async () => {
      const filter = await api.request('POST', path, { event_names: ['*'], filter: { n: { $near: 5 } } })
      assert.deepEqual(refusalOf(filter), [422, 'invalid_filter', '/filter/n/$near'])
      const names = await api.request('POST', path, { event_names: ['a', 'B'] })
      assert.deepEqual(refusalOf(names), [422, 'invalid_event_name', '/event_names/1'])
    })
  })
})
