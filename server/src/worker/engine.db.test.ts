import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestDatabase } from '../../test/support/database.ts'
import { testDatabase } from '../../test/support/database.ts'
import { ledgerOf } from '../../test/support/ledger.ts'
import { MASTER_KEY_BYTES } from '../../test/support/master-key.ts'
import { newEvent, newEvents } from '../../test/support/new-event.ts'
import { scriptedReceiver } from '../../test/support/scripted-receiver.ts'
import { sql, sqlValue } from '../../test/support/sql.ts'
import { allow, newCompany, subscribe } from '../../test/support/test-node.ts'
import { until } from '../../test/support/until.ts'
import type { Pools } from '../db/pools.ts'
import { openPools } from '../db/pools.ts'
import { Publisher } from '../events/publisher.ts'
import { systemClock } from '../lib/clock.ts'
import { defaultRetrySchedule } from '../webhooks/retry.ts'
import type { EngineOptions } from './engine.ts'
import { createEngine } from './engine.ts'

interface Running {
  readonly publisher: Publisher
  readonly pools: Pools
  readonly logged: unknown[]
  stop(graceMs: number): Promise<void>
}

/** An engine with its loops, on connections of its own. */
function startEngine(database: TestDatabase, options: Partial<EngineOptions> = {}): Running {
  const pools = openPools({ url: database.url, onError: () => {} })
  const logged: unknown[] = []
  const engine = createEngine({
    pools,
    masterKeys: { keys: [MASTER_KEY_BYTES] },
    clock: systemClock,
    roles: new Set(['router', 'dispatcher', 'maintenance'] as const),
    egress: { allow },
    schedule: defaultRetrySchedule,
    callsMax: 64,
    version: 'test',
    log: {
      error: (facts) => void logged.push(facts.err),
      warn: (facts) => void logged.push(facts),
      info: (facts) => void logged.push(facts),
    },
    ...options,
  })
  const publisher = new Publisher({ db: pools.engine, onCommitted: (events) => engine.recorded(events) })
  let stopping: Promise<void> | undefined
  const stop = async (graceMs: number): Promise<void> => {
    stopping ??= engine.stop(graceMs).then(async () => await pools.close())
    await stopping
  }
  database.closeFirst(async () => await stop(0))
  engine.start()
  return { publisher, pools, logged, stop }
}

test('an event goes its whole way by itself, and again when the subscription fails until it is disabled', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const { publisher, pools, logged } = startEngine(database, { schedule: [] })
  const companyId = await newCompany(pools, { disable_after_failures: 2 })
  const told = await subscribe(pools, companyId, { webhook_url: `${receiver.url}/told`, event_names: ['daybook.*'] })
  const { id } = await subscribe(pools, companyId, { webhook_url: `${receiver.url}/own` })
  const calls = (): number => receiver.calls.filter(({ path }) => path === '/own').length
  receiver.answer(({ path }) => ({ status: path === '/own' && calls() > 1 ? 500 : 200 }))
  for (let turn = 1; turn <= 3; turn++) {
    await publisher.publish(newEvents(companyId, 1))
    await until('the call', () => calls() === turn)
  }
  await until('it is disabled', async () => {
    const status = await sqlValue(pools.engine, 'select status from event_subscriptions where id = $1', [id])
    return status === 'disabled'
  })
  await until('the disabling is told', () => {
    const bodies = receiver.calls.filter(({ path }) => path === '/told').map(({ body }) => body.toString())
    return bodies.some((body) => body.includes('"daybook.subscription.disabled"') && body.includes(id))
  })
  assert.ok((await ledgerOf(pools.engine, told.id)).every(({ outcome }) => outcome === 'delivered'))
  assert.deepEqual(logged, [])
})

test('stopping finishes the calls under way and writes their results', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const running = startEngine(database)
  const companyId = await newCompany(running.pools)
  const { id } = await subscribe(running.pools, companyId, { webhook_url: receiver.url })
  const answer = Promise.withResolvers<{ status: number }>()
  receiver.answer(() => answer.promise)
  await running.publisher.publish(newEvents(companyId, 20))
  await until('the calls are open', () => receiver.openAt('/') === 20)
  const stopping = running.stop(10_000)
  answer.resolve({ status: 200 })
  await stopping
  const { engine } = database.pools
  assert.deepEqual(
    (await ledgerOf(engine, id)).map(({ outcome }) => outcome),
    Array(20).fill('delivered'),
  )
  assert.equal(await sqlValue(engine, 'select count(*) from webhook_deliveries'), 0)
  assert.deepEqual(running.logged, [])
})

test('stopping under load loses nothing: what was begun is recorded, the rest is due for the next process', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const first = startEngine(database)
  const companyId = await newCompany(first.pools)
  const { id } = await subscribe(first.pools, companyId, { webhook_url: receiver.url, concurrency: 8 })
  const events = newEvents(companyId, 400)
  for (let from = 0; from < 400; from += 100) await first.publisher.publish(events.slice(from, from + 100))
  await until('some calls', () => receiver.calls.length > 40)
  await first.stop(10_000)
  const { engine } = database.pools
  assert.equal(await sqlValue(engine, 'select count(*) from webhook_deliveries where lease_token is not null'), 0)
  assert.equal((await ledgerOf(engine, id)).length, receiver.calls.length, 'every call is in the ledger')

  const next = startEngine(database)
  const done = 'select count(*) from webhook_logs'
  await until('all are delivered', async () => (await sqlValue(engine, done)) === 400)
  assert.equal(receiver.calls.length, 400)
  assert.deepEqual(new Set(receiver.calls.map((call) => call.id)), new Set(events.map((event) => event.id)))
  assert.deepEqual([...first.logged, ...next.logged], [])
})

test('stopping beside a hanging receiver ends after the grace; its calls are unknown and due again', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const running = startEngine(database)
  const companyId = await newCompany(running.pools)
  const { id } = await subscribe(running.pools, companyId, { webhook_url: receiver.url, timeout_ms: 30_000 })
  receiver.answer(() => 'hang')
  await running.publisher.publish(newEvents(companyId, 3))
  await until('the calls are open', () => receiver.openAt('/') === 3)
  const startedAt = performance.now()
  await running.stop(300)
  const tookMs = performance.now() - startedAt
  assert.ok(tookMs >= 295 && tookMs < 3_000, `${tookMs} ms`)
  const { engine } = database.pools
  const ledger = await ledgerOf(engine, id)
  assert.equal(ledger.length, 3)
  assert.deepEqual(
    ledger.map(({ attempt_no, outcome, reason }) => [attempt_no, outcome, reason]),
    ledger.map(() => [1, 'unknown', 'cancelled']),
  )
  const due = 'select count(*) from webhook_deliveries where lease_token is null and due_at <= now()'
  assert.equal(await sqlValue(engine, due), 3)

  receiver.answer(() => ({ status: 200 }))
  startEngine(database)
  await until(
    'they are delivered',
    async () => (await sqlValue(engine, 'select count(*) from webhook_deliveries')) === 0,
  )
  for (const own of Map.groupBy(await ledgerOf(engine, id), (row) => row.delivery_id).values()) {
    assert.deepEqual(
      own.map(({ attempt_no, outcome }) => [attempt_no, outcome]),
      [
        [1, 'unknown'],
        [2, 'delivered'],
      ],
    )
  }
})

test('the next process leads at once after a graceful stop', async (t) => {
  const database = await testDatabase(t)
  const first = startEngine(database)
  const companyId = await newCompany(first.pools)
  const numbered = async (): Promise<number> =>
    await sqlValue(database.pools.engine, 'select last_position from company_heads where company_id = $1', [companyId])
  await until('the first is numbered', async () => (await numbered()) === 1)
  await first.stop(1_000)
  const next = startEngine(database)
  await next.publisher.publish(newEvents(companyId, 1))
  await until('the second is numbered', async () => (await numbered()) === 2, 2_000)
})

test('two processes share the limit of a subscription without waiting for each other', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const router = startEngine(database, { roles: new Set(['router'] as const) })
  const companyId = await newCompany(router.pools)
  const { id } = await subscribe(router.pools, companyId, { webhook_url: receiver.url, concurrency: 2 })
  await router.publisher.publish(newEvents(companyId, 150))
  const waiting = 'select count(*) from webhook_deliveries'
  await until('all wait', async () => (await sqlValue(database.pools.engine, waiting)) === 150)
  const startedAt = performance.now()
  for (let turn = 0; turn < 2; turn++) startEngine(database, { roles: new Set(['dispatcher'] as const) })
  await until('all are delivered', async () => (await sqlValue(database.pools.engine, waiting)) === 0)
  // If each slept until its next look whenever the other one holds the limit, it would be 20 s and more.
  assert.ok(performance.now() - startedAt < 10_000)
  assert.equal(receiver.openMaxAt('/') <= 2, true)
  assert.equal((await ledgerOf(database.pools.engine, id)).length, 150)
})

test('a company whose receivers hang takes the slots of no other company', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const { publisher, pools } = startEngine(database, { callsMax: 32 })
  const noisy = await newCompany(pools)
  const quiet = await newCompany(pools)
  for (let turn = 0; turn < 6; turn++) {
    await subscribe(pools, noisy, { webhook_url: `${receiver.url}/noisy`, concurrency: 64, timeout_ms: 30_000 })
  }
  await subscribe(pools, quiet, { webhook_url: `${receiver.url}/quiet` })
  receiver.answer(({ path }) => (path === '/noisy' ? 'hang' : { status: 200 }))
  await publisher.publish(newEvents(noisy, 100))
  await until('the noisy company has all it gets', () => receiver.openAt('/noisy') >= 21)
  for (let turn = 1; turn <= 30; turn++) {
    await publisher.publish([newEvent(quiet), newEvent(noisy)])
    await until(
      'the quiet company is served',
      () => receiver.calls.filter(({ path }) => path === '/quiet').length === turn,
      2_000,
    )
  }
  assert.ok(receiver.openAt('/noisy') <= 21 + 3 + 24, 'slots, slow slots, and calls that are parked')
})

test('after the sessions of a process were ended by the database it goes on by itself', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const { publisher, pools } = startEngine(database)
  const companyId = await newCompany(pools)
  await subscribe(pools, companyId, { webhook_url: receiver.url })
  await publisher.publish(newEvents(companyId, 1))
  await until('the first call', () => receiver.calls.length === 1)
  await sql(
    database.pools.owner,
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'daybook_engine'`,
  )
  await until('a publish is taken', async () => {
    const published = publisher.publish(newEvents(companyId, 1))
    return await published.then(
      () => true,
      () => false,
    )
  })
  await until('the second call', () => receiver.calls.length === 2, 5_000)
})
