import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { newEvents } from '../../test/support/new-event.ts'
import { packRecorded, unpackRecorded } from './recorded-message.ts'

const onlyForTheLog = new Set(['definitionVersion', 'salt', 'contentDigest', 'idempotencyKey'])

test('events arrive in the other thread as they were, each with its own digest', () => {
  const events = newEvents(randomUUID(), 3, {
    entity_type: 'customer',
    entity_id: '7',
    related: [{ type: 'call', id: '1' }],
    payload: { text: 'é' },
  })
  const arrived = unpackRecorded(structuredClone(packRecorded(events)))
  const sent = events.map((event) =>
    Object.fromEntries(Object.entries(event).filter(([member]) => !onlyForTheLog.has(member))),
  )
  assert.deepEqual(arrived, sent)
})

test('what travels does not carry the memory that its buffers are cut from', () => {
  const events = newEvents(randomUUID(), 2)
  assert.equal(packRecorded(events).digests.buffer.byteLength, 64)
})
