import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { column } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

const path = '/events/batch'
const event = (members: object = {}) => ({ event_name: 'order.placed', payload: { total: 7 }, ...members })
const keyed = () => event({ idempotency_key: newId() })

async function assertNotRecorded(...ids: readonly string[]): Promise<void> {
  for (const id of ids) assert.equal((await api.request('GET', `/events/${id}`)).status, 404)
}

describe('POST /events/batch', () => {
  describe('201', () => {
    test('1,000 events are answered in their order', async () => {
      const events = Array.from({ length: 1_000 }, () => event({ id: newId() }))
      const { status, body } = await api.request('POST', path, { events })
      assert.equal(status, 201)
      assert.deepEqual(
        column(body, 'id'),
        events.map((one) => Reflect.get(one, 'id')),
      )
    })

    test('of which some were published before: each says so', async () => {
      const before = keyed()
      await api.request('POST', '/events', before)
      const { status, body } = await api.request('POST', path, { events: [before, event()] })
      assert.deepEqual([status, column(body, 'replayed')], [201, [true, false]])
    })
  })

  describe('200', () => {
    test('a batch that was published before is answered like the first time', async () => {
      const events = [keyed(), keyed()]
      const first = await api.request('POST', path, { events })
      const again = await api.request('POST', path, { events })
      assert.deepEqual([again.status, again.headers.get('idempotent-replayed')], [200, 'true'])
      assert.deepEqual(column(again.body, 'id'), column(first.body, 'id'))
    })
  })

  describe('400', () => {
    test('an empty batch, and a fault of form below its event', async () => {
      assert.deepEqual(refusalOf(await api.request('POST', path, { events: [] })), [400, 'invalid_request', '/events'])
      const wrong = await api.request('POST', path, { events: [event(), event({ colour: 'red' })] })
      assert.deepEqual(refusalOf(wrong), [400, 'invalid_request', '/events/1/colour'])
      assert.deepEqual(refusalOf(await api.request('POST', path, '{"events":[')).slice(0, 2), [400, 'malformed_json'])
    })
  })

  describe('409', () => {
    test('one event that differs from an earlier one under its key: none is recorded', async () => {
      const before = keyed()
      await api.request('POST', '/events', before)
      const id = newId()
      const answer = await api.request('POST', path, { events: [event({ id }), { ...before, payload: 8 }] })
      assert.deepEqual(refusalOf(answer), [409, 'idempotency_conflict', '/events/1/idempotency_key'])
      await assertNotRecorded(id)
    })
  })

  describe('413', () => {
    test('one payload that is too large: none is recorded', async () => {
      const id = newId()
      const answer = await api.request('POST', path, {
        events: [event({ id }), event({ payload: 'x'.repeat(262_143) })],
      })
      assert.deepEqual(refusalOf(answer), [413, 'payload_too_large', '/events/1/payload'])
      await assertNotRecorded(id)
    })
  })

  describe('422', () => {
    test('1,001 events are too many', async () => {
      const answer = await api.request('POST', path, { events: Array(1_001).fill(event()) })
      assert.deepEqual(refusalOf(answer), [422, 'batch_too_large', '/events'])
    })

    test('the same id or key twice in one batch', async () => {
      const id = newId()
      const byId = await api.request('POST', path, { events: [event({ id }), event({ id })] })
      assert.deepEqual(refusalOf(byId), [422, 'duplicate_event', '/events/1/id'])
      const one = keyed()
      const byKey = await api.request('POST', path, { events: [one, one] })
      assert.deepEqual(refusalOf(byKey), [422, 'duplicate_event', '/events/1/idempotency_key'])
    })

    test('faults of all events are told at once, and none is recorded', async () => {
      const id = newId()
      const events = [event({ id }), event({ event_name: 'No' }), event({ occurred_at: 'yesterday' })]
      const answer = await api.request('POST', path, { events })
      assert.deepEqual(refusalOf(answer), [422, 'invalid_event_name', '/events/1/event_name', '/events/2/occurred_at'])
      await assertNotRecorded(id)
    })
  })
})
