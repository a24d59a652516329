import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ledgerOf, makeAllDue } from '../../test/support/ledger.ts'
import { testDatabase } from '../../test/support/database.ts'
import { newEvents } from '../../test/support/new-event.ts'
import { sql, sqlValue } from '../../test/support/sql.ts'
import { countDeadlocks, newCompany, now, subscribe, testNode } from '../../test/support/test-node.ts'
import { asCompany } from '../db/transaction.ts'
import { claimDueDeliveries } from './claim-due.ts'
import { disableSubscription } from './subscriptions.ts'

/** Never called here: nothing is handed over. */
const webhook_url = 'https://example.com/hook'

test('two dispatchers never hold the same delivery', async (t) => {
  const database = await testDatabase(t)
  const nodes = [testNode(database, { handsOver: false }), testNode(database, { handsOver: false })] as const
  const { pools } = nodes[0]
  const companyId = await newCompany(pools)
  const subscriptions = await Promise.all(
    [0, 1, 2].map(async () => await subscribe(pools, companyId, { webhook_url, concurrency: 256 })),
  )
  await nodes[0].publisher.publish(newEvents(companyId, 200))
  await nodes[0].route()
  const held: string[] = []
  const claim = async (turn: number): Promise<void> => {
    const { engine } = nodes[turn % 2 === 0 ? 0 : 1].pools
    const wishes = subscriptions.map(({ id }) => ({ subscriptionId: id, slots: 1 + (turn % 7) }))
    if (turn % 3 === 0) wishes.reverse()
    // What another claim has locked is passed over, so an empty claim does not mean that nothing is due.
    while (held.length < 600) {
      const { deliveries } = await claimDueDeliveries(engine, companyId, wishes, 60_000)
      held.push(...deliveries.map(({ id }) => id))
    }
  }
  await Promise.all(Array.from({ length: 12 }, async (_, turn) => await claim(turn)))
  assert.equal(held.length, 600)
  assert.equal(new Set(held).size, 600)
  await Promise.all(nodes.map(async (node) => await node.close()))
  assert.equal(await countDeadlocks(database), 0)
})

test('no more is leased than the subscription allows at once, whoever asks and however much', async (t) => {
  const database = await testDatabase(t)
  const node = testNode(database, { handsOver: false })
  const { pools } = node
  const companyId = await newCompany(pools)
  const { id } = await subscribe(pools, companyId, { webhook_url, concurrency: 5 })
  await node.publisher.publish(newEvents(companyId, 40))
  await node.route()
  const claim = async (): Promise<number> =>
    (await claimDueDeliveries(pools.engine, companyId, [{ subscriptionId: id, slots: 4 }], 60_000)).deliveries.length
  const together = await Promise.all(Array.from({ length: 8 }, claim))
  const after = [await claim(), await claim(), await claim()]
  const count = [...together, ...after].reduce((sum, one) => sum + one)
  assert.equal(count, 5)
})

test('the longest due come first, and only one company is asked', async (t) => {
  const database = await testDatabase(t)
  const node = testNode(database, { handsOver: false })
  const { pools } = node
  const companyId = await newCompany(pools)
  const other = await newCompany(pools)
  const { id } = await subscribe(pools, companyId, { webhook_url })
  for (let turn = 0; turn < 6; turn++) {
    await node.publisher.publish([...newEvents(companyId, 1), ...newEvents(other, 1)])
    await node.route()
  }
  const wish = { subscriptionId: id, slots: 4 }
  assert.deepEqual((await claimDueDeliveries(pools.engine, other, [wish], 60_000)).deliveries, [])
  const { deliveries } = await claimDueDeliveries(pools.engine, companyId, [wish], 60_000)
  const positions = deliveries.map(({ position }) => position).sort((a, b) => a - b)
  const all = await sql<{ position: number }>(
    pools.engine,
    'select position from webhook_deliveries where subscription_id = $1 order by position limit 4',
    [id],
  )
  assert.deepEqual(
    positions,
    all.map(({ position }) => position),
  )
})

test('an inactive subscription keeps what waits', async (t) => {
  const database = await testDatabase(t)
  const node = testNode(database, { handsOver: false })
  const { pools } = node
  const companyId = await newCompany(pools)
  const { id } = await subscribe(pools, companyId, { webhook_url })
  await node.publisher.publish(newEvents(companyId, 3))
  await node.route()
  await asCompany(pools.api, companyId, async (db) => await disableSubscription(db, now(), companyId, id))
  const claim = await claimDueDeliveries(pools.engine, companyId, [{ subscriptionId: id, slots: 9 }], 60_000)
  assert.deepEqual(claim.deliveries, [])
  assert.equal(await sqlValue(pools.engine, 'select count(*) from webhook_deliveries'), 3)
})

test('an expired lease is taken over once, and its attempt is told as unknown in the same transaction', async (t) => {
  const database = await testDatabase(t)
  const nodes = [testNode(database, { handsOver: false }), testNode(database)] as const
  const { pools } = nodes[0]
  const companyId = await newCompany(pools)
  const { id } = await subscribe(pools, companyId, { webhook_url })
  await nodes[0].publisher.publish(newEvents(companyId, 20))
  await nodes[0].route()
  const wish = { subscriptionId: id, slots: 64 }
  const lost = await claimDueDeliveries(pools.engine, companyId, [wish], 60_000)
  assert.equal(lost.deliveries.length, 20)
  await makeAllDue(pools.engine, id)
  const takers = await Promise.all(
    [0, 1, 2, 3].map(async (turn) =>
      claimDueDeliveries(nodes[turn % 2 === 0 ? 0 : 1].pools.engine, companyId, [wish], 60_000),
    ),
  )
  const taken = takers.flatMap(({ deliveries }) => deliveries)
  assert.equal(new Set(taken.map((delivery) => delivery.id)).size, 20)
  assert.equal(taken.length, 20)
  assert.ok(taken.every(({ attempts, taken_over }) => attempts === 2 && taken_over))
  const ledger = await ledgerOf(pools.engine, id)
  assert.equal(ledger.length, 20)
  assert.ok(ledger.every((row) => row.attempt_no === 1 && row.outcome === 'unknown' && row.reason === 'lease_expired'))
})

test('a delivery is leased for the deadline of its own subscription and a margin, and no longer', async (t) => {
  const database = await testDatabase(t)
  const node = testNode(database, { handsOver: false })
  const { pools } = node
  const companyId = await newCompany(pools)
  const timeouts = [1_000, 30_000]
  const wishes: { subscriptionId: string; slots: number }[] = []
  for (const timeout_ms of timeouts) {
    wishes.push({ subscriptionId: (await subscribe(pools, companyId, { webhook_url, timeout_ms })).id, slots: 4 })
  }
  await node.publisher.publish(newEvents(companyId, 3))
  await node.route()
  await claimDueDeliveries(pools.engine, companyId, wishes, 10_000)
  const leases = `select timeout_ms, count(*),
            bool_and(abs(extract(epoch from due_at - now()) * 1000 - timeout_ms - 10000) < 5000) as holds
       from webhook_deliveries d join event_subscriptions s on s.id = d.subscription_id
      group by timeout_ms order by timeout_ms`
  assert.deepEqual(
    await sql(pools.engine, leases),
    timeouts.map((timeout_ms) => ({ timeout_ms, count: 3, holds: true })),
  )
})
