import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { testCompany } from '../../../test/support/company.ts'
import type { TestCompany } from '../../../test/support/company.ts'
import { testDatabase } from '../../../test/support/database.ts'
import type { TestDatabase } from '../../../test/support/database.ts'
import { sql } from '../../../test/support/sql.ts'
import { until } from '../../../test/support/until.ts'
import { systemClock } from '../../lib/clock.ts'
import { compileFilter } from '../../lib/filter/compile-filter.ts'
import type { StreamHubOptions, StreamLimits, StreamWish } from './stream-hub.ts'
import { StreamHub } from './stream-hub.ts'
import type { StreamListener, StreamSink } from './stream-listener.ts'
import type { StreamSelection } from './stream-selection.ts'

const all: StreamSelection = {
  key: 'all',
  filter: { event_names: ['thing.*'] },
  tests: {},
  fields: new Set(['position']),
}

interface Run {
  readonly database: TestDatabase
  readonly hub: StreamHub
  readonly company: TestCompany
}

async function begin(
  t: TestContext,
  limits: Partial<StreamLimits> = {},
  more: Partial<StreamHubOptions> = {},
): Promise<Run> {
  const database = await testDatabase(t)
  const hub = new StreamHub({
    api: database.pools.api,
    engine: database.pools.engine,
    clock: systemClock,
    keysInForce: async (keys) => new Set(keys.map(({ keyId }) => keyId)),
    isPassing: () => false,
    onError: (error) => assert.fail(String(error)),
    limits: { pollMs: 20, listenersOfSmallMax: 2_000, ...limits },
    ...more,
  })
  database.closeFirst(async () => await hub.stop())
  return { database, hub, company: await testCompany(database.pools) }
}

interface Ear extends StreamSink {
  readonly listener: StreamListener
  /** Of the events that were written to it. */
  readonly positions: readonly number[]
  /** What was written and not yet taken. */
  readonly waiting: readonly Buffer[]
  /** Takes what was written. */
  drain(): void
  ended: string | undefined
}

/** Takes everything at once, or only when told to. */
async function listen(
  { hub, company }: Run,
  wish: Partial<StreamWish> = {},
  takes: 'at once' | 'when told' = 'at once',
): Promise<Ear> {
  const companyId = company.id
  const listener = await hub.join({ companyId, keyId: 'k', selection: all, after: undefined, follows: true, ...wish })
  const positions: number[] = []
  let waiting: Buffer[] = []
  const ear: Ear = {
    listener,
    positions,
    get waiting() {
      return waiting
    },
    drain: () => {
      if (waiting.length === 0) return
      waiting = []
      listener.drained()
    },
    ended: undefined,
    write: (bytes) => {
      assert.equal(waiting.length, 0, 'nothing is written before the page before was taken')
      const text = bytes.toString()
      for (const [, position] of text.matchAll(/^id: (\d+)\nevent: /gm)) positions.push(Number(position))
      if (takes === 'when told' && positions.length > 0)
        waiting.push(Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes))
      return waiting.length === 0
    },
    end: (lastWords) => {
      ear.ended = lastWords
      hub.leave(listener)
    },
  }
  listener.begin(ear, 0)
  hub.serve(listener)
  return ear
}

const things = (count: number, payload = '{}') => Array.from({ length: count }, () => ({ payload }))

async function publish({ company }: Run, count: number, payload?: string): Promise<void> {
  for (let left = count; left > 0; left -= 500) await company.publish(...things(Math.min(left, 500), payload))
  await company.route()
}

async function positionsOf({ database, company }: Run, names = 'thing.%'): Promise<readonly number[]> {
  const rows = 'select position from event_audit_trail where company_id = $1 and event_name like $2 order by position'
  return (await sql<{ position: number }>(database.pools.engine, rows, [company.id, names])).map((row) => row.position)
}

test('whoever begins anywhere in the past comes to the present without a gap or a copy, while events come', async (t) => {
  const run = await begin(t)
  await publish(run, 2_500)
  const starts = [0, 1, 2, 499, 500, 501, 1_000, 1_999, 2_000, 2_001, 2_400, 2_499, 2_500, 2_501]
  const ears = await Promise.all(starts.map(async (after) => await listen(run, { after }, 'when told')))
  let isDone = false
  const drainAll = async (): Promise<void> => {
    await until('all have read', () => {
      for (const ear of ears) ear.drain()
      return isDone
    })
  }
  const draining = drainAll()
  for (let n = 0; n < 20; n++) await publish(run, 60)
  const wanted = await positionsOf(run)
  const last = wanted.at(-1) ?? 0
  await until('all have come to the end', () => ears.every((ear) => ear.positions.at(-1) === last))
  isDone = true
  await draining
  for (const [index, after] of starts.entries()) {
    assert.deepEqual(
      ears[index]?.positions,
      wanted.filter((position) => position > after),
      `from ${after}`,
    )
  }
})

test('1,999 who read nothing cost a page each at most, and one buffer where they want the same', async (t) => {
  const run = await begin(t)
  const ears: Ear[] = []
  for (let n = 1; n < 2_000; n++)
    ears.push(await listen(run, { selection: { ...all, fields: undefined } }, 'when told'))
  const quick = await listen(run)
  const payload = JSON.stringify('x'.repeat(20_000))
  await publish(run, 1_500, payload)
  await until('each has a page', () => ears.every((ear) => ear.waiting.length === 1))
  await until('one who reads has everything', () => quick.positions.length === 1_500)
  const buffers = new Set(ears.flatMap((ear) => ear.waiting.map(({ buffer }) => buffer)))
  const bytes = [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0)
  assert.ok(buffers.size < 20, `${buffers.size} buffers`)
  assert.ok(bytes < 4 * 1024 * 1024, `${bytes} bytes`)
  for (const ear of ears) assert.ok((ear.waiting[0]?.length ?? 0) <= 64 * 1024)
})

test('2,000 who want different things and read nothing hold 64 MiB at most: those who have waited longest are cut', async (t) => {
  const run = await begin(t)
  const ears: Ear[] = []
  for (let n = 1; n < 2_000; n++) {
    ears.push(await listen(run, { selection: { ...all, key: `own ${n}`, fields: undefined } }, 'when told'))
  }
  const quick = await listen(run)
  await publish(run, 20, JSON.stringify('ä'.repeat(10_000)))
  await until('each has a page', () => ears.every((ear) => ear.waiting.length === 1), 30_000)
  await until('one who reads has everything', () => quick.positions.length === 20)
  const left = ears.filter((ear) => ear.ended === undefined)
  const bytes = left.reduce((sum, ear) => sum + (ear.waiting[0]?.byteLength ?? 0), 0)
  assert.ok(bytes <= 64 * 1024 * 1024, `${bytes} bytes`)
  assert.ok(bytes > 63 * 1024 * 1024, 'and no more are cut than that needs')
  for (const ear of ears) {
    assert.ok((ear.waiting[0]?.byteLength ?? 0) <= 64 * 1024)
    assert.ok(ear.ended?.includes('not_taken') ?? true)
  }
})

test('an event whose payload has expired is told by what the trail and the index still know', async (t) => {
  const run = await begin(t)
  const related = [{ type: 'call', id: '7' }]
  const [one] = await run.company.publish({ related }, { payload: '{"price":1}' })
  await sql(run.database.pools.owner, 'alter table event_logs disable row level security')
  await run.company.route()
  await sql(run.database.pools.owner, 'delete from event_logs where company_id = $1', [run.company.id])
  const ref = { type: 'call', id: '7' }
  const filter = compileFilter({ price: 1 })
  assert.ok(filter.ok)
  const selections: readonly StreamSelection[] = [
    { key: 'related', filter: { related: ref }, tests: {}, fields: undefined },
    { key: 'include', filter: { entity: ref, include_related: true }, tests: {}, fields: undefined },
    { key: 'names', filter: all.filter, tests: {}, fields: undefined },
    { key: 'filter', filter: all.filter, tests: { filter }, fields: undefined },
  ]
  const ears = await Promise.all(selections.map(async (selection) => await listen(run, { selection, after: 0 })))
  const wanted = await positionsOf(run)
  assert.equal(wanted.length, 2)
  await until('all have come to the end', () => ears.every((ear) => ear.listener.position >= (wanted[1] ?? 0)))
  assert.ok(one)
  const expected = [wanted.slice(0, 1), wanted.slice(0, 1), wanted, []]
  assert.deepEqual(
    ears.map((ear) => ear.positions),
    expected,
  )
})

/** A millisecond or two for each event of {@link longList}. */
function costlySelection(key: string): StreamSelection {
  const filter = compileFilter({ $any: Array.from({ length: 40 }, (_, n) => ({ list: { $contains: `y${n}` } })) })
  assert.ok(filter.ok)
  return { key, filter: {}, tests: { filter }, fields: undefined }
}

const longList = JSON.stringify({ list: Array.from({ length: 500 }, () => 'x'.repeat(50)) })

/** The longest time for which the thread did nothing else, from now on. */
function watchThread(t: TestContext): { readonly longestMs: number } {
  const watch = { longestMs: 0 }
  let beforeMs = performance.now()
  const timer = setInterval(() => {
    watch.longestMs = Math.max(watch.longestMs, performance.now() - beforeMs)
    beforeMs = performance.now()
  }, 1)
  t.after(() => clearInterval(timer))
  return watch
}

test('a hundred and fifty costly filters leave the thread to others, and the plain listeners of the company are served before them', async (t) => {
  const run = await begin(t)
  const costly = await Promise.all(
    Array.from({ length: 150 }, async (_, n) => await listen(run, { selection: costlySelection(`costly ${n}`) })),
  )
  const quick = await listen(run)
  const watch = watchThread(t)
  await publish(run, 60, longList)
  await until('the quick one has all', () => quick.positions.length === 60)
  const ahead = costly.filter((ear) => ear.listener.position >= 60).length
  assert.ok(ahead < 10, `${ahead} costly ones were served before`)
  await until('the costly ones move on, all of them', () => costly.every((ear) => ear.listener.position > 0), 30_000)
  assert.ok(watch.longestMs < 500, `the thread was held for ${watch.longestMs} ms`)
})

test('one whose filter is costly does not keep others from their events', async (t) => {
  const run = await begin(t)
  const costly = await Promise.all(
    Array.from({ length: 10 }, async (_, n) => {
      return await listen(run, { selection: costlySelection(`costly ${n}`) })
    }),
  )
  const other = { ...run, company: await testCompany(run.database.pools) }
  const quick = await listen(other)
  await publish(run, 60, longList)
  const watch = watchThread(t)
  await publish(other, 1)
  await until('the other company has its event', () => quick.positions.length === 1)
  await until('and in the end the costly ones have looked at all', () =>
    costly.every((ear) => ear.listener.position >= 60),
  )
  assert.ok(watch.longestMs < 500, `the thread was held for ${watch.longestMs} ms`)
})

test('a hundred of one company who read the past do not keep another company from its first page', async (t) => {
  const run = await begin(t)
  const other = { ...run, company: await testCompany(run.database.pools) }
  await publish(run, 600, longList)
  await publish(other, 600)
  const many = await Promise.all(
    Array.from({ length: 100 }, async (_, n) => {
      return await listen(run, { selection: costlySelection(`costly ${n}`), after: 0 })
    }),
  )
  const before = many.filter((ear) => ear.listener.position > 0).length
  const one = await listen(other, { after: 0 })
  await until('the other one has its page', () => one.positions.length > 0, 30_000)
  const moved = many.filter((ear) => ear.listener.position > 0).length - before
  assert.ok(moved < 20, `${moved} pages were read before`)
})

test('a listener that is ended while its page is read is written nothing more', async (t) => {
  const run = await begin(t)
  await publish(run, 600)
  const ended = await until('one is seen in the middle of its page', async () => {
    const ear = await listen(run, { after: 0 })
    return ear.listener.isReading && ear
  })
  const before = ended.positions.length
  ended.listener.end('key_ended')
  const other = await listen(run, { after: 0 })
  await until('the other has all', () => other.positions.length === 600)
  assert.equal(ended.positions.length, before)
})

test('what is held of a quiet company is read anew after ten minutes, so an erased payload is not given out', async (t) => {
  let aheadMs = 0
  const clock = { ...systemClock, elapsed: () => performance.now() + aheadMs }
  const run = await begin(t, {}, { clock })
  const first = await listen(run)
  await publish(run, 3)
  await until('it is held', () => first.positions.length === 3)
  await sql(run.database.pools.owner, 'alter table event_logs disable row level security')
  await sql(run.database.pools.owner, 'delete from event_logs where company_id = $1', [run.company.id])
  const selection = { ...all, key: 'payloads', fields: undefined }
  const isErased = async (): Promise<boolean> => {
    const ear = await listen(run, { selection, after: 0 }, 'when told')
    await until('it has a page', () => ear.waiting.length === 1)
    const text = ear.waiting[0]?.toString() ?? ''
    return text.includes('"payload_expired":true')
  }
  assert.equal(await isErased(), false)
  aheadMs += 11 * 60_000
  await until('it is given what the log says now', isErased)
})

test('a payload that was parsed for one who came alone is let go of afterwards', async (t) => {
  const run = await begin(t)
  const seen: unknown[] = []
  const filter = { matches: (event: object) => seen.push(event) > 0 }
  const first = await listen(run)
  await publish(run, 1)
  await until('it is held', () => first.positions.length === 1)
  for (const key of ['one', 'two']) {
    const ear = await listen(run, { selection: { ...all, key, tests: { filter } }, after: 0 })
    await until('it has its event', () => ear.positions.length === 1)
  }
  assert.equal(seen.length, 2)
  assert.notEqual(seen[0], seen[1], 'parsed once more')
})

test('a connection or a filter that throws ends one stream, and is told', async (t) => {
  const errors: unknown[] = []
  const run = await begin(t, {}, { onError: (error) => errors.push(error) })
  const fail = (): never => {
    throw new Error('broken')
  }
  const good = await listen(run)
  const bad = await listen(run, { selection: { ...all, key: 'bad', tests: { filter: { matches: fail } } } })
  const broken = await listen(run)
  broken.write = fail
  await publish(run, 3)
  await until('both have ended', () => bad.ended !== undefined && broken.ended !== undefined)
  await publish(run, 1)
  await until('the other goes on', () => good.positions.length === 4)
  assert.deepEqual(errors.map(String), ['Error: broken', 'Error: broken'])
})

test('a stream shows that it lives while the question for its key hangs', async (t) => {
  const hanging = Promise.withResolvers<ReadonlySet<string>>()
  let asked = 0
  const keysInForce = async (): Promise<ReadonlySet<string>> => {
    asked++
    return await hanging.promise
  }
  const run = await begin(t, { heartbeatMs: 50 }, { keysInForce })
  t.after(() => hanging.resolve(new Set()))
  const ear = await listen(run)
  let beats = 0
  ear.write = () => ++beats > 0
  await until('it is asked for', () => asked === 1)
  const before = beats
  await until('the stream is written to', () => beats > before + 3)
  hanging.resolve(new Set())
  await until('the answer counts', () => ear.ended?.includes('key_ended') === true)
})
