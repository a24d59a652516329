import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { suite, test } from 'node:test'
import { headerOf } from '../../src/events/event.ts'
import { insertEvents } from '../../src/events/insert-events.ts'
import { eventDigest } from '../../src/lib/digest.ts'
import { newId } from '../../src/lib/ids.ts'
import { call, rowsOf } from '../support/api.ts'
import { startDaybook } from '../support/daybook-process.ts'
import type { DaybookProcess } from '../support/daybook-process.ts'
import { newEvent } from '../support/new-event.ts'
import { listenRaw } from '../support/raw-receiver.ts'
import { sql, sqlValue } from '../support/sql.ts'
import { until } from '../support/until.ts'
import type { FaultRun } from '../faults/fault-run.ts'
import { assertHolds, beginRun, publish, publishAgain, settled, subscribe } from '../faults/fault-run.ts'
import { startDatabaseProxy } from '../torture/database-proxy.ts'

/**
 * Failures that users of other systems reported, each shown not to happen here. The numbers are those of the reports:
 * svix/svix-webhooks, hookdeck/outpost, hook0/hook0, frain-dev/convoy.
 */
suite('reported of others', { concurrency: 2 }, () => {
  test('svix#1511: with no dispatcher at work, what is accepted says that it waits and since when, and goes out when one comes', async (t) => {
    const run = await beginRun(t)
    const env = { DATABASE_URL: run.databaseUrl }
    const api = await startDaybook(t, { ...env, DAYBOOK_ROLES: 'api,router' })
    await subscribe(run, api.url, '/c1/s1')
    await publish(run, api.url, 5)
    await until('deliveries are shown', async () => (await shown(api.url)).length === 5)
    for (const delivery of await shown(api.url)) {
      assert.deepEqual(
        [delivery['state'], delivery['progress'], delivery['reason']],
        ['pending', 'waiting', 'not_attempted_yet'],
      )
      assert.ok(Date.parse(String(delivery['next_attempt_at'])) <= Date.now(), 'it is overdue, and says so')
    }
    await startDaybook(t, { ...env, DAYBOOK_ROLES: 'dispatcher,api' })
    await settled(run)
    await assertHolds(run, api.url)
  })

  test('svix#1844: when the store was away, deliveries go on in the same process', async (t) => {
    const run = await beginRun(t)
    const proxy = await startDatabaseProxy(t, () => run.databaseUrl)
    const server = await startDaybook(t, { DATABASE_URL: proxy.url })
    await subscribe(run, server.url, '/c1/s1')
    await publish(run, server.url, 10)
    for (let times = 0; times < 3; times++) {
      proxy.reset()
      const { owner } = run
      const sessions = `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name in ('daybook_engine', 'daybook_api')`
      await sql(owner, sessions)
      const before = run.receivers.arrivals.length
      await until('an event is taken and arrives', async () => {
        await publish(run, server.url, 1)
        return run.receivers.arrivals.length > before
      })
    }
    for (const { id } of run.publishes.values()) assert.ok((await publishAgain(run, server.url, id)) < 300)
    await settled(run)
    await assertHolds(run, server.url)
  })

  test('outpost#611: events of a disabled subscription are not gone: what waits is held, what comes is counted', async (t) => {
    const run = await beginRun(t)
    const server = await startDaybook(t, { DATABASE_URL: run.databaseUrl })
    const id = await subscribe(run, server.url, '/c1/s1', { concurrency: 1 })
    run.receivers.behave('/c1/s1', 'recovers')
    await publish(run, server.url, 6)
    const routed = `select count(*) from event_audit_trail where event_name = 'fault.tried'`
    await until('all are routed', async () => (await sqlValue(run.owner, routed)) === 6)
    await call(server.url, 'POST', `/events/subscriptions/${id}/disable`)
    await until('no call is under way', () => run.receivers.open === 0)
    await publish(run, server.url, 4)
    const pending = async () => rowsOf(await call(server.url, 'GET', '/events/deliveries?state=pending'))
    await until('what waits is held', async () => (await pending()).every((row) => row['progress'] === 'held'))
    assert.ok((await pending()).length > 0)
    assert.deepEqual(new Set((await pending()).map((row) => row['reason'])), new Set(['subscription_inactive']))
    const subscription = await call(server.url, 'GET', `/events/subscriptions/${id}`)
    assert.equal(typeof subscription.body['held_from_position'], 'number')
    await until('these are routed too', async () => (await sqlValue(run.owner, routed)) === 10)
    const enabled = await call(server.url, 'POST', `/events/subscriptions/${id}/enable`)
    assert.equal((enabled.body['held'] as { count: number }).count, 4)
    await settled(run)
    await assertHolds(run, server.url)
    assert.equal(new Set(run.receivers.arrivals.map((arrival) => arrival.id)).size, 6)
  })

  test('outpost#1000: an attempt that cannot be logged is not forgotten: delivery and log change together', async (t) => {
    const run = await beginRun(t)
    const server = await startDaybook(t, { DATABASE_URL: run.databaseUrl })
    await subscribe(run, server.url, '/c1/s1')
    await sql(run.owner, noLog(`raise exception using errcode = '53100', message = 'no space for the log'`))
    await sql(run.owner, 'create trigger no_log before insert on webhook_logs for each row execute function no_log()')
    await publish(run, server.url, 5)
    await until('the calls were made', () => run.receivers.arrivals.length === 5)
    assert.equal(await sqlValue(run.owner, 'select count(*) from webhook_deliveries'), 5, 'none has ended unlogged')
    await sql(run.owner, noLog('return new'))
    await settled(run)
    const verdict = await assertHolds(run, server.url)
    assert.equal(verdict.duplicated, 0)
    assert.equal(await sqlValue(run.owner, `select count(*) from webhook_logs where outcome = 'delivered'`), 5)
  })

  test('outpost#663: without the log of earlier attempts a retry still ends with its schedule', async (t) => {
    const run = await beginRun(t)
    const server = await startDaybook(t, { DATABASE_URL: run.databaseUrl, DAYBOOK_RETRY_SCHEDULE: '2,0' })
    const nobody = await listenRaw(t, { onSocket: (socket) => socket.destroy() })
    const url = `http://127.0.0.1:${nobody.port}/nobody`
    const created = await call(server.url, 'POST', '/events/subscriptions', { webhook_url: url, event_names: ['*'] })
    assert.equal(created.status, 201)
    await publish(run, server.url, 2)
    const logged = async () => await sqlValue<number>(run.owner, 'select count(*) from webhook_logs')
    await until('the first attempts are logged', async () => (await logged()) === 2)
    await sql(run.owner, 'delete from webhook_logs')
    await settled(run)
    assert.deepEqual(
      (
        await sql<object>(
          run.owner,
          'select attempt_no, outcome, count(*) as n from webhook_logs group by 1, 2 order by 1',
        )
      ).map((row) => ({ ...row })),
      [
        { attempt_no: 2, outcome: 'will_retry', n: 2 },
        { attempt_no: 3, outcome: 'failed', n: 2 },
      ],
    )
  })

  test('convoy#1811: retries that were waiting are made after an upgrade, also by a process with another schedule', async (t) => {
    const run = await beginRun(t)
    const before = await startDaybook(t, { DATABASE_URL: run.databaseUrl, DAYBOOK_RETRY_SCHEDULE: '3,3,3,3' })
    await subscribe(run, before.url, '/c1/s1', { timeout_ms: 1_000 })
    run.receivers.behave('/c1/s1', 'fails')
    await publish(run, before.url, 20)
    const waiting = `select count(*) from webhook_logs where outcome = 'will_retry'`
    await until('retries wait', async () => (await sqlValue<number>(run.owner, waiting)) > 0)
    assert.equal(await before.stop(), 0)
    run.receivers.behaveWell()
    const after = await startDaybook(t, { DATABASE_URL: run.databaseUrl, DAYBOOK_RETRY_SCHEDULE: '1' })
    await settled(run)
    await assertHolds(run, after.url)
    assert.equal(await sqlValue(run.owner, `select count(*) from webhook_logs where outcome = 'delivered'`), 20)
  })

  test('convoy#1833: a delivery whose attempts are lost again and again ends, with that reason', async (t) => {
    const run = await beginRun(t)
    const router = await startDaybook(t, { DATABASE_URL: run.databaseUrl, DAYBOOK_ROLES: 'api,router' })
    await subscribe(run, router.url, '/c1/s1')
    await publish(run, router.url, 1)
    const expire =
      'update webhook_deliveries set lease_token = gen_random_uuid(), attempts = attempts + 1, due_at = now()'
    await until(
      'it is routed',
      async () => (await sqlValue(run.owner, 'select count(*) from webhook_deliveries')) === 1,
    )
    // As if ten processes had died in turn after they had claimed it; each take-over told of the one before.
    for (let lost = 0; lost < 10; lost++) await sql(run.owner, expire)
    await startDaybook(t, {
      DATABASE_URL: run.databaseUrl,
      DAYBOOK_ROLES: 'api,dispatcher',
      DAYBOOK_RETRY_SCHEDULE: '1',
    })
    await settled(run)
    const [ending] = await sql<{ outcome: string; reason: string }>(
      run.owner,
      `select outcome, reason from webhook_logs where outcome <> 'unknown'`,
    )
    assert.deepEqual({ ...ending }, { outcome: 'failed', reason: 'attempts_lost' })
    assert.equal(run.receivers.arrivals.length, 0)
  })

  test('hook0#47: a month is dropped without reading it, and what is not finished of it ends visibly', async (t) => {
    const { run, server, month, oldIds } = await withOldMonth(t)
    const client = await run.owner.connect()
    try {
      await client.query('begin')
      await client.query(`drop table event_logs_${month}`)
      const { rows } = await client.query<{ read: number }>(
        `select coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::int as read
           from pg_stat_xact_user_tables where relname like '%\\_logs%'`,
      )
      assert.equal(rows[0]?.read, 0)
      await client.query('commit')
    } finally {
      client.release()
    }
    for (const id of oldIds) run.publishes.delete(id)
    await startDaybook(t, { DATABASE_URL: run.databaseUrl, DAYBOOK_ROLES: 'api,dispatcher' })
    await settled(run)
    const endings = await sql<{ event_id: string }>(
      run.owner,
      `select event_id from webhook_logs where outcome = 'failed' and reason = 'payload_gone'`,
    )
    assert.deepEqual(new Set(endings.map((row) => row.event_id)), new Set(oldIds))
    assert.deepEqual(new Set(run.receivers.arrivals.map(({ id }) => id)), new Set(run.publishes.keys()))
    assert.equal((await shown(server.url)).length, 6)
  })

  test('outpost#1027: every event lies in the partition of its month, and no partition takes what has none', async (t) => {
    const { run, month, oldIds } = await withOldMonth(t)
    assert.equal(await sqlValue(run.owner, 'select count(*) from pg_partitioned_table where partdefid <> 0'), 0)
    const rows = await sql<{ id: string }>(run.owner, `select id from event_logs_${month}`)
    assert.deepEqual(new Set(rows.map(({ id }) => id)), new Set(oldIds))
  })
})

interface OldMonth {
  readonly run: FaultRun
  readonly server: DaybookProcess
  /** The month before this one, as partitions name it. */
  readonly month: string
  readonly oldIds: readonly string[]
}

/** Three events of last month and three of now, all owed to one subscription and not yet called. */
async function withOldMonth(t: TestContext): Promise<OldMonth> {
  const run = await beginRun(t)
  const server = await startDaybook(t, { DATABASE_URL: run.databaseUrl, DAYBOOK_ROLES: 'api,router' })
  await subscribe(run, server.url, '/c1/s1')
  const now = new Date()
  const then = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 15))
  const companyId = await sqlValue<string>(run.owner, 'select id from companies')
  const old = Array.from({ length: 3 }, () => {
    const event = { ...newEvent(companyId), id: newId(then.getTime()) }
    return { ...event, digest: eventDigest(headerOf(event), event.salt, event.payload) }
  })
  await insertEvents(run.owner, old)
  await publish(run, server.url, 3)
  await until('all are owed', async () => (await sqlValue(run.owner, 'select count(*) from webhook_deliveries')) === 6)
  return { run, server, month: then.toISOString().slice(0, 7).replace('-', '_'), oldIds: old.map(({ id }) => id) }
}

async function shown(url: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  return rowsOf(await call(url, 'GET', '/events/deliveries?limit=200'))
}

function noLog(does: string): string {
  return `create or replace function no_log() returns trigger language plpgsql as $$ begin ${does}; end $$`
}
