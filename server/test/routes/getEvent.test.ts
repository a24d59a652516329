import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { makeAttempt, makeEvent } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

describe('GET /events/{id}', () => {
  describe('200', () => {
    test('it is there from its publish on, and gets its position when it is routed', async () => {
      const id = await makeEvent(api)
      const before = (await api.request('GET', `/events/${id}`)).body
      assert.deepEqual([before['state'], before['position'], before['deliveries']], ['recorded', null, []])
      await api.node.route()
      const after = (await api.request('GET', `/events/${id}`)).body
      assert.deepEqual([after['state'], typeof after['position']], ['routed', 'number'])
      assert.equal(after['digest'], before['digest'])
    })

    test('it says what became of it for each subscription', async (t) => {
      const { eventId, deliveryId } = await makeAttempt(t, api)
      const { body } = await api.request('GET', `/events/${eventId}`)
      const deliveries = body['deliveries'] as readonly Readonly<Record<string, unknown>>[]
      assert.deepEqual(
        deliveries.map(({ id, state }) => [id, state]),
        [[deliveryId, 'delivered']],
      )
    })
  })

  describe('404', () => {
    test('what does not exist, what is no id and what is of another company', async () => {
      const other = await api.newCompany('Other')
      const id = await makeEvent(api)
      for (const [name, key] of [
        [newId(), api.key],
        ['nothing', api.key],
        [id, other.key],
      ] as const) {
        const answer = await api.request('GET', `/events/${name}`, undefined, { key })
        assert.deepEqual(refusalOf(answer), [404, 'not_found'])
      }
    })
  })
})
