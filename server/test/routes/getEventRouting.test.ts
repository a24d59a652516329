import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { column, makeEvent, makeSubscription, newEventName, rowsIn } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const pathOf = (id: string): string => `/events/${id}/routing`

describe('GET /events/{id}/routing', () => {
  describe('200', () => {
    test('each subscription with its reason, in pages that meet each one once', async () => {
      const event_name = newEventName()
      const all = await makeSubscription(api, { event_names: [event_name] })
      const filtered = await makeSubscription(api, { event_names: [event_name], filter: { n: 2 } })
      const other = await makeSubscription(api)
      const id = await makeEvent(api, { event_name, payload: { n: 1 } })
      await api.node.route()
      const first = (await api.request('GET', pathOf(id), undefined, { query: { limit: 2 } })).body
      const query = { limit: 2, cursor: String(first['next_cursor']) }
      const second = (await api.request('GET', pathOf(id), undefined, { query })).body
      assert.equal(second['next_cursor'], null)
      assert.deepEqual(
        [...column(first, 'subscription_id'), ...column(second, 'subscription_id')],
        [all, filtered, other],
      )
      assert.deepEqual([...column(first, 'matched'), ...column(second, 'matched')], [true, false, false])
      assert.deepEqual([...column(first, 'reason'), ...column(second, 'reason')], [null, 'filter', 'other_event_names'])
    })

    test('nothing until the event is routed', async () => {
      await makeSubscription(api)
      assert.deepEqual(rowsIn((await api.request('GET', pathOf(await makeEvent(api)))).body), [])
    })
  })

  describe('400', () => {
    test('a cursor that was not given out is refused', async () => {
      const id = await makeEvent(api)
      await api.node.route()
      const answer = await api.request('GET', pathOf(id), undefined, { query: { cursor: 'x' } })
      assert.deepEqual(refusalOf(answer).slice(0, 2), [400, 'invalid_cursor'])
    })
  })

  describe('404', () => {
    test('one that is not, is no id or is of another company', async () => {
      const other = await api.newCompany('Other')
      for (const [id, key] of [
        [newId(), api.key],
        ['x', api.key],
        [await makeEvent(api), other.key],
      ] as const) {
        assert.deepEqual(refusalOf(await api.request('GET', pathOf(id), undefined, { key })), [404, 'not_found'])
      }
    })
  })
})
