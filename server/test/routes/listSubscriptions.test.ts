import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { column, idsByPage, makeSubscription } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const path = '/events/subscriptions'

describe('GET /events/subscriptions', () => {
  describe('200', () => {
    test('a company without any has an empty list', async () => {
      assert.deepEqual((await api.request('GET', path)).body, { data: [], next_cursor: null })
    })

    test('pages hold every one once, the newest first, and nothing of another company', async () => {
      const made: string[] = []
      for (let n = 0; n < 5; n++) made.push(await makeSubscription(api))
      assert.deepEqual(await idsByPage(api, path, { limit: 2 }), [
        made.slice(3).toReversed(),
        made.slice(1, 3).toReversed(),
        made.slice(0, 1),
      ])
      const { key } = await api.newCompany('Other')
      assert.deepEqual(column((await api.request('GET', path, undefined, { key })).body, 'id'), [])
    })

    test('a list never shows a secret', async () => {
      await makeSubscription(api)
      assert.ok(!(await api.request('GET', path)).text.includes('whsec_'))
    })
  })

  describe('400', () => {
    test('a limit outside 1 to 200 and a member that is not known are refused', async () => {
      for (const [query, pointer] of [
        [{ limit: 0 }, '/limit'],
        [{ limit: 201 }, '/limit'],
        [{ limit: 'many' }, '/limit'],
        [{ colour: 'red' }, '/colour'],
      ] as const) {
        const answer = await api.request('GET', path, undefined, { query })
        assert.deepEqual(refusalOf(answer), [400, 'invalid_request', pointer])
      }
    })

    test('a cursor that this list did not give out is refused', async () => {
      for (const cursor of ['x', Buffer.from('["api_keys","0190"]').toString('base64url')]) {
        const answer = await api.request('GET', path, undefined, { query: { cursor } })
        assert.deepEqual(refusalOf(answer), [400, 'invalid_cursor'])
      }
    })
  })
})
