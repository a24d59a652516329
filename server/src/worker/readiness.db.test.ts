import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../test/support/database.ts'
import { sql } from '../../test/support/sql.ts'
import { namesOfMigrations } from '../db/inspect-server.ts'
import type { Db } from '../db/statement.ts'
import { systemClock } from '../lib/clock.ts'
import type { Clock } from '../lib/clock.ts'
import { allHold, isReady } from '../lib/readiness-report.ts'
import { Readiness } from './readiness.ts'
import type { ReadinessOptions } from './readiness.ts'

interface Watched {
  readonly readiness: Readiness
  /** Messages of the log. */
  readonly lines: string[]
}

function watch(options: Partial<ReadinessOptions> & { readonly db: Db }): Watched {
  const lines: string[] = []
  const note = (_facts: object, message: string): void => void lines.push(message)
  const log = { info: note, warn: note }
  return {
    readiness: new Readiness({ clock: systemClock, migrations, isStopping: () => false, log, ...options }),
    lines,
  }
}

const migrations = await namesOfMigrations()

/** Deadlines pass at once. */
const impatient: Clock = { ...systemClock, sleep: async () => {} }
const never = (): Promise<never> => new Promise(() => {})

test('before the first look nothing is ready; after it all is, and nothing is logged', async (t) => {
  const { pools } = await testDatabase(t)
  const { readiness, lines } = watch({ db: pools.engine, pingEngine: async () => {} })
  assert.equal(isReady(readiness.report()), false)
  await readiness.look()
  assert.deepEqual(readiness.report(), allHold)
  assert.deepEqual(lines, [])
})

test('a database that is silent or broken is not ready, and ready again by itself; the log has a line for each change', async (t) => {
  const { pools } = await testDatabase(t)
  let query: Db['query'] = pools.engine.query
  const { readiness, lines } = watch({ db: { query: async (given) => await query(given) } })
  await readiness.look()
  query = async () => {
    throw Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' })
  }
  await readiness.look()
  await readiness.look()
  assert.equal(readiness.report().database, 'ECONNREFUSED')
  assert.notEqual(readiness.report().migrations, undefined)
  assert.equal(readiness.clockDifferenceMs, undefined)
  query = pools.engine.query
  await readiness.look()
  assert.equal(isReady(readiness.report()), true)
  assert.deepEqual(lines, ['not ready', 'ready again'])

  const silent = watch({ db: { query: never }, clock: impatient })
  await silent.readiness.look()
  assert.equal(silent.readiness.report().database, 'no answer in 2000 ms')
})

test('a schema that lacks a migration of this version is not ready', async (t) => {
  const { pools } = await testDatabase(t)
  const { readiness } = watch({ db: pools.engine })
  await sql(pools.owner, `update migrations set name = 'later' where name = '0001_spine'`)
  await readiness.look()
  assert.equal(readiness.report().migrations, 'not run: 0001_spine')
  await sql(pools.owner, `update migrations set name = '0001_spine' where name = 'later'`)
  await readiness.look()
  assert.equal(isReady(readiness.report()), true)
})

test("an engine's thread that does not answer is not ready, and neither is a process that stops", async (t) => {
  const { pools } = await testDatabase(t)
  const stuck = watch({ db: pools.engine, pingEngine: never, clock: { ...systemClock, sleep: halfASecond } })
  await stuck.readiness.look()
  assert.equal(stuck.readiness.report().engine, 'no answer in 2000 ms')
  assert.equal(stuck.readiness.report().database, undefined)

  const stopping = watch({ db: pools.engine, isStopping: () => true })
  await stopping.readiness.look()
  assert.deepEqual(
    Object.entries(stopping.readiness.report()).filter(([, why]) => why !== undefined),
    [['running', 'it is stopping']],
  )
})

/** A deadline that is shorter, and still long enough for a database. */
async function halfASecond(_ms: number, signal?: AbortSignal): Promise<void> {
  await systemClock.sleep(500, signal)
}

test('a clock that differs from the database by more than five seconds is told once', async (t) => {
  const { pools } = await testDatabase(t)
  let aheadMs = 6_000
  const clock = { ...systemClock, now: () => Date.now() + aheadMs }
  const { readiness, lines } = watch({ db: pools.engine, clock })
  await readiness.look()
  await readiness.look()
  assert.ok(Math.abs((readiness.clockDifferenceMs ?? 0) - 6_000) < 1_000)
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', /clock/)
  aheadMs = 0
  await readiness.look()
  assert.ok(Math.abs(readiness.clockDifferenceMs ?? Number.NaN) < 1_000)
  assert.equal(isReady(readiness.report()), true)
})
