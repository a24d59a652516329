import assert from 'node:assert/strict'
import test from 'node:test'
import * as fc from 'fast-check'
import type { EventView } from '../events/event-view.ts'
import { eventPageJson, eventWithJson } from './event-answers.ts'

function eventOf(payload: string | null): EventView {
  return {
    id: '01890000-0000-7000-8000-000000000001',
    position: 1,
    state: 'routed',
    event_name: 'appointment.created',
    definition_version: 1,
    entity_type: null,
    entity_id: null,
    related: [],
    actor: null,
    source: null,
    correlation_id: null,
    causation_id: null,
    occurred_at: null,
    recorded_at: '2026-01-01T00:00:00.000Z',
    digest: 'ab',
    payload_expired: payload === null,
    payload_text: payload,
  }
}

test('payloads stand in the answer byte for byte, however numbers and spaces are written', () => {
  const payloads = ['{ "a": 1.0, "b": 1e2, "c": 12345678901234567890 }', '[\n]', '"\\u00e9"', '-0', 'null']
  const page = eventPageJson(payloads.map(eventOf), null)
  for (const payload of payloads) assert.ok(page.includes(`"payload":${payload}`), payload)
  assert.ok(!page.includes('payload_text'))
})

test('whatever a payload holds, the answer is JSON with the members it should have', () => {
  fc.assert(
    fc.property(fc.array(fc.json()), fc.option(fc.string()), (payloads, cursor) => {
      const page = JSON.parse(eventPageJson(payloads.map(eventOf), cursor))
      assert.deepEqual(
        page.data.map((one: { payload: unknown }) => one.payload),
        payloads.map((text) => JSON.parse(text)),
      )
      assert.equal(page.next_cursor, cursor)
      for (const text of payloads) {
        const event = JSON.parse(eventWithJson(eventOf(text), { deliveries: [{ id: 1 }] }))
        assert.deepEqual([event.payload, event.deliveries], [JSON.parse(text), [{ id: 1 }]])
      }
    }),
  )
})

test('an expired payload is null', () => {
  const event = JSON.parse(eventWithJson(eventOf(null), { deliveries: [] }))
  assert.deepEqual([event.payload, event.payload_expired, event.deliveries], [null, true, []])
})
