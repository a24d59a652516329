import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { makeDefinition, orderSchema } from '../support/made-definitions.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

describe('GET /events/schemas/{event_name}', () => {
  describe('200', () => {
    test('a definition has a schema and examples, and an example can be published', async () => {
      const { body } = await api.request('GET', '/events/schemas/call.completed')
      assert.equal(body['event_name'], 'call.completed')
      assert.equal(typeof body['schema'], 'object')
      const examples = body['examples'] as readonly unknown[]
      assert.ok(examples.length > 0)
      for (const payload of examples) {
        assert.equal((await api.request('POST', '/events', { event_name: 'call.completed', payload })).status, 201)
      }
    })

    test('one of its own has its latest version, or the one that is asked for, and a tag', async () => {
      const name = await makeDefinition(api, { compatibility: 'none' })
      await api.request('PUT', `/events/schemas/${name}`, { schema: { type: 'string' } })
      const latest = await api.request('GET', `/events/schemas/${name}`)
      assert.partialDeepStrictEqual(latest.body, { source: 'custom', version: 2, schema: { type: 'string' } })
      assert.match(latest.headers.get('etag') ?? '', /^"\d+"$/)
      const first = await api.request('GET', `/events/schemas/${name}`, undefined, { query: { version: 1 } })
      assert.deepEqual(first.body['schema'], orderSchema({ total: { type: 'number' } }))
    })
  })

  describe('400', () => {
    test('a version that is none', async () => {
      const answer = await api.request('GET', '/events/schemas/call.completed', undefined, {
        query: { version: 'one' },
      })
      assert.deepEqual(refusalOf(answer), [400, 'invalid_request', '/version'])
    })
  })

  describe('404', () => {
    test('a name without a definition, also one that every object has a member of', async () => {
      for (const name of ['order.placed', '__proto__', 'constructor', '%00', 'a'.repeat(200)]) {
        assert.deepEqual(refusalOf(await api.request('GET', `/events/schemas/${name}`)), [404, 'not_found'], name)
      }
    })

    test('a version that a definition does not have', async () => {
      const name = await makeDefinition(api)
      for (const one of [name, 'call.completed']) {
        const answer = await api.request('GET', `/events/schemas/${one}`, undefined, { query: { version: 999 } })
        assert.deepEqual(refusalOf(answer), [404, 'not_found'])
      }
    })
  })
})
