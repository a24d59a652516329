import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { makeDefinition, orderSchema } from '../support/made-definitions.ts'
import { column, rowsIn } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

describe('GET /events/schemas/{event_name}/versions', () => {
  describe('200', () => {
    test('newest first, with who made each and whether it was in force, page by page', async () => {
      const name = await makeDefinition(api, { status: 'draft' })
      const at = `/events/schemas/${name}`
      await api.request('PUT', at, { schema: orderSchema({ a: {} }), status: 'active' })
      await api.request('PUT', at, { schema: orderSchema({ a: { title: 'A' } }) })
      const { body } = await api.request('GET', `${at}/versions`, undefined, { query: { limit: 2 } })
      assert.deepEqual(column(body, 'version'), [3, 2])
      assert.deepEqual(column(body, 'is_latest'), [true, false])
      assert.partialDeepStrictEqual(rowsIn(body)[0], { created_by: { type: 'api_key' } })
      const cursor = String(body['next_cursor'])
      const next = await api.request('GET', `${at}/versions`, undefined, { query: { limit: 2, cursor } })
      assert.deepEqual(
        [column(next.body, 'version'), column(next.body, 'was_in_force'), next.body['next_cursor']],
        [[1], [false], null],
      )
    })

    test('each version can be read as it was', async () => {
      const name = await makeDefinition(api)
      const at = `/events/schemas/${name}`
      await api.request('PUT', at, { schema: { type: 'string' }, compatibility: 'none' })
      const first = await api.request('GET', at, undefined, { query: { version: 1 } })
      assert.deepEqual([first.body['version'], first.body['schema']], [1, orderSchema({ total: { type: 'number' } })])
      assert.equal((await api.request('GET', at)).body['version'], 2)
    })

    test('a standard definition has one', async () => {
      const { body } = await api.request('GET', '/events/schemas/call.completed/versions')
      assert.deepEqual([column(body, 'created_by'), column(body, 'is_latest')], [[null], [true]])
    })
  })

  describe('400', () => {
    test('a cursor of another list is refused', async () => {
      const name = await makeDefinition(api)
      const cursor = Buffer.from('["definitions","a.b"]').toString('base64url')
      const answer = await api.request('GET', `/events/schemas/${name}/versions`, undefined, { query: { cursor } })
      assert.deepEqual(refusalOf(answer), [400, 'invalid_cursor'])
    })
  })

  describe('404', () => {
    test('a name without a definition', async () => {
      assert.deepEqual(refusalOf(await api.request('GET', '/events/schemas/never.defined/versions')), [
        404,
        'not_found',
      ])
    })
  })
})
