import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../test/support/database.ts'
import { newEvent } from '../../test/support/new-event.ts'
import { sql } from '../../test/support/sql.ts'
import type { NewEvent } from './event.ts'
import { insertEvents } from './insert-events.ts'
import { readLogged } from './read-logged.ts'
import { RecentEvents } from './recent-events.ts'

const companyId = '01900000-0000-7000-8000-00000000000a'

const fullEvent = (): NewEvent =>
  newEvent(
    companyId,
    {
      entity_type: 'appointment',
      entity_id: 'x',
      related: [{ type: 'customer', id: 'ä "quoted"' }],
      actor: { type: 'user', id: '1', name: 'Zoë' },
      source: 's',
      correlation_id: 'c',
      causation_id: 'd',
      occurred_at: '2026-01-01T00:00:00.123Z',
    },
    '{"n":1.50,"s":"\\u00e4"}',
  )

/** One change each, to everything that goes into the digest or into a webhook. */
const changes = [
  `payload = replace(payload, '1.50', '1.5')`,
  `payload = payload || ' '`,
  `payload_salt = set_byte(payload_salt, 3, get_byte(payload_salt, 3) # 1)`,
  `payload_salt = ''`,
  `digest = set_byte(digest, 31, get_byte(digest, 31) # 128)`,
  `digest = ''`,
  `event_name = 'thing.happened2'`,
  `entity_type = 'appointments'`,
  `entity_id = 'X'`,
  `entity_type = null`,
  `related = '[]'`,
  `related = null`,
  `related = '{}'`,
  `related = '[7]'`,
  `related = '[null]'`,
  `actor_type = 'member'`,
  `actor_id = '2'`,
  `actor_name = null`,
  `actor_type = null`,
  `source = null`,
  `correlation_id = 'C'`,
  `causation_id = ''`,
  `occurred_at = occurred_at + interval '1 millisecond'`,
  `occurred_at = 'infinity'`,
  `recorded_at = recorded_at - interval '1 hour'`,
  `recorded_at = '12026-01-01'`,
  `recorded_at = '-infinity'`,
]

test('a change of anything that was accepted is seen when the event is read back, and of nothing else', async (t) => {
  const { pools } = await testDatabase(t)
  const events = [...changes, '', ''].map(fullEvent)
  const plain = newEvent(companyId, {})
  await insertEvents(pools.engine, [...events, plain])
  const [untouched, gone] = events.slice(changes.length).map(({ id }) => id)
  assert.ok(untouched && gone)
  for (const [index, change] of changes.entries()) {
    await sql(pools.owner, `update event_logs set ${change} where id = $1`, [events[index]?.id])
  }
  await sql(pools.owner, 'delete from event_logs where id = $1', [gone])
  const ids = [...events, plain].map(({ id }) => id)
  const logged = await readLogged(pools.engine, new RecentEvents(), companyId, ids)
  for (const [index, change] of changes.entries()) {
    const { id = '' } = events[index] ?? {}
    assert.equal(logged.get(id), undefined, change)
    assert.equal(logged.whyMissing(id), 'payload_altered', change)
  }
  assert.equal(logged.get(untouched)?.payload, '{"n":1.50,"s":"\\u00e4"}')
  assert.equal(logged.get(plain.id)?.id, plain.id)
  assert.equal(logged.get(gone), undefined)
  assert.equal(logged.whyMissing(gone), 'payload_gone')
})

test('an event in memory is taken from there, without a look at the log', async () => {
  const recent = new RecentEvents()
  const event = fullEvent()
  recent.add(event)
  const noDatabase = { query: () => Promise.reject(new Error('asked')) }
  assert.equal((await readLogged(noDatabase, recent, companyId, [event.id])).get(event.id), event)
})
