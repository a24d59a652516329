import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { makeDefinition, orderSchema } from '../support/made-definitions.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

const sample = async (name: string, query: Record<string, number> = {}) =>
  await api.request('GET', `/events/schemas/${name}/sample`, undefined, { query })

describe('GET /events/schemas/{event_name}/sample', () => {
  describe('200', () => {
    test('the first example is given, and with a seed what the schema asks for', async () => {
      const name = await makeDefinition(api, { examples: [{ order_id: 'o-1' }, { order_id: 'o-2' }] })
      assert.deepEqual((await sample(name)).body, {
        event_name: name,
        version: 1,
        from: 'example',
        payload: { order_id: 'o-1' },
      })
      assert.equal((await sample(name, { seed: 3 })).body['from'], 'schema')
    })

    test('every sample can be published', async () => {
      const name = await makeDefinition(api, { schema: orderSchema({ at: { format: 'date-time', type: 'string' } }) })
      for (let seed = 0; seed < 10; seed++) {
        const { payload } = (await sample(name, { seed })).body
        assert.equal((await api.request('POST', '/events', { event_name: name, payload })).status, 201)
      }
    })

    test('the same seed gives the same payload, of the version that is asked for', async () => {
      const name = await makeDefinition(api)
      await api.request('PUT', `/events/schemas/${name}`, { schema: { type: 'string' }, compatibility: 'none' })
      const first = await sample(name, { seed: 5, version: 1 })
      assert.deepEqual((await sample(name, { seed: 5, version: 1 })).body, first.body)
      assert.equal(typeof (first.body['payload'] as { readonly order_id: unknown }).order_id, 'string')
      assert.equal(typeof (await sample(name, { seed: 5 })).body['payload'], 'string')
    })

    test('standard definitions have samples too', async () => {
      assert.equal((await sample('call.completed')).body['from'], 'example')
      assert.equal((await sample('call.completed', { seed: 1 })).body['from'], 'schema')
    })
  })

  describe('400', () => {
    test('a seed or a version that is none is named', async () => {
      assert.deepEqual(refusalOf(await sample('call.completed', { seed: -1, version: 0 })), [
        400,
        'invalid_request',
        '/version',
        '/seed',
      ])
    })
  })

  describe('404', () => {
    test('a name without a definition, and a version that it does not have', async () => {
      const name = await makeDefinition(api)
      assert.deepEqual(refusalOf(await sample('never.defined')), [404, 'not_found'])
      assert.deepEqual(refusalOf(await sample(name, { version: 2 })), [404, 'not_found'])
      assert.deepEqual(refusalOf(await sample('call.completed', { version: 99 })), [404, 'not_found'])
    })
  })
})
