import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkEventId, idTimeMs } from '../../src/lib/ids.ts'
import { chainsOf, eventNames, hotCustomer, madeEvent } from './made-event.ts'
import type { Story } from './made-event.ts'
import { madeAttempts } from './made-ledger.ts'

const story: Story = { company: 1, events: 40_000, entities: 1_000, fromMs: 1_700_000_000_000, toMs: 1_702_000_000_000 }
const events = Array.from({ length: story.events }, (_, n) => madeEvent(story, n))

test('ids are version 7, in order, and carry the time', () => {
  for (const [n, { id }] of events.entries()) {
    assert.equal(checkEventId(id, idTimeMs(id)), 'ok')
    assert.ok(id > (events[n - 1]?.id ?? ''))
  }
})

test('an event names no entity twice, and its payload is JSON that needs no escaping', () => {
  for (const { entity, related, payload } of events) {
    const names = [entity, ...related].map(({ type, id }) => `${type} ${id}`)
    assert.equal(new Set(names).size, names.length)
    assert.equal(typeof JSON.parse(payload), 'object')
    assert.doesNotMatch(payload, /[\\\t\n]/)
  }
})

test('what makes a history is in it: every name, administration, one large entity, merges, causes, every outcome', () => {
  const names = new Set(events.map(({ name }) => name))
  for (const name of eventNames) assert.ok(names.has(name), name)
  assert.equal(eventNames.length, 20)
  assert.equal(events.filter(({ entity }) => entity.id === hotCustomer.id).length, story.events / 40 + 1)
  assert.equal(events.filter(({ name }) => name === 'customer.merged').length, chainsOf(story) * 4)
  assert.equal(events.filter(({ name }) => name.startsWith('daybook.')).length, story.events / 500)
  const ids = new Set(events.map(({ id }) => id))
  for (const { causationId } of events) assert.ok(causationId === null || ids.has(causationId))
  const attempts = events.flatMap((event, n) => madeAttempts(story, n, event))
  assert.deepEqual([...new Set(attempts.map(({ outcome }) => outcome))].sort(), [
    'cancelled',
    'delivered',
    'failed',
    'will_retry',
  ])
  assert.equal(new Set(attempts.map(({ id }) => id)).size, attempts.length)
})
