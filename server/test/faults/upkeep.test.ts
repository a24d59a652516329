import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { call, textOf } from '../support/api.ts'
import { startDaybook } from '../support/daybook-process.ts'
import { testDatabase } from '../support/database.ts'
import { scriptedReceiver } from '../support/scripted-receiver.ts'
import { sql, sqlValue } from '../support/sql.ts'
import { until } from '../support/until.ts'
import { assertHolds, beginRun, publish, settled, subscribe } from './fault-run.ts'

const partitions = `
  select c.relname as name, c.relispartition as attached from pg_class c
   where c.relkind = 'r' and c.relname ~ '^(event|webhook)_logs_\\d{4}_\\d\\d$' order by 1`

suite('upkeep', { concurrency: 3 }, () => {
  test('killed between making a partition and attaching it: nothing of it is left, and the next start makes it (F8)', async (t) => {
    const { url, pools } = await testDatabase(t)
    const complete = await sql<{ name: string }>(pools.owner, partitions)
    assert.equal(complete.length, 8)
    const [first, second, third] = complete.map(({ name }) => name)
    for (const name of [first, second, third]) await sql(pools.owner, `drop table ${name}`)
    const armed = { DATABASE_URL: url, DAYBOOK_FAILPOINTS: 'partition.before_attach=kill@2' }
    await assert.rejects(startDaybook(t, armed), /ended with SIGKILL/)
    assert.deepEqual(
      await sql(pools.owner, partitions),
      complete.filter(({ name }) => name !== second && name !== third),
      'the first was attached, of the second there is nothing',
    )
    await startDaybook(t, { DATABASE_URL: url })
    assert.deepEqual(await sql(pools.owner, partitions), complete)
  })

  test('killed before a subscription is disabled: the next process disables it once, with one event (F8)', async (t) => {
    const { url, pools } = await testDatabase(t)
    const receiver = await scriptedReceiver(t)
    receiver.answer(() => ({ status: 410 }))
    const server = await startDaybook(t, { DATABASE_URL: url, DAYBOOK_FAILPOINTS: 'disable.before_commit=kill' })
    const input = { webhook_url: `${receiver.url}/hook`, event_names: ['*'] }
    const id = textOf(await call(server.url, 'POST', '/events/subscriptions', input), 'id')
    await call(server.url, 'POST', '/events', { event_name: 'fault.tried', payload: {} })
    assert.equal(await server.ended, 'SIGKILL')
    const status = 'select status from event_subscriptions where id = $1'
    assert.equal(await sqlValue(pools.owner, status, [id]), 'active', 'nothing of it was committed')
    const next = await startDaybook(t, { DATABASE_URL: url })
    await until('it is disabled', async () => (await sqlValue(pools.owner, status, [id])) === 'disabled')
    const shown = await call(next.url, 'GET', `/events/subscriptions/${id}`)
    assert.equal(textOf(shown, 'disabled_reason'), 'gone')
    const told = `select count(*) from event_logs where event_name = 'daybook.subscription.disabled' and entity_id = $1`
    assert.equal(await sqlValue(pools.owner, told, [id]), 1)
    assert.equal(receiver.calls.length, 1)
  })

  test('a thread that is busy for four seconds keeps its leases: nothing is called twice (F36)', async (t) => {
    const run = await beginRun(t)
    const env = { DATABASE_URL: run.databaseUrl }
    const blocked = await startDaybook(t, { ...env, DAYBOOK_FAILPOINTS: 'delivery.after_send=block:4000@10' })
    const other = await startDaybook(t, { ...env, DAYBOOK_ROLES: 'api,dispatcher' })
    await subscribe(run, other.url, '/c1/s1', { concurrency: 4, timeout_ms: 10_000 })
    const began = performance.now()
    await publish(run, blocked.url, 40)
    await settled(run)
    assert.ok(performance.now() - began > 3_900, 'it was busy')
    const verdict = await assertHolds(run, other.url)
    assert.equal(verdict.duplicated, 0)
    assert.equal(await sqlValue(run.owner, `select count(*) from webhook_logs where outcome = 'unknown'`), 0)
  })
})
