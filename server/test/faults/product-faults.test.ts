import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { TestContext } from 'node:test'
import { asCompany } from '../../src/db/transaction.ts'
import { getDelivery, listDeliveries } from '../../src/webhooks/read-deliveries.ts'
import { retryDelivery } from '../../src/webhooks/retry-delivery.ts'
import { call, rowsOf } from '../support/api.ts'
import { runDaybook, startDaybook } from '../support/daybook-process.ts'
import { testDatabase } from '../support/database.ts'
import { newEvent } from '../support/new-event.ts'
import { scriptedReceiver } from '../support/scripted-receiver.ts'
import { sql, sqlValue } from '../support/sql.ts'
import type { TestNode } from '../support/test-node.ts'
import { newCompany, now, subscribe as subscribeNode, testNode } from '../support/test-node.ts'
import { turnedClock } from '../support/turned-clock.ts'
import { until } from '../support/until.ts'
import { assertHolds, beginRun, publish, settled, subscribe } from './fault-run.ts'

/** What was wrong once: each of these was found by breaking something on purpose. */
suite('what is broken in one place', { concurrency: 3 }, () => {
  test('a payload that was changed in the database is never sent: its delivery ends with that reason (F37)', async (t) => {
    const run = await beginRun(t)
    const router = await startDaybook(t, { DATABASE_URL: run.databaseUrl, DAYBOOK_ROLES: 'api,router' })
    await subscribe(run, router.url, '/c1/s1')
    await publish(run, router.url, 5)
    await until('routed', async () => (await sqlValue(run.owner, 'select count(*) from webhook_deliveries')) === 5)
    const [altered = ''] = run.publishes.keys()
    await sql(run.owner, `update event_logs set payload = replace(payload, '1.50', '1.51') where id = $1`, [altered])
    await startDaybook(t, { DATABASE_URL: run.databaseUrl, DAYBOOK_ROLES: 'api,dispatcher' })
    await settled(run)
    run.publishes.delete(altered)
    assert.deepEqual(new Set(run.receivers.arrivals.map(({ id }) => id)), new Set(run.publishes.keys()))
    const shown = rowsOf(await call(router.url, 'GET', `/events/deliveries?event_id=${altered}`))
    assert.deepEqual(
      shown.map((row) => [row['state'], row['reason'], row['attempts']]),
      [['failed', 'payload_altered', 0]],
    )
  })

  test('a signing secret that was changed in the database stops its own subscription only (F26, F37)', async (t) => {
    const run = await beginRun(t)
    const first = await startDaybook(t, { DATABASE_URL: run.databaseUrl, DAYBOOK_ROLES: 'api' })
    await subscribe(run, first.url, '/c1/s1')
    const poisoned = await subscribe(run, first.url, '/c1/s2')
    await sql(
      run.owner,
      `update subscription_secrets set sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1) where subscription_id = $1`,
      [poisoned],
    )
    await startDaybook(t, { DATABASE_URL: run.databaseUrl, DAYBOOK_ROLES: 'api,router,dispatcher' })
    await publish(run, first.url, 5)
    const calls = (path: string): number => run.receivers.arrivals.filter((one) => one.path === path).length
    await until('the neighbour gets its events', () => calls('/c1/s1') === 5)
    const reasons = 'select distinct reason from webhook_logs where subscription_id = $1'
    await until('it is told', async () => (await sql(run.owner, reasons, [poisoned])).length > 0)
    assert.deepEqual((await sql<{ reason: string }>(run.owner, reasons, [poisoned]))[0]?.reason, 'secret_unreadable')
    assert.equal(calls('/c1/s2'), 0)
  })

  test('events that cannot be routed are set aside, told of once, and put back by a command (F26)', async (t) => {
    const run = await beginRun(t)
    const api = await startDaybook(t, { DATABASE_URL: run.databaseUrl, DAYBOOK_ROLES: 'api' })
    await subscribe(run, api.url, '/c1/s1')
    await publish(run, api.url, 20)
    const [gone, altered, refused] = [...run.publishes.keys()].slice(5)
    assert.ok(gone && altered && refused)
    await sql(run.owner, 'create table hidden as select * from event_logs where id = $1', [gone])
    await sql(run.owner, 'delete from event_logs where id = $1', [gone])
    await sql(run.owner, `update event_logs set source = 'elsewhere' where id = $1`, [altered])
    await sql(run.owner, refuse(refused))
    await sql(
      run.owner,
      `create trigger refuse before insert on event_audit_trail for each row execute function refuse()`,
    )
    const router = await startDaybook(t, { DATABASE_URL: run.databaseUrl, DAYBOOK_ROLES: 'router,dispatcher,api' })
    await until('the others arrive', () => run.receivers.arrivals.length === 17)
    await until('nothing waits', async () => (await sqlValue(run.owner, 'select count(*) from event_outbox')) === 0)
    await publish(run, api.url, 3)
    await until('what comes later arrives', () => run.receivers.arrivals.length === 20)

    const env = { DATABASE_URL: run.databaseUrl }
    const list = async (): Promise<readonly { event_id: string; reason: string }[]> => {
      const { stdout, exitCode, stderr } = await runDaybook(['set-aside', 'list', '--json'], env)
      assert.deepEqual([exitCode, stderr], [0, ''])
      return stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    }
    assert.deepEqual(
      new Map((await list()).map(({ event_id, reason }) => [event_id, reason])),
      new Map([
        [gone, 'payload_gone'],
        [altered, 'payload_altered'],
        [refused, 'not_routable'],
      ]),
    )
    const told = router
      .log()
      .split('\n')
      .filter((line) => line.includes('was set aside'))
    assert.equal(told.length, 3, 'each is told once')

    await sql(run.owner, 'drop trigger refuse on event_audit_trail')
    await sql(run.owner, 'insert into event_logs select * from hidden')
    const one = await runDaybook(['set-aside', 'put-back', refused.toUpperCase(), '--json'], env)
    assert.deepEqual([one.exitCode, JSON.parse(one.stdout)], [0, { put_back: 1 }])
    const rest = await runDaybook(['set-aside', 'put-back'], env)
    assert.deepEqual([rest.exitCode, rest.stdout], [0, 'Put back: 2\n'])
    await until('what was mended arrives', () => run.receivers.arrivals.length === 22)
    await until('the other is back', async () => (await list()).length === 1)
    assert.deepEqual((await list())[0]?.event_id, altered)
    run.publishes.delete(altered)
    await sql(run.owner, 'delete from event_logs where id = $1', [altered])
    await settled(run)
    await assertHolds(run, api.url)
  })

  test('a shortage of our own file descriptors is not the fault of an endpoint: it is neither disabled nor given up (F35)', async (t) => {
    const run = await beginRun(t)
    const env = { DATABASE_URL: run.databaseUrl, DAYBOOK_RETRY_SCHEDULE: '1,1,1,1' }
    const server = await startDaybook(t, env, [], 'ulimit -n 120 && exec "$0" "$@"')
    await subscribe(run, server.url, '/c1/s1', { concurrency: 256 })
    run.receivers.behave('/c1/s1', 'recovers') // its first calls are slow, so many are open at once
    await publish(run, server.url, 200, { atOnce: 24 })
    const ended = server.ended.then((how) => assert.fail(`it ended with ${how}\n${server.log().slice(-2_000)}`))
    await Promise.race([settled(run), ended])
    const status = `select status, failures_in_row from event_subscriptions s
                      join subscription_health h on h.subscription_id = s.id where s.company_id = h.company_id`
    assert.deepEqual(
      (await sql<object>(run.owner, status)).map((row) => ({ ...row })),
      [{ status: 'active', failures_in_row: 0 }],
    )
    const blamed = `select distinct reason from webhook_logs
                     where outcome = 'failed' or outcome = 'will_retry' and reason in ('connect_failed', 'local_shortage')`
    assert.deepEqual(await sql(run.owner, blamed), [])
  })
})

/** A trigger that refuses one event, as a broken constraint would. */
function refuse(eventId: string): string {
  return `create or replace function refuse() returns trigger language plpgsql as $$
    begin
      if new.event_id = '${eventId}' then
        raise exception using errcode = '23514', message = 'refused';
      end if;
      return new;
    end $$`
}

const FIVE_MINUTES_MS = 300_000

interface TwoClocks {
  readonly companyId: string
  /** Five minutes ahead. */
  readonly ahead: TestNode
  readonly right: TestNode
  readonly statuses: number[]
}

/** Ids have the time of the process that makes them, so the clock of the whole process is turned while `ahead` works. */
async function twoClocks(t: TestContext): Promise<TwoClocks & { while(node: TestNode): Promise<void> }> {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const statuses: number[] = []
  receiver.answer(() => ({ status: statuses.shift() ?? 204 }))
  const options = { schedule: [0, 0], handsOver: false }
  const clock = turnedClock()
  const [ahead, right] = [testNode(database, { ...options, clock }), testNode(database, options)]
  const realNow = Date.now
  let offsetMs = 0
  t.mock.method(Date, 'now', () => realNow() + offsetMs)
  const companyId = await newCompany(right.pools)
  await subscribeNode(right.pools, companyId, { webhook_url: `${receiver.url}/hook` })
  await right.publisher.publish([newEvent(companyId)])
  await right.route()
  const tries = async (): Promise<number> => await sqlValue(right.pools.owner, 'select count(*) from webhook_logs')
  return {
    companyId,
    ahead,
    right,
    statuses,
    while: async (node) => {
      const before = await tries()
      offsetMs = node === ahead ? FIVE_MINUTES_MS : 0
      await node.dispatcher.round()
      await until('one attempt is recorded', async () => (await tries()) === before + 1)
      offsetMs = 0
    },
  }
}

test('with clocks five minutes apart, what is shown is what happened last (F19)', async (t) => {
  const { companyId, ahead, right, statuses, while: attempt } = await twoClocks(t)
  const look = async () =>
    await asCompany(right.pools.api, companyId, async (db) => {
      const { deliveries } = await listDeliveries(db, companyId, {}, { limit: 10 })
      const [shown] = deliveries
      assert.ok(shown && deliveries.length === 1)
      return await getDelivery(db, companyId, shown.id)
    })
  statuses.push(500, 204)
  await attempt(ahead)
  await attempt(right)
  const done = await look()
  assert.deepEqual([done.state, done.attempts, done.last_attempt?.outcome], ['delivered', 2, 'delivered'])
  assert.deepEqual(
    done.attempts_log.map(({ attempt_no, outcome }) => [attempt_no, outcome]),
    [
      [2, 'delivered'],
      [1, 'will_retry'],
    ],
  )
  const { id } = done
  const newest = 'select attempt_no from webhook_logs order by id desc limit 1'
  assert.equal(await sqlValue(right.pools.owner, newest), 1, 'the ids tell it the other way round')

  // Retried by hand: the numbers go on, and the ending that counts is the later one.
  const author = now()
  for (const [node, status, state] of [
    [ahead, 410, 'failed'],
    [right, 204, 'delivered'],
  ] as const) {
    await asCompany(right.pools.api, companyId, async (db) => await retryDelivery(db, author, companyId, id))
    statuses.push(status)
    await attempt(node)
    const again = await look()
    assert.deepEqual([again.state, again.last_attempt?.outcome], [state, state])
  }
  assert.equal((await look()).attempts, 4)
})
