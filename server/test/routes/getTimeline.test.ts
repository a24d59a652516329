import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { column, makeEvent, newEventName, rowsIn } from '../support/made-things.ts'
import type { RouteAnswer } from '../support/route-test.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

type Query = NonNullable<NonNullable<Parameters<typeof api.request>[3]>['query']>

const ask = async (query: Query): Promise<RouteAnswer> =>
  await api.request('GET', '/events/timeline', undefined, { query })

/** Merges as `customer.merged` tells of them. */
const merge = async (from: string, into: string): Promise<string> =>
  await makeEvent(api, {
    event_name: 'customer.merged',
    payload: { merged_from: from, merged_into: into, reason: 'manual' },
    entity_type: 'customer',
    entity_id: into,
    related: [{ type: 'customer', id: from }],
  })

const about = async (id: string, more: object = {}): Promise<string> =>
  await makeEvent(api, { entity_type: 'customer', entity_id: id, ...more })

const idsOf = ({ body }: RouteAnswer) => column(body, 'id')

describe('GET /events/timeline', () => {
  describe('200', () => {
    test('what is about the entity in order, and with include_related what belongs to its story', async () => {
      const [id, other, correlation_id] = [newId(), newId(), newId()]
      const first = await about(id, { correlation_id })
      const linked = await makeEvent(api, { correlation_id })
      const related = await makeEvent(api, { related: [{ type: 'customer', id }] })
      await about(other)
      await makeEvent(api, { entity_type: 'order', entity_id: id })
      const last = await about(id)
      await api.node.route()
      const query = { entity_type: 'customer', entity_id: id }
      assert.deepEqual(idsOf(await ask(query)), [first, last])
      assert.deepEqual(idsOf(await ask({ ...query, order: 'desc' })), [last, first])
      const all = await ask({ ...query, include_related: true })
      assert.deepEqual(idsOf(all), [first, linked, related, last])
      assert.deepEqual(column(all.body, 'relation'), ['entity', 'correlation', 'related', 'entity'])
      assert.deepEqual(idsOf(await ask({ ...query, include_related: true, order: 'desc' })), [
        last,
        related,
        linked,
        first,
      ])
    })

    test('the state finds what is about an entity behind thousands of events that only name it', async () => {
      const [id, merged, event_name] = [newId(), newId(), newEventName()]
      await about(id, { payload: { name: 'Ann', city: 'Bern' } })
      await about(merged, { payload: { phone: '1' } })
      await merge(merged, id)
      const related = [{ type: 'customer', id }]
      for (let n = 0; n < 3; n++) {
        const events = Array.from({ length: 900 }, () => ({ event_name, payload: {}, related }))
        assert.equal((await api.request('POST', '/events/batch', { events })).status, 201)
      }
      await about(merged, { payload: { phone: '2' } })
      await api.node.route()
      const query = {
        entity_type: 'customer',
        entity_id: id,
        include_related: true,
        at: 'now',
        order: 'desc',
        limit: 1,
      }
      const { body } = await ask(query)
      const state = body['state'] as { is_complete: boolean; members: Record<string, { value: unknown }> }
      const values = Object.fromEntries(Object.entries(state.members).map(([name, { value }]) => [name, value]))
      assert.equal(state.is_complete, true)
      assert.deepEqual([values['name'], values['city'], values['phone']], ['Ann', 'Bern', '2'])
    })

    test('the number 123 and the text "123" are one, page by page', async () => {
      const type = newEventName()
      const ids: string[] = []
      for (const entity_id of [123, '123', 123]) ids.push(await makeEvent(api, { entity_type: type, entity_id }))
      await api.node.route()
      for (const include_related of [true, false]) {
        const query = { entity_type: type, entity_id: 123, include_related, limit: 2 }
        const first = await ask(query)
        assert.deepEqual(idsOf(first), ids.slice(0, 2))
        const second = await ask({ ...query, cursor: String(first.body['next_cursor']) })
        assert.deepEqual([idsOf(second), second.body['next_cursor']], [ids.slice(2), null])
      }
    })

    test('merged identities bring their stories, through chains; the history of each stays as it was', async () => {
      const [one, two, three] = [newId(), newId(), newId()]
      const [ofThree, ofTwo, ofOne] = [await about(three), await about(two), await about(one)]
      const merges = [await merge(three, two), await merge(two, one)]
      await api.node.route()
      const query = { entity_type: 'customer', include_related: true }
      const story = await ask({ ...query, entity_id: one })
      assert.deepEqual(idsOf(story), [ofThree, ofTwo, ofOne, ...merges])
      assert.deepEqual(column(story.body, 'relation'), ['merged', 'merged', 'entity', 'merged', 'entity'])
      const ids = (value: unknown) => (value as readonly { readonly id: string }[]).map(({ id }) => id)
      assert.deepEqual(ids(story.body['identities']), [one, two, three])
      const ofGivenUp = await ask({ ...query, entity_id: three })
      assert.deepEqual(idsOf(ofGivenUp), [ofThree, merges[0]])
      assert.deepEqual(ids(ofGivenUp.body['merged_into']), [two])
      assert.deepEqual(idsOf(await ask({ entity_type: 'customer', entity_id: one })), [ofOne, merges[1]])
    })

    test('among thousands of events about an entity the merges are found too, in both directions', async () => {
      const [one, two, three] = [newId(), newId(), newId()]
      await merge(two, one)
      await merge(one, three)
      const event = { event_name: 'a.b', payload: {}, entity_type: 'customer', entity_id: one }
      for (let batch = 0; batch < 2; batch++) {
        const events = Array.from({ length: 600 }, () => event)
        assert.equal((await api.request('POST', '/events/batch', { events })).status, 201)
      }
      await api.node.route()
      const { body } = await ask({ entity_type: 'customer', entity_id: one, include_related: true })
      assert.deepEqual(column({ data: body['identities'] }, 'id'), [one, two])
      assert.deepEqual(column({ data: body['merged_into'] }, 'id'), [three])
      assert.equal(body['has_all_identities'], true)
    })

    test('a circle of merges ends, and gives both the same story', async () => {
      const [one, other] = [newId(), newId()]
      const events = [await about(one), await about(other), await merge(one, other), await merge(other, one)]
      await api.node.route()
      for (const entity_id of [one, other]) {
        assert.deepEqual(idsOf(await ask({ entity_type: 'customer', entity_id, include_related: true })), events)
      }
    })

    test('what each event changed, and the state at any moment, values as they were published', async () => {
      const id = newId()
      const publish = async (payload: string) => {
        const event = `{"event_name":"a.b","entity_type":"customer","entity_id":"${id}","payload":${payload}}`
        return (await api.request('POST', '/events', event)).body
      }
      const first = await publish('{"price": 1.0,"tags":["a"],"open":true}')
      const moment = String(first['recorded_at'])
      while (Date.now() <= Date.parse(moment)); // the next one is recorded in another millisecond
      await publish('{"price":1,"tags":["a","b"]}')
      await publish('[1]')
      await api.node.route()
      const query = { entity_type: 'customer', entity_id: id }
      const now = await ask({ ...query, at: 'now' })
      const before = { price: 1, tags: ['a'], open: true }
      const changes = Object.entries(before).map(([member, after]) => ({ member, after }))
      assert.deepEqual(column(now.body, 'changes'), [
        changes,
        [{ member: 'tags', before: ['a'], after: ['a', 'b'] }],
        [],
      ])
      const [, second] = rowsIn((await ask({ ...query, order: 'desc' })).body)
      assert.deepEqual(second?.['changes'], [{ member: 'tags', before: ['a'], after: ['a', 'b'] }])
      const state = (answer: RouteAnswer) => {
        const told = answer.body['state'] as { readonly members: Readonly<Record<string, { readonly value: unknown }>> }
        return Object.fromEntries(Object.entries(told.members).map(([name, { value }]) => [name, value]))
      }
      assert.deepEqual(state(now), { ...before, tags: ['a', 'b'] })
      const then = await ask({ ...query, at: moment })
      assert.deepEqual(state(then), before)
      assert.ok(then.text.includes(`"price":{"value":1.0,"event_id":"${String(first['id'])}"`))
      assert.deepEqual(state(await ask({ ...query, at: '-1h' })), {})
      assert.equal((await ask(query)).body['state'], null)
    })

    test('changes on a later page are told against what came before it', async () => {
      const id = newId()
      for (const payload of [{ a: 1 }, { b: 2 }, { a: 3 }]) await about(id, { payload })
      await api.node.route()
      const query = { entity_type: 'customer', entity_id: id, limit: 2 }
      const { body } = await ask(query)
      const second = await ask({ ...query, cursor: String(body['next_cursor']) })
      assert.deepEqual(column(second.body, 'changes'), [[{ member: 'a', before: 1, after: 3 }]])
    })
  })

  describe('400', () => {
    test('no entity, a member that is not known, a cursor of another entity', async () => {
      assert.deepEqual(refusalOf(await ask({ entity_type: 'a' })), [400, 'invalid_request', '/entity_id'])
      const entity = { entity_type: newEventName(), entity_id: 1 }
      assert.deepEqual(refusalOf(await ask({ ...entity, colour: 'red' })), [400, 'invalid_request', '/colour'])
      for (let n = 0; n < 2; n++) await makeEvent(api, entity)
      await api.node.route()
      const cursor = String((await ask({ ...entity, limit: 1 })).body['next_cursor'])
      assert.deepEqual(refusalOf(await ask({ ...entity, entity_id: 2, cursor })), [400, 'invalid_cursor'])
    })
  })

  describe('422', () => {
    test('a time that is none is named', async () => {
      for (const name of ['from', 'to', 'at']) {
        const answer = await ask({ entity_type: 'a', entity_id: 1, [name]: 'yesterday' })
        assert.deepEqual(refusalOf(answer), [422, 'invalid_time', `/${name}`])
      }
    })
  })
})
