import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { seededRandom } from '../../cli/demo/random.ts'
import { armFailpoints } from '../../lib/failpoint.ts'
import { newId } from '../../lib/ids.ts'
import { ensurePartitions } from '../../db/partitions.ts'
import { asCompany } from '../../db/transaction.ts'
import { testDatabase } from '../../../test/support/database.ts'
import { newEvents } from '../../../test/support/new-event.ts'
import { scriptedReceiver } from '../../../test/support/scripted-receiver.ts'
import { sql, sqlValue } from '../../../test/support/sql.ts'
import { recountedStats, statsRun, storedStats } from '../../../test/support/stats-run.ts'
import { newCompany, now, subscribe, testNode } from '../../../test/support/test-node.ts'
import { cancelDelivery } from '../retry-delivery.ts'
import { forgetOldStats } from './forget-old-stats.ts'
import { rebuildStats } from './rebuild-stats.ts'

type Traffic = Awaited<ReturnType<typeof someTraffic>>

/** Two companies with events of three names; each subscription fails now and then, at the first try or for good. */
async function someTraffic(t: TestContext) {
  const database = await testDatabase(t)
  const { pools } = database
  await ensurePartitions(pools.owner, Date.now())
  const receiver = await scriptedReceiver(t)
  const random = seededRandom(7)
  const statuses = [204, 204, 204, 500, 503, 404]
  receiver.answer(() => ({ status: statuses[Math.floor(random() * statuses.length)] ?? 204 }))
  const node = testNode(database, { schedule: [1, 1], handsOver: false })
  const companies = [await newCompany(node.pools), await newCompany(node.pools)]
  for (const companyId of companies) {
    for (const path of ['/one', '/two']) await subscribe(node.pools, companyId, { webhook_url: receiver.url + path })
  }
  return {
    pools,
    node,
    companies,
    publish: async (count: number): Promise<void> => {
      for (const companyId of companies) {
        for (const event_name of ['order.placed', 'order.paid', 'order.sent']) {
          await node.publisher.publish(newEvents(companyId, count, { event_name }))
        }
      }
      await node.route()
    },
  }
}

/** Leases some deliveries to somebody who is gone. */
const abandon = `
  update webhook_deliveries d set lease_token = gen_random_uuid(), attempts = attempts + 1, due_at = now() - interval '1 second'
   where (company_id, id) in (select company_id, id from webhook_deliveries where lease_token is null order by id limit $1)`

async function cancelOne(traffic: Traffic): Promise<void> {
  const { pools } = traffic
  const pending = 'select company_id, id from webhook_deliveries where lease_token is null order by id desc limit 1'
  const [row] = await sql<{ company_id: string; id: string }>(pools.owner, pending)
  assert.ok(row)
  await asCompany(pools.api, row.company_id, async (db) => await cancelDelivery(db, now(), row.company_id, row.id))
}

test('[statistics-exact] statistics equal a recount of the raw rows: deliveries, retries, failures, cancellations, lost attempts, replays', async (t) => {
  const traffic = await someTraffic(t)
  const { pools, node, publish } = traffic
  const { count } = statsRun(pools)
  await publish(20)
  await sql(pools.owner, `update webhook_deliveries set replay_id = $1 where position % 5 = 0`, [randomUUID()])
  await cancelOne(traffic)
  await sql(pools.owner, abandon, [7])
  await count()
  await node.dispatch()
  await publish(10)
  await cancelOne(traffic)
  await node.dispatch()
  await count()
  const stored = await storedStats(pools.owner)
  assert.deepEqual(stored, await recountedStats(pools.owner))
  for (const part of [
    'unknown lease_expired',
    'cancelled cancelled_by_request',
    'will_retry http_503',
    'failed http_',
    ' t delivered',
    'latency',
  ]) {
    assert.ok(
      stored.some((line) => line.includes(part)),
      `nothing ended as ${part}`,
    )
  }
  assert.equal(await sqlValue(pools.owner, 'select count(*) from attempt_journal'), 0)
})

test('a test call is never counted', async (t) => {
  const { pools, companies, publish } = await someTraffic(t)
  const { count } = statsRun(pools)
  await publish(1)
  await sql(
    pools.owner,
    `insert into webhook_logs (company_id, id, delivery_id, event_id, event_name, position, attempt_no, outcome, reason,
            webhook_url, started_at, is_test)
     values ($1, $2, $2, $2, 'order.paid', 0, 1, 'failed', 'timeout', 'https://example.com', now(), true)`,
    [companies[0], newId()],
  )
  await count()
  assert.deepEqual(await storedStats(pools.owner), await recountedStats(pools.owner))
  for (const companyId of companies) await rebuildStats(pools.engine, companyId, Date.now())
  assert.deepEqual(await storedStats(pools.owner), await recountedStats(pools.owner))
  assert.equal(await sqlValue(pools.owner, 'select count(*) from delivery_stats'), 0)
})

test('[statistics-exact] what is counted twice at once is counted once: two keepers, and one that breaks before its commit', async (t) => {
  const { pools, node, publish } = await someTraffic(t)
  const [one, other] = [statsRun(pools), statsRun(pools)]
  await publish(10)
  await node.dispatch()
  armFailpoints('stats.before_commit=throw')
  t.after(() => armFailpoints(''))
  await assert.rejects(one.count(), /failpoint/)
  armFailpoints('')
  await Promise.allSettled([one.keeper.round(), other.keeper.round(), one.keeper.round()])
  // The lease of the first is over when it hands it back; the second counts the rest.
  await one.leadership.release()
  await other.count()
  assert.deepEqual(await storedStats(pools.owner), await recountedStats(pools.owner))
})

test('[statistics-exact] a rebuild while events are published, delivered and counted leaves what a recount finds', async (t) => {
  const { pools, node, companies, publish } = await someTraffic(t)
  const { keeper, count } = statsRun(pools)
  await publish(5)
  let rebuilt = 0
  let isOver = false
  const rebuilding = (async () => {
    while (!isOver) {
      for (const companyId of companies) await rebuildStats(pools.engine, companyId, Date.now())
      rebuilt++
    }
  })()
  const counting = (async () => {
    while (!isOver) await keeper.round()
  })()
  for (let n = 0; n < 8; n++) {
    await publish(4)
    await node.dispatch()
  }
  isOver = true
  await Promise.all([rebuilding, counting])
  await count()
  assert.ok(rebuilt > 1)
  assert.deepEqual(await storedStats(pools.owner), await recountedStats(pools.owner))
})

test('a rebuild mends what is wrong, and what was not counted is not counted again', async (t) => {
  const { pools, node, companies, publish } = await someTraffic(t)
  const { count } = statsRun(pools)
  await publish(10)
  await node.dispatch()
  await count()
  await publish(10)
  await node.dispatch()
  await sql(pools.owner, `update delivery_stats set failed = failed + 5, reasons = '{"failed mistake": 5}'`)
  await sql(pools.owner, `update event_stats set events = events * 2`)
  for (const companyId of companies) {
    const recount = await rebuildStats(pools.engine, companyId, Date.now())
    assert.ok(recount.events >= 60 && recount.ends >= 120, JSON.stringify(recount))
  }
  const expected = await recountedStats(pools.owner)
  assert.deepEqual(await storedStats(pools.owner), expected)
  await count()
  assert.deepEqual(await storedStats(pools.owner), expected)
})

test('minutes are forgotten after two days, hours after 90, days never', async (t) => {
  const { pools, node, publish } = await someTraffic(t)
  const { count } = statsRun(pools)
  await publish(1)
  await node.dispatch()
  await count()
  const counted = async (table: string) =>
    (await sql<{ granularity: string }>(pools.owner, `select distinct granularity from ${table} order by 1`)).map(
      ({ granularity }) => granularity,
    )
  for (const [days, left] of [
    [1.9, ['day', 'hour', 'minute']],
    [2.1, ['day', 'hour']],
    [89, ['day', 'hour']],
    [91, ['day']],
    [4_000, ['day']],
  ] as const) {
    await forgetOldStats(pools.engine, Date.now() + days * 86_400_000)
    assert.deepEqual(await counted('event_stats'), left, `after ${days} days`)
    assert.deepEqual(await counted('delivery_stats'), left, `after ${days} days`)
  }
})
