import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestDatabase } from '../../test/support/database.ts'
import { testDatabase } from '../../test/support/database.ts'
import { newEvent, newEvents } from '../../test/support/new-event.ts'
import { sql, sqlValue } from '../../test/support/sql.ts'
import { newCompany, now, subscribe, testNode } from '../../test/support/test-node.ts'
import { asCompany } from '../db/transaction.ts'
import { armFailpoints } from '../lib/failpoint.ts'
import { disableSubscription } from './subscriptions.ts'

/** Never called here: nothing is handed over. */
const webhook_url = 'https://example.com/hook'

/** Copies of a subscription, straight into the tables; their ids come before those that are made now. */
async function copySubscription({ pools }: TestDatabase, id: string, count: number): Promise<void> {
  const copied = `('018f0000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid`
  const tables = {
    event_subscriptions: 'company_id, webhook_url, event_names, status, concurrency, timeout_ms, version',
    event_subscription_versions: 'company_id, webhook_url, event_names, status, concurrency, timeout_ms, version',
    subscription_health: 'company_id',
    subscription_secrets: 'company_id, sealed',
  }
  for (const [table, columns] of Object.entries(tables)) {
    const own = table === 'event_subscriptions' ? 'id' : 'subscription_id'
    const ids = table === 'subscription_secrets' ? `${copied}, ${copied}` : copied
    const into = table === 'subscription_secrets' ? `${own}, id` : own
    const from = `${table}, generate_series(1, ${count}) n where ${own} = '${id}'`
    await sql(pools.owner, `insert into ${table} (${columns}, ${into}) select ${columns}, ${ids} from ${from}`)
  }
}

async function countDeliveries({ pools }: TestDatabase): Promise<{ all: number; subscriptions: number }> {
  const text = 'select count(*) as "all", count(distinct subscription_id) as subscriptions from webhook_deliveries'
  const [row] = await sql<{ all: number; subscriptions: number }>(pools.engine, text)
  return { all: row?.all ?? 0, subscriptions: row?.subscriptions ?? 0 }
}

test('one event to 10,000 subscriptions becomes one delivery each, in slices of bounded size, however often a slice fails', async (t) => {
  const database = await testDatabase(t)
  const node = testNode(database, { handsOver: false })
  const { pools, router } = node
  t.after(() => armFailpoints(''))
  const companyId = await newCompany(pools)
  const { id } = await subscribe(pools, companyId, { webhook_url })
  await copySubscription(database, id, 9_999)
  await node.route()
  await node.publisher.publish(newEvents(companyId, 1))
  const counts = [0]
  for (let round = 0, isDone = false; !isDone; round++) {
    // Every other round dies: before the slice is written, or after it and before the commit.
    armFailpoints(['', 'fan_out.slice=throw', '', 'route.before_commit=throw'][round % 4] ?? '')
    isDone = await router.round().then(
      (restMs) => restMs !== 0 && round > 3,
      () => false,
    )
    const { all, subscriptions } = await countDeliveries(database)
    assert.equal(all, subscriptions, 'no subscription is owed the event twice')
    counts.push(all)
    assert.ok(round < 20, 'it comes to an end')
  }
  const steps = counts.map((count, index) => count - (counts[index - 1] ?? 0))
  // A round may route a batch and write one slice, 4,000 deliveries each.
  assert.ok(Math.max(...steps) <= 8_000, steps.join())
  assert.ok(new Set(counts).size > 2, 'there was more than one slice')
  assert.deepEqual(await countDeliveries(database), { all: 10_000, subscriptions: 10_000 })
  assert.equal(await sqlValue(pools.engine, 'select count(*) from fan_outs'), 0)
})

test('a fan-out is continued over the subscriptions as they were, by whoever leads next', async (t) => {
  const database = await testDatabase(t)
  const first = testNode(database, { handsOver: false, deliveriesPerSlice: 10 })
  const { pools } = first
  const companyId = await newCompany(pools)
  const { id } = await subscribe(pools, companyId, { webhook_url, event_names: ['many.asked'] })
  await copySubscription(database, id, 54)
  await first.publisher.publish([newEvent(companyId, { event_name: 'many.asked' })])
  await first.router.round()
  assert.equal((await countDeliveries(database)).all, 20)
  await first.leadership.release()
  await first.close()

  const next = testNode(database, { handsOver: false, deliveriesPerSlice: 10 })
  await subscribe(next.pools, companyId, { webhook_url, event_names: ['many.asked'] })
  const off = async () =>
    await asCompany(next.pools.api, companyId, async (db) => await disableSubscription(db, now(), companyId, id))
  await off()
  await next.route()
  const { all, subscriptions } = await countDeliveries(database)
  assert.deepEqual({ all, subscriptions }, { all: 55, subscriptions: 55 })
  // It was active at the position of the event, so it is owed it, though it waits until it is enabled.
  assert.equal(
    await sqlValue(next.pools.engine, 'select count(*) from webhook_deliveries where subscription_id = $1', [id]),
    1,
  )
})

test('a fan-out goes on when the payload is gone meanwhile: every delivery ends, and says why', async (t) => {
  const database = await testDatabase(t)
  const node = testNode(database, { handsOver: false, deliveriesPerSlice: 10 })
  const { pools } = node
  const companyId = await newCompany(pools)
  const { id } = await subscribe(pools, companyId, { webhook_url, event_names: ['many.asked'] })
  await copySubscription(database, id, 24)
  const event = newEvent(companyId, { event_name: 'many.asked' })
  await node.publisher.publish([event])
  await node.router.round()
  await sql(database.pools.owner, 'delete from event_logs where id = $1', [event.id])
  await node.leadership.release()
  await node.close()
  const next = testNode(database, { handsOver: false, deliveriesPerSlice: 10 })
  await next.route()
  assert.equal((await countDeliveries(database)).all, 25)
  await next.dispatch()
  const endings = 'select distinct outcome, reason, count(*) from webhook_logs group by 1, 2'
  assert.deepEqual(await sql(next.pools.engine, endings), [{ outcome: 'failed', reason: 'payload_gone', count: 25 }])
})

test('many events with many subscriptions each become every pair once', async (t) => {
  const database = await testDatabase(t)
  const node = testNode(database, { handsOver: false, deliveriesPerSlice: 7 })
  const { pools } = node
  const companyIds = [await newCompany(pools), await newCompany(pools)]
  for (const [index, companyId] of companyIds.entries()) {
    for (let turn = 0; turn < 5 + index; turn++) await subscribe(pools, companyId, { webhook_url })
    await node.publisher.publish(newEvents(companyId, 6))
  }
  await node.route()
  const pairs = `select company_id, count(*), count(distinct (subscription_id, event_id)) as pairs
       from webhook_deliveries group by company_id order by company_id`
  assert.deepEqual(await sql(pools.engine, pairs), [
    { company_id: companyIds[0], count: 30, pairs: 30 },
    { company_id: companyIds[1], count: 36, pairs: 36 },
  ])
})
