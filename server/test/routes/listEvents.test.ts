import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { column, idsByPage, makeEvent, newEventName, rowsIn } from '../support/made-things.ts'
import type { RouteAnswer } from '../support/route-test.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

type Query = NonNullable<NonNullable<Parameters<typeof api.request>[3]>['query']>

const list = async (query: Query): Promise<RouteAnswer> => await api.request('GET', '/events', undefined, { query })

describe('GET /events', () => {
  describe('200', () => {
    test('every event once, the newest first or last, page by page', async () => {
      const { key } = await api.newCompany('Own')
      const made: string[] = []
      for (let n = 0; n < 5; n++) {
        const { body } = await api.request('POST', '/events', { event_name: 'a.b', payload: n }, { key })
        made.push(String(body['id']))
      }
      await api.node.route()
      const filter = { event_names: 'a.b', limit: 2 }
      assert.deepEqual((await idsByPage(api, '/events', filter, { key })).flat(), made.toReversed())
      assert.deepEqual((await idsByPage(api, '/events', { ...filter, order: 'asc' }, { key })).flat(), made)
    })

    test('by entity: the number 123 and the text "123" are one; related ones when asked for', async () => {
      const entity = { entity_type: newEventName(), entity_id: 123 }
      const asNumber = await makeEvent(api, entity)
      const asText = await makeEvent(api, { ...entity, entity_id: '123' })
      const related = await makeEvent(api, { related: [{ type: entity.entity_type, id: '123' }] })
      await api.node.route()
      assert.deepEqual(column((await list(entity)).body, 'id'), [asText, asNumber])
      const all = await list({ ...entity, include_related: true })
      assert.deepEqual(column(all.body, 'id'), [related, asText, asNumber])
    })

    test('by names and prefixes, separated or repeated; * leaves daybook.* out', async () => {
      const name = newEventName()
      const [one, other] = [
        await makeEvent(api, { event_name: `${name}.one` }),
        await makeEvent(api, { event_name: `${name}.two` }),
      ]
      await api.node.route()
      for (const event_names of [`${name}.*`, `${name}.one,${name}.two`, [`${name}.one`, `${name}.two`]]) {
        assert.deepEqual(column((await list({ event_names })).body, 'id'), [other, one])
      }
      const names = column((await list({ event_names: '*', limit: 200 })).body, 'event_name')
      assert.ok(names.length > 0 && names.every((one) => !String(one).startsWith('daybook.')))
      assert.ok(rowsIn((await list({ event_names: 'daybook.*' })).body).length > 0)
    })

    test('by actor, by correlation and by time', async () => {
      const [id, word] = [
        await makeEvent(api, { actor: { type: 'user', id: 'ann' }, correlation_id: 'k-77' }),
        newEventName(),
      ]
      await api.node.route()
      assert.deepEqual(column((await list({ actor_type: 'user', actor_id: 'ann' })).body, 'id'), [id])
      assert.deepEqual(
        column((await list({ correlation_id: 'k-77', from: '-1h', to: '2999-01-01T00:00:00Z' })).body, 'id'),
        [id],
      )
      assert.deepEqual(column((await list({ correlation_id: 'k-77', to: '-1h' })).body, 'id'), [])
      assert.deepEqual(column((await list({ correlation_id: word })).body, 'id'), [])
    })
  })

  describe('400', () => {
    test('a member that is not known, and one of a wrong form', async () => {
      assert.deepEqual(refusalOf(await list({ colour: 'red' })), [400, 'invalid_request', '/colour'])
      assert.deepEqual(refusalOf(await list({ order: 'up' })), [400, 'invalid_request', '/order'])
      assert.deepEqual(refusalOf(await list({ include_related: 'maybe' })), [
        400,
        'invalid_request',
        '/include_related',
      ])
    })

    test('a cursor of the other order is refused', async () => {
      await makeEvent(api)
      await makeEvent(api)
      await api.node.route()
      const cursor = String((await list({ limit: 1 })).body['next_cursor'])
      assert.equal((await list({ cursor })).status, 200)
      assert.deepEqual(refusalOf(await list({ cursor, order: 'asc' })), [400, 'invalid_cursor'])
    })
  })

  describe('422', () => {
    test('half an entity or actor, a pattern that is none, a time that is none', async () => {
      assert.deepEqual(refusalOf(await list({ entity_type: 'order' })), [422, 'invalid_entity', '/entity_id'])
      assert.deepEqual(refusalOf(await list({ actor_id: 'ann' })), [422, 'invalid_entity', '/actor_type'])
      assert.deepEqual(refusalOf(await list({ event_names: '*.placed' })).slice(0, 2), [422, 'invalid_event_name'])
      assert.deepEqual(refusalOf(await list({ from: 'yesterday' })), [422, 'invalid_time', '/from'])
      assert.deepEqual(refusalOf(await list({ to: '2026-03-01' })), [422, 'invalid_time', '/to'])
    })
  })
})
