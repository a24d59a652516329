import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { idsByPage, makeSubscription } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const path = '/events/replays'

describe('GET /events/replays', () => {
  describe('200', () => {
    test('the replays of the company, newest first, page by page, and no other jobs', async () => {
      const target = { subscription_ids: [await makeSubscription(api)] }
      const ids: unknown[] = []
      for (let started = 0; started < 3; started++) {
        ids.unshift((await api.request('POST', path, { source: {}, target })).body['id'])
        await api.request('POST', '/events/deliveries/retry', { filter: { event_name: 'not.ever' } })
      }
      assert.deepEqual(await idsByPage(api, path, { limit: 2 }), [ids.slice(0, 2), ids.slice(2)])
      const other = await api.newCompany('Other')
      assert.deepEqual((await api.request('GET', path, undefined, { key: other.key })).body['data'], [])
    })
  })

  describe('400', () => {
    test('a query that is not of this form, and a cursor of another list', async () => {
      for (const [query, ...refusal] of [
        [{ limit: 0 }, 'invalid_request', '/limit'],
        [{ kind: 'x' }, 'invalid_request', '/kind'],
        [{ cursor: 'x' }, 'invalid_cursor'],
      ] as const) {
        assert.deepEqual(refusalOf(await api.request('GET', path, undefined, { query })), [400, ...refusal])
      }
    })
  })
})
