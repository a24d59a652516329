import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { idsByPage, rowsIn } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const path = '/api-keys'

describe('GET /api-keys', () => {
  describe('200', () => {
    test('every key of the company once, the newest first, the revoked ones too', async () => {
      const { key } = await api.newCompany('Own')
      const made: unknown[] = []
      for (const name of ['a', 'b', 'c']) {
        made.push((await api.request('POST', path, { name, scopes: ['*'] }, { key })).body['id'])
      }
      await api.request('DELETE', `${path}/${String(made[1])}`, undefined, { key })
      const pages = await idsByPage(api, path, { limit: 2 }, { key })
      assert.deepEqual(
        pages.map(({ length }) => length),
        [2, 2],
      ) // with the company's first
      assert.deepEqual(pages.flat().slice(0, 3), made.toReversed())
    })

    test('no key is ever shown again', async () => {
      const made = (await api.request('POST', path, { name: 'Once', scopes: ['*'] })).body
      const answer = await api.request('GET', path)
      assert.ok(!answer.text.includes(String(made['key'])))
      assert.ok(rowsIn(answer.body).every((row) => !('key' in row) && typeof row['hint'] === 'string'))
    })
  })

  describe('400', () => {
    test('a limit outside its bounds, and a cursor of another list', async () => {
      const wrong = await api.request('GET', path, undefined, { query: { limit: 1_000 } })
      assert.deepEqual(refusalOf(wrong), [400, 'invalid_request', '/limit'])
      const cursor = Buffer.from('["subscriptions","01890000-0000-7000-8000-000000000001"]').toString('base64url')
      const foreign = await api.request('GET', path, undefined, { query: { cursor } })
      assert.deepEqual(refusalOf(foreign), [400, 'invalid_cursor'])
    })
  })
})
