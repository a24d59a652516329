import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { makeEvent, newEventName } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const path = '/events/facets'

describe('GET /events/facets', () => {
  describe('200', () => {
    test('how often each name, entity type, actor and source occurs among the events of a filter', async () => {
      const [one, two] = [newEventName(), newEventName()]
      const actor = { type: 'user', id: 'ann' }
      await makeEvent(api, { event_name: one, entity_type: 'order', entity_id: 1, actor, source: 'shop' })
      await makeEvent(api, { event_name: one, entity_type: 'order', entity_id: 2, actor })
      await makeEvent(api, {
        event_name: two,
        entity_type: 'call',
        entity_id: 1,
        actor: { type: 'user', id: 'bob' },
        source: 'shop',
      })
      await api.node.route()
      const query = { event_names: `${one},${two}` }
      const { body } = await api.request('GET', path, undefined, { query })
      const { from_position, to_position, ...facets } = body
      assert.equal(Number(to_position) - Number(from_position), 2)
      assert.deepEqual(facets, {
        considered: 3,
        is_complete: true,
        event_names: [
          { value: one, count: 2 },
          { value: two, count: 1 },
        ],
        entity_types: [
          { value: 'order', count: 2 },
          { value: 'call', count: 1 },
        ],
        actors: [
          { ...actor, count: 2 },
          { type: 'user', id: 'bob', count: 1 },
        ],
        sources: [
          { value: 'shop', count: 2 },
          { value: null, count: 1 },
        ],
      })
      const ofShop = await api.request('GET', path, undefined, { query: { ...query, source: 'shop' } })
      assert.equal(ofShop.body['considered'], 2)
    })

    test('nothing is counted where nothing fits', async () => {
      const { body } = await api.request('GET', path, undefined, { query: { event_names: newEventName() } })
      assert.deepEqual([body['considered'], body['is_complete'], body['from_position']], [0, true, null])
    })
  })

  describe('400', () => {
    test('a member that is not known', async () => {
      const answer = await api.request('GET', path, undefined, { query: { colour: 'red' } })
      assert.deepEqual(refusalOf(answer), [400, 'invalid_request', '/colour'])
    })
  })

  describe('422', () => {
    test('half an entity, a time that is none', async () => {
      for (const [query, ...refusal] of [
        [{ entity_id: '1' }, 'invalid_entity', '/entity_type'],
        [{ from: 'yesterday' }, 'invalid_time', '/from'],
      ] as const) {
        assert.deepEqual(refusalOf(await api.request('GET', path, undefined, { query })), [422, ...refusal])
      }
    })
  })
})
