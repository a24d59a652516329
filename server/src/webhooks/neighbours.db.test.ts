import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../test/support/database.ts'
import { makeAllDue } from '../../test/support/ledger.ts'
import { testVault } from '../../test/support/master-key.ts'
import { newEvents } from '../../test/support/new-event.ts'
import { scriptedReceiver } from '../../test/support/scripted-receiver.ts'
import { sql, sqlValue } from '../../test/support/sql.ts'
import type { TestNode } from '../../test/support/test-node.ts'
import { allow, newCompany, now, subscribe, testNode } from '../../test/support/test-node.ts'
import { until } from '../../test/support/until.ts'
import { asCompany } from '../db/transaction.ts'
import { retryDelivery } from './retry-delivery.ts'
import { deleteSubscription, updateSubscription } from './subscriptions.ts'

const SCHEDULE = Array<number>(20).fill(1_000)

async function breakerOf({ pools }: TestNode, id: string): Promise<string> {
  return await sqlValue(pools.engine, 'select breaker from subscription_health where subscription_id = $1', [id])
}

/** As if the time of its breaker were over. */
async function skipWait({ pools }: TestNode, id: string): Promise<void> {
  const text = `update subscription_health set breaker_open_until = now() where subscription_id = $1`
  await sql(pools.engine, text, [id])
}

async function written({ pools }: TestNode, count: number): Promise<void> {
  const counted = async (): Promise<boolean> =>
    (await sqlValue<number>(pools.engine, 'select count(*) from webhook_logs')) >= count &&
    (await sqlValue<number>(pools.engine, 'select count(*) from webhook_deliveries where lease_token is not null')) ===
      0
  await until('the results are written', counted)
}

test('after five failures nothing is called, also by another process; a probe follows, and answers let all through', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const first = testNode(database, { schedule: SCHEDULE, failuresMax: 5 })
  const { pools } = first
  const companyId = await newCompany(pools)
  const { id } = await subscribe(pools, companyId, { webhook_url: receiver.url, concurrency: 8 })
  receiver.answer(() => ({ status: 503 }))
  await first.publisher.publish(newEvents(companyId, 5))
  await first.route()
  await written(first, 5)
  assert.equal(await breakerOf(first, id), 'open')

  const second = testNode(database, { schedule: SCHEDULE, failuresMax: 5 })
  await first.publisher.publish(newEvents(companyId, 40))
  for (const node of [first, second]) {
    await node.route()
    await node.dispatcher.round()
  }
  assert.equal(receiver.calls.length, 5)

  await skipWait(first, id)
  await second.dispatcher.round() // it knows nothing of the breaker's time but what the row says
  await written(first, 6)
  assert.equal(receiver.calls.length, 6, 'one call probes')
  assert.equal(await breakerOf(first, id), 'open')

  receiver.answer(() => ({ status: 200 }))
  await skipWait(first, id)
  await makeAllDue(pools.engine, id)
  second.dispatcher.wakeFor(companyId, id)
  await until('all are delivered', async () => {
    await second.dispatcher.round()
    return (await sqlValue<number>(pools.engine, 'select count(*) from webhook_deliveries')) === 0
  })
  assert.equal(await breakerOf(first, id), 'closed')
  assert.ok(receiver.openMaxAt('/') <= 8)
})

test('a delivery that somebody retries lets an open breaker probe at once', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const node = testNode(database, { schedule: SCHEDULE, failuresMax: 5 })
  const { pools } = node
  const companyId = await newCompany(pools)
  const { id } = await subscribe(pools, companyId, { webhook_url: receiver.url })
  receiver.answer(() => ({ status: 500 }))
  await node.publisher.publish(newEvents(companyId, 6))
  await node.route()
  await written(node, 6)
  const later = `update subscription_health set breaker_open_until = now() + interval '1 hour' where subscription_id = $1`
  await sql(pools.engine, later, [id])
  receiver.answer(() => ({ status: 200 }))
  const delivery = await sqlValue<string>(pools.engine, 'select id from webhook_deliveries limit 1')
  await asCompany(pools.api, companyId, async (db) => await retryDelivery(db, now(), companyId, delivery))
  node.dispatcher.wakeFor(companyId, id)
  await until('it is called', async () => {
    await node.dispatcher.round()
    return receiver.calls.length === 7
  })
})

test('what the breaker is survives the process', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const first = testNode(database, { schedule: SCHEDULE, failuresMax: 5 })
  const companyId = await newCompany(first.pools)
  const { id } = await subscribe(first.pools, companyId, { webhook_url: receiver.url })
  receiver.answer(() => ({ status: 500 }))
  await first.publisher.publish(newEvents(companyId, 6))
  await first.route()
  await written(first, 6)
  const later = `update subscription_health set breaker_open_until = now() + interval '1 hour' where subscription_id = $1`
  await sql(first.pools.engine, later, [id])
  await first.close()
  const next = testNode(database, { schedule: SCHEDULE, failuresMax: 5 })
  await next.publisher.publish(newEvents(companyId, 3))
  await next.route()
  await next.dispatcher.round()
  assert.equal(await breakerOf(next, id), 'open')
  assert.equal(receiver.calls.length, 6)
})

test('another address begins with a closed breaker', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const node = testNode(database, { schedule: SCHEDULE, failuresMax: 5 })
  const companyId = await newCompany(node.pools)
  const { id } = await subscribe(node.pools, companyId, { webhook_url: `${receiver.url}/old` })
  receiver.answer(({ path }) => ({ status: path === '/old' ? 500 : 200 }))
  await node.publisher.publish(newEvents(companyId, 6))
  await node.route()
  await written(node, 6)
  assert.equal(await breakerOf(node, id), 'open')
  const change = { webhook_url: `${receiver.url}/new` }
  await asCompany(node.pools.api, companyId, async (db) =>
    updateSubscription(db, testVault(node.pools), allow, now(), companyId, id, change),
  )
  await makeAllDue(node.pools.engine, id)
  node.dispatcher.wakeFor(companyId, id)
  await node.dispatch()
  assert.equal(receiver.calls.filter(({ path }) => path === '/new').length, 6)
})

test('a rate limit holds over processes, on both ways of a delivery (convoy#1927)', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const nodes = [testNode(database), testNode(database)] as const
  const { pools, publisher } = nodes[0]
  const companyId = await newCompany(pools)
  await subscribe(pools, companyId, { webhook_url: receiver.url, rate_limit: 50 })
  const startedAt = performance.now()
  await publisher.publish(newEvents(companyId, 8)) // within the burst: these are handed over
  await nodes[0].route()
  await publisher.publish(newEvents(companyId, 52))
  await nodes[0].route()
  await until('all are called', async () => {
    for (const node of nodes) await node.dispatcher.round()
    return receiver.calls.length === 60
  })
  // 60 calls, of which a fifth of a second's worth may come at once: 50 wait for a token at 50 a second.
  const tookMs = performance.now() - startedAt
  assert.ok(tookMs >= 950, `${tookMs} ms`)
})

test('[neighbours-apart] a receiver that hangs is called with slots of the small pool from then on, and the others never wait for it', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const node = testNode(database, { schedule: SCHEDULE, slotsMax: 64 })
  const companyId = await newCompany(node.pools)
  const hanging: string[] = []
  for (let n = 0; n < 6; n++) {
    const input = { webhook_url: `${receiver.url}/hangs`, event_names: ['ill.one'], timeout_ms: 1_000, concurrency: 8 }
    hanging.push((await subscribe(node.pools, companyId, input)).id)
  }
  await subscribe(node.pools, companyId, { webhook_url: `${receiver.url}/well`, event_names: ['well.one'] })
  receiver.answer(({ path }) => (path === '/hangs' ? 'hang' : { status: 200 }))
  await node.publisher.publish(newEvents(companyId, 2, { event_name: 'ill.one' }))
  await node.route()
  await written(node, 12)
  const slow = 'select count(*) from subscription_health where is_slow'
  assert.equal(await sqlValue(node.pools.engine, slow), 6)

  await node.publisher.publish(newEvents(companyId, 8, { event_name: 'ill.one' }))
  await node.route()
  for (let turn = 0; turn < 3; turn++) await node.dispatcher.round()
  const { slotsUsed, slowLaneUsed, slowLaneMax } = node.dispatcher.stats()
  assert.equal(slowLaneMax, 8)
  assert.ok(slowLaneUsed >= 1 && slowLaneUsed <= 8, `${slowLaneUsed} slow slots`)
  assert.equal(slotsUsed, slowLaneUsed)
  await node.publisher.publish(newEvents(companyId, 40, { event_name: 'well.one' }))
  await node.route()
  await until('the others are served', () => receiver.calls.filter(({ path }) => path === '/well').length === 40)
})

test('what fails for reasons of ours is not held against the receiver', async (t) => {
  const database = await testDatabase(t)
  const node = testNode(database, { schedule: SCHEDULE, failuresMax: 5 })
  const companyId = await newCompany(node.pools)
  const { id } = await subscribe(node.pools, companyId, { webhook_url: 'https://example.com/hook' })
  const elsewhere = `update event_subscription_versions set webhook_url = 'https://10.0.0.1/' where subscription_id = $1`
  await sql(database.pools.owner, elsewhere, [id])
  await node.publisher.publish(newEvents(companyId, 8))
  await node.route()
  await written(node, 8)
  assert.equal(await breakerOf(node, id), 'closed')
})

test('a rate limit with nothing due is not asked for again and again', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const node = testNode(database, { discoverEveryMs: 3_600_000 })
  const companyId = await newCompany(node.pools)
  const { id } = await subscribe(node.pools, companyId, { webhook_url: receiver.url, rate_limit: 10 })
  node.dispatcher.wakeFor(companyId, id)
  await node.dispatcher.round()
  assert.ok((await node.dispatcher.round()) > 60_000, 'it rests until somebody wakes it')
  await node.publisher.publish(newEvents(companyId, 1))
  await node.route()
  await until('it is handed over directly', () => receiver.calls.length === 1)
})

test('failures are in a row only while no call is answered between them, also after a restart', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const first = testNode(database, { schedule: [], failuresMax: 5 })
  const companyId = await newCompany(first.pools, { disable_after_failures: 1_000 })
  const { id } = await subscribe(first.pools, companyId, { webhook_url: receiver.url })
  receiver.answer(() => ({ status: 500 }))
  await first.publisher.publish(newEvents(companyId, 4))
  await first.route()
  await written(first, 4)
  await first.close()
  const next = testNode(database, { schedule: [], failuresMax: 5 })
  receiver.answer(() => ({ status: 200 }))
  await next.publisher.publish(newEvents(companyId, 3))
  await next.route()
  await next.dispatch()
  receiver.answer(() => ({ status: 500 }))
  await next.publisher.publish(newEvents(companyId, 1))
  await next.route()
  await next.dispatch()
  assert.equal(await breakerOf(next, id), 'closed')
  const failures = 'select breaker_failures from subscription_health where subscription_id = $1'
  assert.equal(await sqlValue(next.pools.engine, failures, [id]), 1)
})

test('what waits for a deleted subscription ends at once, however its breaker was', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const node = testNode(database, { schedule: SCHEDULE, failuresMax: 5 })
  const { pools } = node
  const companyId = await newCompany(pools)
  const { id } = await subscribe(pools, companyId, { webhook_url: receiver.url })
  receiver.answer(() => ({ status: 500 }))
  await node.publisher.publish(newEvents(companyId, 30))
  await node.route()
  await written(node, 5)
  await asCompany(pools.api, companyId, async (db) => deleteSubscription(db, now(), companyId, id))
  await makeAllDue(pools.engine, id)
  node.dispatcher.wakeFor(companyId, id)
  await node.dispatch()
  assert.equal(await sqlValue(pools.engine, 'select count(*) from webhook_deliveries'), 0)
})
