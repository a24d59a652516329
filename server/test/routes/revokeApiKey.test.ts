import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'
import { until } from '../support/until.ts'

const api = await startRouteTest()
const pathOf = (id: unknown): string => `/api-keys/${String(id)}`

describe('DELETE /api-keys/{id}', () => {
  describe('200', () => {
    test('a revoked key opens nothing any more', async () => {
      const { id, key } = (await api.request('POST', '/api-keys', { name: 'Short', scopes: ['*'] })).body
      const ask = async () => await api.request('GET', '/events', undefined, { key: String(key) })
      assert.equal((await ask()).status, 200)
      assert.equal(typeof (await api.request('DELETE', pathOf(id))).body['revoked_at'], 'string')
      await until('it is refused', async () => (await ask()).status === 401)
    })

    test('twice is like once', async () => {
      const { id } = (await api.request('POST', '/api-keys', { name: 'Twice', scopes: ['*'] })).body
      const once = await api.request('DELETE', pathOf(id))
      assert.deepEqual((await api.request('DELETE', pathOf(id))).body, once.body)
    })
  })

  describe('404', () => {
    test('what does not exist, what is no id and what is of another company', async () => {
      const other = await api.newCompany('Other')
      const { id } = (await api.request('POST', '/api-keys', { name: 'Mine', scopes: ['*'] })).body
      for (const [name, key] of [
        [newId(), api.key],
        ['nothing', api.key],
        [id, other.key],
      ] as const) {
        assert.deepEqual(refusalOf(await api.request('DELETE', pathOf(name), undefined, { key })), [404, 'not_found'])
      }
    })
  })
})
