import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { suite, test } from 'node:test'
import { Client } from 'pg'
import { call } from '../support/api.ts'
import { startDaybook } from '../support/daybook-process.ts'
import { sql, sqlValue } from '../support/sql.ts'
import { until } from '../support/until.ts'
import { Database } from '../torture/database.ts'
import { assertHolds, beginRun, publish, repeatUnknown, settled, subscribe, unknown } from './fault-run.ts'

suite('limits of the machine', { concurrency: 2 }, () => {
  test('few file descriptors: what is accepted arrives, and the process goes on (F35)', async (t) => {
    const run = await beginRun(t)
    const env = { DATABASE_URL: run.databaseUrl, DAYBOOK_RETRY_SCHEDULE: '1,1,1' }
    const server = await startDaybook(t, env, [], 'ulimit -n 150 && exec "$0" "$@"')
    const id = await subscribe(run, server.url, '/c1/s1', { concurrency: 256 })
    run.receivers.behave('/c1/s1', 'recovers')
    await publish(run, server.url, 400, { atOnce: 60 })
    run.receivers.behaveWell()
    await until('it answers', async () => (await fetch(`${server.url}/readyz`).catch(() => undefined))?.ok)
    await until('publishes are taken again', async () => {
      await repeatUnknown(run, server.url).catch(() => undefined)
      return unknown(run).length === 0
    })
    // The shortage may have disabled the subscription; what waits goes out once somebody asks for it.
    await until('nothing waits', async () => {
      await delay(250)
      await call(server.url, 'POST', `/events/subscriptions/${id}/enable`).catch(() => undefined)
      return (await sqlValue(run.owner, 'select count(*) from webhook_deliveries')) === 0
    })
    await assertHolds(run, server.url)
  })

  test('no connection left at the database: 503, and well again in the same process (F35)', async (t) => {
    const settings = { max_connections: '24', superuser_reserved_connections: '0', fsync: 'off' }
    const database = await Database.start(t, settings)
    const run = await beginRun(t, database.url)
    const server = await startDaybook(t, { DATABASE_URL: database.url })
    await subscribe(run, server.url, '/c1/s1')
    await publish(run, server.url, 20)
    const hogs: Client[] = []
    t.after(async () => void (await Promise.all(hogs.map(async (hog) => await hog.end()))))
    await until('the database is full', async () => {
      // What is idle goes, so that every process has to ask for a connection that is not there.
      await sql(
        run.owner,
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'daybook_e%'`,
      )
      for (;;) {
        const hog = new Client({ connectionString: database.url })
        hog.on('error', () => {})
        try {
          await hog.connect()
          hogs.push(hog)
        } catch {
          await hog.end().catch(() => undefined)
          break
        }
      }
      return (await publish(run, server.url, 8)).has(503)
    })
    for (const hog of hogs.splice(0)) await hog.end()
    await until('publishes are taken again', async () => {
      await repeatUnknown(run, server.url).catch(() => undefined)
      return unknown(run).length === 0
    })
    await settled(run)
    await assertHolds(run, server.url)
  })

  test('little memory: large events are taken or refused, and none that was taken is lost, alive or not (F34)', async (t) => {
    const run = await beginRun(t)
    const env = { DATABASE_URL: run.databaseUrl }
    const small = await startDaybook(t, { ...env, NODE_OPTIONS: '--max-old-space-size=72' })
    await subscribe(run, small.url, '/c1/s1')
    const payload = (number: number): string => `{"n":${number},"long":"${'x'.repeat(200_000)}"}`
    const statuses = await publish(run, small.url, 200, { atOnce: 24, payload })
    assert.deepEqual(
      [...statuses.keys()].filter((status) => ![0, 201, 503].includes(status)),
      [],
    )
    await small.stop()
    const next = await startDaybook(t, env)
    await repeatUnknown(run, next.url)
    await settled(run)
    await assertHolds(run, next.url)
  })

  test('a full disk: no 2xx for what could not be written, the rest goes on, and it heals by itself (F17)', async (t) => {
    const run = await beginRun(t)
    const server = await startDaybook(t, { DATABASE_URL: run.databaseUrl })
    await subscribe(run, server.url, '/c1/s1')
    await publish(run, server.url, 20)
    // What PostgreSQL says when the disk is full, and only to large rows, as it was seen on a full disk.
    await sql(run.owner, diskFull('length(new.payload) > 10000'))
    await sql(
      run.owner,
      'create trigger disk_full before insert on event_logs for each row execute function disk_full()',
    )
    const payload = (number: number): string => `{"n":${number},"long":"${'x'.repeat(20_000)}"}`
    const refused = await publish(run, server.url, 10, { payload, atOnce: 1 })
    assert.deepEqual([...refused.keys()], [503])
    assert.deepEqual([...(await publish(run, server.url, 20, { atOnce: 1 })).keys()], [201])
    await sql(run.owner, diskFull('false'))
    await repeatUnknown(run, server.url)
    await settled(run)
    await assertHolds(run, server.url)
  })
})

/** The error that PostgreSQL raises when it cannot make a file longer. Replaced without a lock on the table. */
function diskFull(condition: string): string {
  return `create or replace function disk_full() returns trigger language plpgsql as $$
    begin
      if ${condition} then
        raise exception using errcode = '53100', message = 'could not extend file: No space left on device';
      end if;
      return new;
    end $$`
}
