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

    test('it names what it came from, and what came from it', async () => {
      const first = await makeEvent(api)
      const second = await makeEvent(api, { causation_id: first })
      const third = await makeEvent(api, { causation_id: second.toUpperCase() })
      const fourth = await makeEvent(api, { causation_id: second })
      const ids = (value: unknown) => (value as readonly { readonly id: string }[]).map(({ id }) => id)
      const links = async (id: string) => {
        const { body } = await api.request('GET', `/events/${id}`)
        return [ids(body['causes']), ids(body['effects']), body['has_more_effects']]
      }
      assert.deepEqual(await links(first), [[], [second], false])
      assert.deepEqual(await links(second), [[first], [fourth], false])
      assert.deepEqual(await links(third), [[second, first], [], false])
      assert.deepEqual(await links(await makeEvent(api, { causation_id: 'order 7' })), [[], [], false])
    })

    test('a circle of causes ends', async () => {
      const [one, other] = [newId(), newId()]
      await makeEvent(api, { id: one, causation_id: other })
      await makeEvent(api, { id: other, causation_id: one })
      const { body } = await api.request('GET', `/events/${one}`)
      assert.equal((body['causes'] as readonly unknown[]).length, 1)
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
