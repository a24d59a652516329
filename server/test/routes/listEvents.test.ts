import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  column,
  idsByPage,
  makeAttempt,
  makeDelivery,
  makeEvent,
  newEventName,
  rowsIn,
} from '../support/made-things.ts'
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

  describe('200, with further conditions', () => {
    test('by source, and by an entity that is named as related', async () => {
      const [event_name, other] = [newEventName(), newEventName()]
      const ids = [
        await makeEvent(api, { event_name, source: 'shop', related: [{ type: 'call', id: other }] }),
        await makeEvent(api, { event_name, source: 'shop', entity_type: 'call', entity_id: other }),
        await makeEvent(api, { event_name, source: 'till' }),
      ]
      await api.node.route()
      assert.deepEqual(column((await list({ event_names: event_name, source: 'shop' })).body, 'id'), [ids[1], ids[0]])
      assert.deepEqual(column((await list({ related_type: 'call', related_id: other })).body, 'id'), [ids[0]])
      const both = { related_type: 'call', related_id: other, entity_type: 'call', entity_id: other }
      assert.deepEqual(column((await list(both)).body, 'id'), [])
    })

    test('by payload and fields of the event, in the language of filters, page by page', async () => {
      const event_name = newEventName()
      const ids: string[] = []
      for (const price of [1, 20, 30, 4, 50]) ids.push(await makeEvent(api, { event_name, payload: { price } }))
      await api.node.route()
      const filter = { event_names: event_name, filter: '{"price":{"$gt":10}}', limit: 2 }
      assert.deepEqual(await idsByPage(api, '/events', filter), [[ids[4], ids[2]], [ids[1]]])
      const byField = await list({ filter: JSON.stringify({ '$event.id': ids[3] }) })
      assert.deepEqual(column(byField.body, 'id'), [ids[3]])
    })

    test('a page ends after 500 events that do not fit, and the next one goes on', async () => {
      const { key } = await api.newCompany('Large')
      const publish = async (payload: unknown, count: number) =>
        await api.request(
          'POST',
          '/events/batch',
          { events: Array.from({ length: count }, () => ({ event_name: 'a.b', payload })) },
          { key },
        )
      await publish({ wanted: true }, 1)
      await publish({ wanted: false }, 900)
      await api.node.route()
      const pages = await idsByPage(api, '/events', { filter: '{"wanted":true}', limit: 10 }, { key })
      assert.deepEqual(
        pages.map(({ length }) => length),
        [0, 1],
      )
    })

    test('by what became of their deliveries', async (t) => {
      const delivered = await makeAttempt(t, api)
      const failed = await makeAttempt(t, api, { status: 410 })
      const waiting = await makeDelivery(t, api)
      const alone = await makeEvent(api)
      await api.node.route()
      for (const [delivery, id] of [
        ['delivered', delivered.eventId],
        ['failed', failed.eventId],
        ['pending', waiting.eventId],
        ['none', alone],
      ] as const) {
        const names = [delivered, failed, waiting].map(({ eventName }) => eventName)
        const { body } = await api.request('GET', `/events/${alone}`)
        const query = { event_names: [...names, String(body['event_name'])], delivery }
        assert.deepEqual(column((await list(query)).body, 'id'), [id], delivery)
      }
      assert.ok(!column((await list({ delivery: 'cancelled' })).body, 'id').includes(failed.eventId))
    })

    test('with the chosen members only', async () => {
      const event_name = newEventName()
      const id = await makeEvent(api, { event_name, payload: [1] })
      await api.node.route()
      const chosen = async (fields: string | string[]) =>
        rowsIn((await list({ event_names: event_name, fields })).body)[0]
      assert.deepEqual(await chosen('event_name,id'), { id, event_name })
      assert.deepEqual(await chosen(['payload', 'id']), { id, payload: [1] })
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

    test('a member of events that is none', async () => {
      assert.deepEqual(refusalOf(await list({ fields: 'id,colour' })), [400, 'invalid_request', '/fields'])
    })

    test('a cursor that was given for another filter or company, or to nobody, is refused', async () => {
      const { key } = await api.newCompany('Other lists')
      for (let n = 0; n < 2; n++) await api.request('POST', '/events', { event_name: 'a.b', payload: 1 }, { key })
      await makeEvent(api)
      await api.node.route()
      const ofOther = await api.request('GET', '/events', undefined, { key, query: { limit: 1 } })
      const own = await list({ limit: 1 })
      const print = JSON.parse(Buffer.from(String(own.body['next_cursor']), 'base64url').toString()) as unknown[]
      const made = Buffer.from(JSON.stringify([...print.slice(0, 2), 'x'])).toString('base64url')
      for (const query of [
        { cursor: String(ofOther.body['next_cursor']) },
        { cursor: String(own.body['next_cursor']), source: 'shop' },
        { cursor: made },
      ]) {
        assert.deepEqual(refusalOf(await list(query)), [400, 'invalid_cursor'])
      }
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
      assert.deepEqual(refusalOf(await list({ related_type: 'order' })), [422, 'invalid_entity', '/related_id'])
      assert.deepEqual(refusalOf(await list({ filter: '{"a":[1]}' })), [422, 'invalid_filter', '/filter/a'])
      assert.deepEqual(refusalOf(await list({ event_names: '*.placed' })).slice(0, 2), [422, 'invalid_event_name'])
      assert.deepEqual(refusalOf(await list({ from: 'yesterday' })), [422, 'invalid_time', '/from'])
      assert.deepEqual(refusalOf(await list({ to: '2026-03-01' })), [422, 'invalid_time', '/to'])
    })
  })
})
