import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { testCompany } from '../../test/support/company.ts'
import type { TestCompany } from '../../test/support/company.ts'
import { testDatabase } from '../../test/support/database.ts'
import { registeredStatements } from '../db/statement.ts'
import { compileFilter } from '../lib/filter/compile-filter.ts'
import { ProblemError } from '../lib/problems.ts'
import type { NewEvent } from './event.ts'
import type { EventFilter } from './event-conditions.ts'
import { matchesEventName } from './event-names.ts'
import type { EventView } from './event-view.ts'
import { listEvents } from './list-events.ts'

const minute = 60_000

/** Every page of a list, and what it cost in pages. */
async function listAll(
  company: TestCompany,
  filter: EventFilter,
  page: { readonly limit?: number; readonly order?: 'asc' | 'desc' } = {},
): Promise<{ readonly events: readonly EventView[]; readonly pages: number }> {
  const events: EventView[] = []
  let pages = 0
  let cursor: string | undefined
  do {
    const next = await company.asCompany(
      async (db) => await listEvents(db, company.id, filter, { ...page, ...(cursor !== undefined && { cursor }) }),
    )
    events.push(...next.events)
    cursor = next.nextCursor ?? undefined
    pages++
  } while (cursor !== undefined)
  return { events, pages }
}

const name = fc.constantFrom('appointment.created', 'appointment.moved.again', 'call.ended', 'daybook.key.revoked')
const entity = fc.record({ type: fc.constantFrom('appointment', 'customer'), id: fc.constantFrom('1', '2', '3') })
const actor = fc.record({ type: fc.constantFrom('user', 'api_key'), id: fc.constantFrom('1', '2') })
const correlationId = fc.constantFrom('a', 'b')

const newEvent = fc.record({
  eventName: name,
  entity: fc.option(entity, { nil: undefined }),
  related: fc.uniqueArray(fc.record({ type: fc.constant('call'), id: fc.constantFrom('1', '2') }), {
    maxLength: 2,
    selector: ({ id }) => id,
  }),
  actor: fc.option(actor, { nil: undefined }),
  correlationId: fc.option(correlationId, { nil: undefined }),
})

const absent = { nil: undefined }
const filter = fc.record({
  event_names: fc.option(
    fc.array(fc.oneof(name, fc.constantFrom('*', 'appointment.*', 'appointment.moved.*', 'daybook.*', 'no.such')), {
      minLength: 1,
      maxLength: 3,
    }),
    absent,
  ),
  entity: fc.option(fc.oneof(entity, fc.record({ type: fc.constant('call'), id: fc.constantFrom('1', '2') })), absent),
  include_related: fc.option(fc.boolean(), absent),
  actor: fc.option(actor, absent),
  correlation_id: fc.option(correlationId, absent),
})

function isWanted(event: NewEvent, filter: EventFilter): boolean {
  const same = (one: { type: string; id: string } | undefined, other: { type: string; id: string }): boolean =>
    one?.type === other.type && one.id === other.id
  const { event_names: names, entity, actor, from, to } = filter
  const recordedMs = Date.parse(event.recordedAt)
  if (names && !names.some((pattern) => matchesEventName(pattern, event.eventName))) return false
  if (entity) {
    const isRelated = event.related.some((one) => same(one, entity))
    if (!same(event.entity, entity) && !(isRelated && filter.include_related)) return false
  }
  if (actor && !same(event.actor, actor)) return false
  if (filter.correlation_id !== undefined && event.correlationId !== filter.correlation_id) return false
  return (!from || recordedMs >= from.getTime()) && (!to || recordedMs < to.getTime())
}

describe('the list of events', () => {
  test('has exactly the events that fulfil all of a filter, each once, in order, however it is paged', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const other = await testCompany(pools)
    const startMs = Date.now() + 20 * minute // after the events that tell of the companies
    // One event a minute, each recorded up to nine minutes before or after its turn.
    const stamped = fc.array(fc.tuple(newEvent, fc.integer({ min: -270_000, max: 270_000 })), {
      minLength: 400,
      maxLength: 400,
    })
    const [drafts = []] = fc.sample(stamped, { numRuns: 1, seed: 7 })
    const events = await company.publish(
      ...drafts.map(([draft, shiftMs], index) => ({
        ...draft,
        recordedAt: new Date(startMs + index * minute + shiftMs).toISOString(),
      })),
    )
    await other.publish(...drafts.map(([draft]) => draft))
    await company.route()

    const at = fc.option(
      fc.integer({ min: -20, max: 450 }).map((turn) => new Date(startMs + turn * minute)),
      absent,
    )
    const page = fc.record({ limit: fc.integer({ min: 1, max: 60 }), order: fc.constantFrom('asc', 'desc') })
    const property = fc.asyncProperty(filter, at, at, page, async (conditions, from, to, page) => {
      const wanted = { ...conditions, from, to }
      const expected = events.filter((event) => isWanted(event, wanted)).map(({ id }) => id)
      if (page.order === 'desc') expected.reverse()
      const { events: listed } = await listAll(company, wanted, page)
      const published = listed.filter((event) => event.event_name !== 'daybook.company.created')
      assert.deepEqual(
        published.map(({ id }) => id),
        expected,
      )
    })
    await fc.assert(property, { numRuns: 150 })
  })

  test('ends a page early when its payloads are large, and goes on from there', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const payload = JSON.stringify('x'.repeat(250_000))
    const published = await company.publish(...Array.from({ length: 70 }, () => ({ payload })))
    await company.route()
    const { events, pages } = await listAll(company, { event_names: ['thing.happened'] }, { limit: 200, order: 'asc' })
    assert.deepEqual(
      events.map(({ id }) => id),
      published.map(({ id }) => id),
    )
    assert.equal(pages, 3)
  })

  test('keeps an event whose payload has expired, and says so', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const [gone, kept] = await company.publish({ payload: '{"a":1}', actor: { type: 'user', id: '7' } }, {})
    await company.route()
    await pools.owner.query({ name: '', text: 'delete from event_logs where id = $1', values: [gone?.id] })
    const { events } = await listAll(company, { event_names: ['thing.happened'] }, { order: 'asc' })
    assert.deepEqual(
      events.map(({ id, payload_expired }) => [id, payload_expired]),
      [
        [gone?.id, true],
        [kept?.id, false],
      ],
    )
    const [expired] = events
    assert.equal(expired?.payload_text, null)
    assert.equal(expired?.state, 'routed')
    assert.deepEqual(expired?.actor, { type: 'user', id: '7' })
    assert.equal(expired?.digest, gone?.digest.toString('hex'))
  })

  test('misses nothing when a clock was far off for some events', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const startMs = Date.now() + 20 * minute
    const at = (ms: number): string => new Date(ms).toISOString()
    const published = await company.publish(
      ...Array.from({ length: 150 }, (_, index) => ({ recordedAt: at(startMs + index * minute) })),
      { recordedAt: at(0) },
      { recordedAt: at(startMs + 10_000 * minute) },
      ...Array.from({ length: 150 }, (_, index) => ({ recordedAt: at(startMs + (150 + index) * minute) })),
    )
    await company.route()
    for (const [fromTurn, toTurn] of [
      [0, 300],
      [0, 1],
      [299, 300],
      [100, 200],
      [-5_000, 5_000],
    ] as const) {
      const range = { from: new Date(startMs + fromTurn * minute), to: new Date(startMs + toTurn * minute) }
      const { events } = await listAll(company, { ...range, event_names: ['thing.happened'] }, { order: 'asc' })
      const expected = published.filter((event) => isWanted(event, range))
      assert.deepEqual(
        events.map(({ id }) => id),
        expected.map(({ id }) => id),
      )
    }
  })

  test('refuses cursors of the other order and patterns that are none', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    await company.publish({}, {})
    await company.route()
    const list = async (filter: EventFilter, page: object) =>
      await company.asCompany(async (db) => await listEvents(db, company.id, filter, page))
    const { nextCursor } = await list({}, { limit: 1 })
    const hasCode = (code: string) => (error: unknown) => error instanceof ProblemError && error.code === code
    await assert.rejects(list({}, { cursor: nextCursor, order: 'asc' }), hasCode('invalid_cursor'))
    await assert.rejects(list({ event_names: ['thing.*.x'] }, {}), hasCode('invalid_event_name'))
    assert.deepEqual((await list({ correlation_id: 'a\0' }, {})).events, [])
  })

  test('is read by an index that leads to its rows, behind row level security too', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const none = Array.from({ length: 11 }, () => null)
    const open = [company.id, 0, 10, '-infinity', 'infinity', ...none, 100, 50]
    const paths: readonly [path: string, index: string, conditions: Readonly<Record<number, unknown>>][] = [
      ['all', 'event_audit_trail_pkey', {}],
      ['names', 'event_audit_trail_event_name_idx', { 5: ['a', 'b'] }],
      ['correlation', 'event_audit_trail_correlation_id_idx', { 6: 'c' }],
      ['actor', 'event_audit_trail_actor_idx', { 7: 'user', 8: '1' }],
      ['entity', 'event_entities_pkey', { 9: 'thing', 10: '1', 11: true }],
      ['related', 'event_entities_pkey', { 12: 'thing', 13: '1' }],
    ]
    for (const [path, index, conditions] of paths) {
      for (const { text } of registeredStatements().filter(({ name }) => name.startsWith(`trail.page_by_${path}_`))) {
        const values = Object.assign([...open], conditions)
        const plan = await company.asCompany(async (db) => {
          // Tables of a test are too small for the planner to want an index.
          await db.query({ name: '', text: 'set local enable_seqscan = off', values: [] })
          await db.query({ name: '', text: 'set local enable_bitmapscan = off', values: [] })
          const { rows } = await db.query<object>({ name: '', text: `explain (costs off) ${text}`, values })
          return rows.flatMap(Object.values).join('\n')
        })
        const scan = new RegExp(
          `Scan (Backward )?using ${index} .*\\n *Index Cond: \\(\\(company_id = .*"position" < '10'`,
        )
        assert.match(plan, scan)
        if (path !== 'names') assert.doesNotMatch(plan, /Sort(?! Key)/)
      }
    }
  })
})

test('a costly filter leaves the thread to others, and its page ends where its time is up; the next goes on there', async (t) => {
  const company = await testCompany((await testDatabase(t)).pools)
  const payload = JSON.stringify({ list: Array.from({ length: 1_000 }, () => 'x'.repeat(50)) })
  await company.publish(
    ...Array.from({ length: 400 }, (_, n) => ({ payload: n % 10 === 0 ? '{"list":["z"]}' : payload })),
  )
  await company.route()
  const none = Array.from({ length: 40 }, (_, n) => ({ list: { $contains: `y${n}` } }))
  const compiled = compileFilter({ $any: [...none, { list: { $contains: 'z' } }] })
  assert.ok(compiled.ok)
  let longestMs = 0
  let beforeMs = performance.now()
  const timer = setInterval(() => {
    longestMs = Math.max(longestMs, performance.now() - beforeMs)
    beforeMs = performance.now()
  }, 1)
  t.after(() => clearInterval(timer))
  const found: EventView[] = []
  let pages = 0
  let cursor: string | undefined
  do {
    const startMs = performance.now()
    const page = { limit: 100, ...(cursor !== undefined && { cursor }) }
    const next = await company.asCompany(
      async (db) => await listEvents(db, company.id, {}, page, { filter: compiled }, () => performance.now() - startMs),
    )
    found.push(...next.events)
    cursor = next.nextCursor ?? undefined
    pages++
  } while (cursor !== undefined)
  assert.equal(found.length, 40)
  assert.ok(pages > 1, 'one page did not have the time for all')
  assert.ok(longestMs < 400, `the thread was held for ${longestMs} ms`)
})
