import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startDaybook } from '../support/daybook-process.ts'
import { sqlValue } from '../support/sql.ts'
import { until } from '../support/until.ts'
import { startDatabaseProxy } from '../torture/database-proxy.ts'
import { assertHolds, beginRun, publish, repeatUnknown, settled, subscribe } from './fault-run.ts'

suite('the way to the database', { concurrency: 3 }, () => {
  test('[goes-on-by-itself] falls silent: not ready within five seconds, ready again in the same process (F14)', async (t) => {
    const run = await beginRun(t)
    const proxy = await startDatabaseProxy(t, () => run.databaseUrl)
    const server = await startDaybook(t, { DATABASE_URL: proxy.url })
    await subscribe(run, server.url, '/c1/s1')
    await publish(run, server.url, 50)
    const isReady = async (): Promise<boolean> => (await fetch(`${server.url}/readyz`)).ok

    proxy.set('silent')
    const silentAt = performance.now()
    const publishing = publish(run, server.url, 20)
    await until('it says that it is not ready', async () => !(await isReady()))
    assert.ok(performance.now() - silentAt < 5_000)
    proxy.set('open')
    const openAt = performance.now()
    await until('it is ready again', isReady)
    assert.ok(performance.now() - openAt < 10_000)
    await publishing
    await repeatUnknown(run, server.url)
    await settled(run)
    const verdict = await assertHolds(run, server.url)
    assert.equal(verdict.acknowledged, 70)
  })

  test('is cut and comes back: publishes answer 503 meanwhile and none is lost (F14)', async (t) => {
    const run = await beginRun(t)
    const proxy = await startDatabaseProxy(t, () => run.databaseUrl)
    const server = await startDaybook(t, { DATABASE_URL: proxy.url })
    await subscribe(run, server.url, '/c1/s1')
    const publishing = publish(run, server.url, 300)
    await until('events flow', () => run.receivers.arrivals.length > 50)
    for (let cut = 0; cut < 5; cut++) {
      const before = run.receivers.arrivals.length
      proxy.reset()
      await until('events flow again', () => run.receivers.arrivals.length > before + 20 || run.publishes.size === 300)
    }
    const statuses = await publishing
    assert.deepEqual(
      [...statuses.keys()].filter((status) => status !== 201 && status !== 503),
      [],
    )
    await repeatUnknown(run, server.url)
    await settled(run)
    await assertHolds(run, server.url)
  })

  test('tells nobody of anything: polling alone brings an event from one process to the other (F15)', async (t) => {
    const run = await beginRun(t)
    const api = await startDaybook(t, { DATABASE_URL: run.databaseUrl, DAYBOOK_ROLES: 'api' })
    const router = await startDaybook(t, { DATABASE_URL: run.databaseUrl, DAYBOOK_ROLES: 'api,router' })
    await startDaybook(t, { DATABASE_URL: run.databaseUrl, DAYBOOK_ROLES: 'api,dispatcher' })
    await subscribe(run, router.url, '/c1/s1')
    const waits: number[] = []
    for (let n = 0; n < 10; n++) {
      await publish(run, api.url, 1)
      const acknowledgedAt = performance.now()
      await until('it arrives', () => run.receivers.arrivals.length > n)
      waits.push(performance.now() - acknowledgedAt)
    }
    // The router looks every 25 ms, the dispatcher every 500 ms; the rest is room for a busy machine.
    assert.ok(Math.max(...waits) < 2_500, waits.map(Math.round).join(', '))
    const listening = `select count(*) from pg_stat_activity where datname = current_database() and query ilike 'listen%'`
    assert.equal(await sqlValue(run.owner, listening), 0)
    await settled(run)
    await assertHolds(run, api.url)
  })

  test('is slow: publishes are answered, no lease runs out, nothing is called twice (F16)', async (t) => {
    const run = await beginRun(t)
    const proxy = await startDatabaseProxy(t, () => run.databaseUrl)
    const server = await startDaybook(t, { DATABASE_URL: proxy.url })
    await subscribe(run, server.url, '/c1/s1')
    proxy.set({ latencyMs: 200, bytesPerSecond: 64 * 1_024 })
    const statuses = await publish(run, server.url, 60, { atOnce: 20 })
    assert.deepEqual(
      [...statuses.keys()].filter((status) => status !== 201 && status !== 503),
      [],
    )
    proxy.set('open')
    await repeatUnknown(run, server.url)
    await settled(run)
    const verdict = await assertHolds(run, server.url)
    assert.equal(verdict.duplicated, 0)
    assert.equal(await sqlValue(run.owner, `select count(*) from webhook_logs where reason = 'lease_expired'`), 0)
  })
})
