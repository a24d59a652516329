import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { idsByPage } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const path = '/companies'

describe('GET /companies', () => {
  describe('200', () => {
    test('every company once, the newest first, page by page', async () => {
      const made = [api.companyId]
      for (const name of ['a', 'b']) made.push((await api.newCompany(name)).id)
      const pages = await idsByPage(api, path, { limit: 2 })
      assert.deepEqual(pages, [made.slice(1).toReversed(), made.slice(0, 1)])
    })

    test('no key is shown', async () => {
      const { text } = await api.request('GET', path)
      assert.ok(!text.includes(api.key) && !text.includes('api_key'))
    })
  })

  describe('400', () => {
    test('a limit outside its bounds, and a cursor that was not given out', async () => {
      const wrong = await api.request('GET', path, undefined, { query: { limit: 0 } })
      assert.deepEqual(refusalOf(wrong), [400, 'invalid_request', '/limit'])
      const forged = await api.request('GET', path, undefined, { query: { cursor: 'e30' } })
      assert.deepEqual(refusalOf(forged), [400, 'invalid_cursor'])
    })
  })
})
