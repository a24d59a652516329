import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { idsByPage, rowsIn } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const path = '/events/jobs'

describe('GET /events/jobs', () => {
  describe('200', () => {
    test("a company's own jobs, the newest first, page by page", async () => {
      const other = await api.newCompany('Other')
      await api.request('POST', '/events/deliveries/retry', { filter: {} }, { key: other.key })
      const made: unknown[] = []
      for (const verb of ['retry', 'cancel', 'retry']) {
        made.push((await api.request('POST', `/events/deliveries/${verb}`, { filter: {} })).body['id'])
      }
      assert.deepEqual(await idsByPage(api, path, { limit: 2 }), [made.slice(1).toReversed(), made.slice(0, 1)])
      const [newest] = rowsIn((await api.request('GET', path)).body)
      const { kind, author, parameters } = newest ?? {}
      assert.deepEqual([kind, parameters], ['retry_deliveries', { state: 'failed' }])
      assert.partialDeepStrictEqual(author, { type: 'api_key' })
    })
  })

  describe('400', () => {
    test('a limit out of bounds, a cursor that was not given out', async () => {
      for (const [query, ...refusal] of [
        [{ limit: 0 }, 'invalid_request', '/limit'],
        [{ cursor: 'x' }, 'invalid_cursor'],
      ] as const) {
        assert.deepEqual(refusalOf(await api.request('GET', path, undefined, { query })), [400, ...refusal])
      }
    })
  })
})
