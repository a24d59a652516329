import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startDaybook } from '../support/daybook-process.ts'
import { sqlValue } from '../support/sql.ts'
import { until } from '../support/until.ts'
import { withClient } from '../torture/with-client.ts'
import type { FaultRun } from './fault-run.ts'
import { assertHolds, beginRun, publish, settled, subscribe } from './fault-run.ts'

const WAITING = 3_000

suite('a backlog', { concurrency: 1 }, () => {
  test('drains by index, with new events arriving before its end and publishes going on (F24)', async (t) => {
    const run = await beginRun(t)
    const env = { DATABASE_URL: run.databaseUrl }
    const api = await startDaybook(t, { ...env, DAYBOOK_ROLES: 'api,router' })
    await subscribe(run, api.url, '/c1/s1', { event_names: ['old.one'], concurrency: 4 })
    await subscribe(run, api.url, '/c1/s2', { event_names: ['new.one'] })
    await publish(run, api.url, WAITING, { eventName: 'old.one', atOnce: 32 })
    const scans = `select seq_scan from pg_stat_user_tables where relname = 'webhook_deliveries'`
    const before = await sqlValue<number>(run.owner, scans)
    await startDaybook(t, { ...env, DAYBOOK_ROLES: 'api,dispatcher' })
    await until('the oldest go out', () => countAt(run, '/c1/s1') > 100)
    const startedAt = performance.now()
    await publish(run, api.url, 20, { eventName: 'new.one', atOnce: 1 })
    const publishMs = (performance.now() - startedAt) / 20
    await until('the new ones arrive', () => countAt(run, '/c1/s2') === 20)
    assert.ok(countAt(run, '/c1/s1') < WAITING, 'while the backlog goes on')
    assert.ok(publishMs < 250, `${publishMs} ms for a publish meanwhile`)
    await until('the backlog is gone', () => countAt(run, '/c1/s1') === WAITING, 60_000)
    assert.equal(await sqlValue<number>(run.owner, scans), before, 'nobody reads the whole table')
    await settled(run)
    const verdict = await assertHolds(run, api.url)
    assert.equal(verdict.duplicated, 0)
  })

  test('of dead rows that a long reader keeps does not slow deliveries down (F40)', async (t) => {
    const run = await beginRun(t)
    const server = await startDaybook(t, { DATABASE_URL: run.databaseUrl })
    await subscribe(run, server.url, '/c1/s1', { concurrency: 64 })
    await timed(run, server.url, 300)
    const freeMs = await timed(run, server.url, 300)
    await withClient(run.databaseUrl, async (reader) => {
      await reader.query('begin isolation level repeatable read')
      await reader.query('select count(*) from webhook_deliveries')
      await timed(run, server.url, 2_000)
      const heldMs = await timed(run, server.url, 300)
      assert.ok(heldMs < freeMs * 3 + 1_000, `${heldMs} ms with the reader, ${freeMs} ms without`)
      await reader.query('commit')
    })
    await settled(run)
    await assertHolds(run, server.url)
  })
})

/** Milliseconds until `count` events were published and have arrived. */
async function timed(run: FaultRun, url: string, count: number): Promise<number> {
  const startedAt = performance.now()
  const target = run.receivers.arrivals.length + count
  await publish(run, url, count, { atOnce: 16 })
  await until('all arrive', () => run.receivers.arrivals.length >= target)
  return performance.now() - startedAt
}

function countAt(run: FaultRun, path: string): number {
  return run.receivers.arrivals.filter((arrival) => arrival.path === path).length
}
