import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { testCompany } from '../../test/support/company.ts'
import { testDatabase } from '../../test/support/database.ts'
import { sql } from '../../test/support/sql.ts'
import type { Db } from '../db/statement.ts'
import { openPools } from '../db/pools.ts'
import { allHold } from '../lib/readiness-report.ts'
import { createEngineStats } from './engine-stats.ts'
import type { ProcessMetrics, ProcessMetricsOptions } from './process-metrics.ts'
import { createProcessMetrics } from './process-metrics.ts'

function metricsOver(
  t: TestContext,
  pools: { readonly engine: Db; readonly owner: Db },
  options: Partial<ProcessMetricsOptions> = {},
): ProcessMetrics {
  let elapsed = 0
  const metrics = createProcessMetrics({
    clock: { elapsed: () => (elapsed += 2_000) },
    db: pools.engine,
    owner: pools.owner,
    loads: () => [],
    readiness: () => allHold,
    clockDifferenceMs: () => 250,
    ...options,
  })
  t.after(metrics.stop)
  return metrics
}

/** The value of a sample, by its name with labels. */
function valueOf(text: string, sample: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${sample} `))
  return line === undefined ? undefined : Number(line.slice(sample.length + 1))
}

test('queues are shown by what they wait for, with the age of what waits longest', async (t) => {
  const { pools } = await testDatabase(t)
  const company = await testCompany(pools)
  const subscription = await company.subscribe('*')
  const events = await company.publish({}, {}, {}, {})
  await company.route()
  const claimed = await company.claim(subscription)
  const [first, second] = events.map(({ id }) => claimed.find((one) => one.event_id === id))
  assert.ok(first && second && claimed.length === 4)
  await company.finish(first)
  await company.finish(second, { outcome: 'will_retry', reason: 'http_503', delayMs: 60_000 })
  await sql(
    pools.engine,
    `update webhook_deliveries set lease_token = null, due_at = now() - interval '90 seconds' where event_id = $1`,
    [events[3]?.id],
  )
  await sql(
    pools.owner,
    `insert into webhook_deliveries (company_id, id, subscription_id, event_id, position, order_key, due_at)
     select company_id, gen_random_uuid(), subscription_id, event_id, position, '', 'infinity' from webhook_deliveries limit 1`,
  )
  await company.publish({ recordedAt: new Date(Date.now() - 30_000).toISOString() }, {})

  const metrics = metricsOver(t, pools)
  metrics.accepted(3)
  const text = await metrics.text()
  const rows = (state: string): number | undefined => valueOf(text, `daybook_queue_rows{state="${state}"}`)
  assert.deepEqual([rows('unrouted'), rows('due'), rows('leased'), rows('later'), rows('blocked')], [2, 1, 1, 1, 1])
  const router = valueOf(text, 'daybook_queue_oldest_seconds{queue="router"}') ?? 0
  const deliveries = valueOf(text, 'daybook_queue_oldest_seconds{queue="deliveries"}') ?? 0
  assert.ok(router >= 29 && router < 60, `${router}`)
  assert.ok(deliveries >= 90 && deliveries < 120, `${deliveries}`)
  assert.equal(valueOf(text, 'daybook_events_accepted_total'), 3)
  assert.equal(valueOf(text, 'daybook_clock_ahead_seconds{of="database"}'), 0.25)
  assert.ok((valueOf(text, 'process_resident_memory_bytes') ?? 0) > 1e6)
  assert.ok(!text.includes(company.id) && !text.includes(subscription))
})

test('what waits for a subscription that is not active does not count as late', async (t) => {
  const { pools } = await testDatabase(t)
  const company = await testCompany(pools)
  const subscription = await company.subscribe('*')
  await company.publish({})
  await company.route()
  await sql(pools.engine, `update webhook_deliveries set due_at = now() - interval '1 hour'`)
  await sql(pools.engine, `update event_subscriptions set status = 'inactive', held_from_position = 2 where id = $1`, [
    subscription,
  ])
  const text = await metricsOver(t, pools).text()
  assert.equal(valueOf(text, 'daybook_queue_oldest_seconds{queue="deliveries"}'), 0)
  assert.equal(valueOf(text, 'daybook_queue_rows{state="due"}'), 1)
})

test('the engine counts attempts by outcome and class, and both threads are on one page', async (t) => {
  const { pools } = await testDatabase(t)
  const engine = createEngineStats({
    loads: () => [{ pool: 'engine', inUse: 2, idle: 1, waiting: 4 }],
    dispatcher: () => ({
      slotsUsed: 5,
      slotsMax: 512,
      parked: 6,
      slowLaneUsed: 1,
      slowLaneMax: 64,
      breakersOpen: 2,
      breakersRecovering: 3,
    }),
    leads: () => true,
  })
  t.after(engine.stop)
  const timings = { totalMs: 20 }
  for (const reason of ['http_500', 'http_503', 'timeout']) engine.attempted({ outcome: 'will_retry', reason, timings })
  engine.fenced(2)
  engine.takenOver(3)
  const readEngine = async () => structuredClone(await engine.read())
  const text = await metricsOver(t, pools, { readEngine }).text()
  assert.equal(valueOf(text, 'daybook_attempts_total{outcome="will_retry",class="http_5xx"}'), 2)
  assert.equal(valueOf(text, 'daybook_attempts_total{outcome="will_retry",class="timeout"}'), 1)
  assert.equal(valueOf(text, 'daybook_attempt_duration_seconds_count'), 3)
  assert.equal(valueOf(text, 'daybook_results_fenced_total'), 2)
  assert.equal(valueOf(text, 'daybook_leases_taken_over_total'), 3)
  assert.equal(valueOf(text, 'daybook_slots{state="used"}'), 5)
  assert.equal(valueOf(text, 'daybook_slots{state="parked"}'), 6)
  assert.equal(valueOf(text, 'daybook_breakers{state="open"}'), 2)
  assert.equal(valueOf(text, 'daybook_router_leader{name="router"}'), 1)
  const waiting = 'daybook_database_connections{thread="engine",pool="engine",state="waiting"}'
  assert.equal(valueOf(text, waiting), 4)
  assert.equal(text.match(/^# TYPE daybook_event_loop_delay_seconds /gm)?.length, 1)
  assert.match(text, /daybook_heap_bytes\{thread="engine",state="used"\}/)
  assert.match(text, /daybook_heap_bytes\{thread="main",state="used"\}/)
})

test('without an engine and without a database the page says so and has the rest', async (t) => {
  const query = async (): Promise<never> => {
    throw new Error('Connection terminated')
  }
  const down = { ...allHold, database: 'ECONNREFUSED' }
  const text = await metricsOver(
    t,
    { engine: { query }, owner: { query } },
    { readiness: () => down, clockDifferenceMs: () => undefined, readEngine: async () => undefined },
  ).text()
  assert.equal(valueOf(text, 'daybook_ready{check="database"}'), 0)
  assert.equal(valueOf(text, 'daybook_ready{check="engine"}'), 1)
  assert.ok(!text.includes('daybook_queue_rows') && !text.includes('daybook_clock_ahead_seconds{'))
  assert.equal(valueOf(text, 'daybook_events_accepted_total'), 0)
})

test('within a second the page is made once, however many read it', async (t) => {
  const { url, closeFirst } = await testDatabase(t)
  const pools = openPools({ url, onError: () => {} })
  closeFirst(pools.close)
  let asked = 0
  let now = 0
  const db: Db = {
    query: async (query) => {
      asked++
      return await pools.engine.query(query)
    },
  }
  const metrics = metricsOver(t, { engine: db, owner: pools.owner }, { clock: { elapsed: () => now } })
  await Promise.all([metrics.text(), metrics.text(), metrics.text()])
  const once = asked
  now = 999
  await metrics.text()
  assert.equal(asked, once)
  now = 1_000
  await metrics.text()
  assert.equal(asked, 2 * once)
})

test('a page whose read takes long is read once, however many ask for it and for how long', async (t) => {
  const { pools } = await testDatabase(t)
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
  let asked = 0
  let now = 0
  const readEngine = async (): Promise<undefined> => {
    asked++
    await answered
  }
  const metrics = metricsOver(t, pools, { clock: { elapsed: () => now }, readEngine })
  const first = metrics.text()
  now = 60_000
  const second = metrics.text()
  assert.equal(asked, 1)
  answer()
  assert.equal(await first, await second)
  await metrics.text()
  assert.equal(asked, 2, 'once it has ended it is read anew')
})
