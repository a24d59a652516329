import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { claimDueDeliveries } from '../../src/webhooks/claim-due.ts'
import { testDatabase } from '../support/database.ts'
import { newEvents } from '../support/new-event.ts'
import { sql } from '../support/sql.ts'
import { newCompany, subscribe, testNode } from '../support/test-node.ts'
import { OrphanWatch } from './orphan-watch.ts'
import { withClient } from './with-client.ts'

/** A delivery whose process was struck, with five younger ones that wait; time passes by hand. */
async function struckDelivery(t: TestContext) {
  const database = await testDatabase(t)
  const node = testNode(database, { handsOver: false })
  const { owner, engine } = node.pools
  const companyId = await newCompany(node.pools)
  const webhook_url = 'https://example.com/hook' // never called here
  const { id: subscriptionId } = await subscribe(node.pools, companyId, { webhook_url, concurrency: 100 })
  const publish = async (count: number): Promise<void> => {
    await node.publisher.publish(newEvents(companyId, count))
    await node.route()
  }
  const claim = async (): Promise<string | undefined> => {
    const wish = { subscriptionId, slots: 1 }
    return (await claimDueDeliveries(engine, companyId, [wish], 60_000)).deliveries[0]?.id
  }
  await publish(6)
  const orphan = await claim()
  assert.ok(orphan)
  let nowMs = 0
  const watch = new OrphanWatch(
    () => database.url,
    () => nowMs,
  )
  assert.equal(await watch.struck('F10 on node 1'), 1)
  return {
    database,
    owner,
    orphan,
    subscriptionId,
    publish,
    claim,
    finish: async () => await watch.finish([{ what: 'F10 on node 1', startMs: 0, endMs: 2_000 }]),
    /** Looks, after so many seconds. */
    lookAfter: async (seconds: number): Promise<void> => {
      nowMs += seconds * 1_000
      await watch.round()
    },
    endLease: async () => await sql(owner, 'update webhook_deliveries set due_at = now() where id = $1', [orphan]),
  }
}

test('what waits because its subscription is inactive, its breaker is open or others are due before it is no late take-over', async (t) => {
  const { lookAfter, endLease, claim, owner, orphan, finish, subscriptionId } = await struckDelivery(t)
  await lookAfter(11)
  await endLease()
  await sql(owner, `update event_subscriptions set status = 'inactive', held_from_position = 7 where id = $1`, [
    subscriptionId,
  ])
  await lookAfter(20)
  await lookAfter(20)
  await sql(owner, `update event_subscriptions set status = 'active', held_from_position = null where id = $1`, [
    subscriptionId,
  ])
  await sql(
    owner,
    `update subscription_health set breaker = 'open', breaker_open_until = now() + interval '1 hour' where subscription_id = $1`,
    [subscriptionId],
  )
  await lookAfter(20)
  await lookAfter(20)
  await sql(
    owner,
    `update subscription_health set breaker = 'closed', breaker_open_until = null where subscription_id = $1`,
    [subscriptionId],
  )
  for (let before = 0; before < 5; before++) {
    assert.notEqual(await claim(), orphan)
    await lookAfter(20)
  }
  assert.equal(await claim(), orphan)
  await lookAfter(1)
  const { late, explained, waitedMsMax, standstillMsMax } = await finish()
  assert.deepEqual(late, [])
  assert.equal(waitedMsMax, 192_000)
  assert.equal(standstillMsMax, 31_000)
  assert.match(
    explained.join(),
    /stood still for 31\.0 s of 192\.0 s; .*inactive 2 times, breaker open 2, queue before it moved 5;/,
  )
})

test('a planted late take-over is told: younger deliveries are taken past one that somebody keeps locked', async (t) => {
  const { database, lookAfter, endLease, claim, orphan, finish, publish } = await struckDelivery(t)
  await endLease()
  for (let before = 0; before < 5; before++) {
    await claim()
    await lookAfter(5)
  }
  await publish(3)
  await withClient(database.url, async (client) => {
    await client.query('begin')
    await client.query('select 1 from webhook_deliveries where id = $1 for update', [orphan])
    for (let younger = 0; younger < 3; younger++) {
      assert.notEqual(await claim(), orphan)
      await lookAfter(20)
    }
    await client.query('rollback')
  })
  assert.equal(await claim(), orphan)
  await lookAfter(1)
  const { late, standstillMsMax } = await finish()
  assert.equal(standstillMsMax, 61_000)
  assert.equal(late.length, 1)
  assert.match(
    late[0] ?? '',
    /held at F10 on node 1; stood still for 61\.0 s of 86\.0 s; .*breaker closed.*faults: F10/,
  )
})

test('one that nobody takes at all is told at the end of the run', async (t) => {
  const { lookAfter, finish } = await struckDelivery(t)
  await lookAfter(46)
  const { late, orphans } = await finish()
  assert.equal(orphans, 1)
  assert.equal(late.length, 1)
})
