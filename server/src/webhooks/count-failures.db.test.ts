import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { ledgerOf, makeAllDue } from '../../test/support/ledger.ts'
import { testDatabase } from '../../test/support/database.ts'
import { newEvents } from '../../test/support/new-event.ts'
import type { ScriptedReceiver } from '../../test/support/scripted-receiver.ts'
import { scriptedReceiver } from '../../test/support/scripted-receiver.ts'
import { sql, sqlValue } from '../../test/support/sql.ts'
import type { TestNode, TestNodeOptions } from '../../test/support/test-node.ts'
import { newCompany, now, subscribe, testNode } from '../../test/support/test-node.ts'
import { until } from '../../test/support/until.ts'
import { asCompany, inTransaction } from '../db/transaction.ts'
import type { CompanySettings } from '../identity/companies.ts'
import { enableSubscription } from './enable-subscription.ts'
import { disableFailing } from './subscriptions.ts'

interface Scene {
  readonly node: TestNode
  readonly receiver: ScriptedReceiver
  readonly companyId: string
  readonly id: string
  /** Publishes, routes and calls, one event after the other. */
  deliver(count: number): Promise<void>
  /** What the loop that disables does. */
  disableMarked(): Promise<void>
  health(): Promise<{ status: string; reason: string | null; failures: number }>
  /** Payloads of the events that tell of a disabling. */
  disablings(): Promise<{ reason: string; failures_in_row: number }[]>
}

/** A subscription whose failed attempts are failed deliveries at once, unless told otherwise. */
async function scene(
  t: TestContext,
  settings: Partial<CompanySettings> = {},
  options: TestNodeOptions = { schedule: [] },
): Promise<Scene> {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const node = testNode(database, options)
  const { engine } = node.pools
  const companyId = await newCompany(node.pools, settings)
  const { id } = await subscribe(node.pools, companyId, { webhook_url: receiver.url })
  receiver.answer(() => ({ status: 500 }))
  return {
    node,
    receiver,
    companyId,
    id,
    deliver: async (count) => {
      for (let turn = 0; turn < count; turn++) {
        await node.publisher.publish(newEvents(companyId, 1))
        await node.route()
        await node.dispatch()
      }
    },
    disableMarked: async () => {
      for (const { company_id, subscription_id } of node.due.splice(0)) {
        await inTransaction(engine, async (db) => await disableFailing(db, now(), company_id, subscription_id))
      }
    },
    health: async () => {
      const text = `select s.status, s.disabled_reason as reason, h.failures_in_row as failures
           from event_subscriptions s join subscription_health h on h.subscription_id = s.id where s.id = $1`
      const [row] = await sql<{ status: string; reason: string | null; failures: number }>(engine, text, [id])
      assert.ok(row)
      return { ...row }
    },
    disablings: async () => {
      const text = `select payload from event_logs where event_name = 'daybook.subscription.disabled' order by id`
      return (await sql<{ payload: string }>(engine, text)).map(({ payload }) => {
        const { reason, failures_in_row } = JSON.parse(payload) as { reason: string; failures_in_row: number }
        return { reason, failures_in_row }
      })
    },
  }
}

test('a subscription is disabled after 10 failed deliveries in a row, with one event that tells so', async (t) => {
  const { deliver, disableMarked, disablings, health, receiver } = await scene(t)
  await deliver(9)
  await disableMarked()
  assert.deepEqual(await health(), { status: 'active', reason: null, failures: 9 })
  await deliver(1)
  await disableMarked()
  await disableMarked()
  assert.deepEqual(await health(), { status: 'disabled', reason: 'failures_in_row', failures: 10 })
  assert.deepEqual(await disablings(), [{ reason: 'failures_in_row', failures_in_row: 10 }])
  await deliver(2)
  assert.equal(receiver.calls.length, 10, 'nothing is sent to it any more')
})

test('attempts that will be tried again are no failed deliveries', async (t) => {
  const { deliver, health, node } = await scene(t, { disable_after_failures: 1 }, {})
  await deliver(5)
  assert.deepEqual(node.due, [])
  assert.deepEqual(await health(), { status: 'active', reason: null, failures: 0 })
})

test("the company's own number of failures counts", async (t) => {
  const { deliver, disableMarked, health } = await scene(t, { disable_after_failures: 3 })
  await deliver(2)
  await disableMarked()
  assert.equal((await health()).status, 'active')
  await deliver(1)
  await disableMarked()
  assert.equal((await health()).status, 'disabled')
})

test('a success begins the count anew', async (t) => {
  const { deliver, disableMarked, health, receiver } = await scene(t, { disable_after_failures: 3 })
  await deliver(2)
  receiver.answer(() => ({ status: 200 }))
  await deliver(1)
  assert.equal((await health()).failures, 0)
  receiver.answer(() => ({ status: 500 }))
  await deliver(2)
  await disableMarked()
  assert.deepEqual(await health(), { status: 'active', reason: null, failures: 2 })
})

test('a success between the last failure and the disabling saves the subscription', async (t) => {
  const { deliver, disableMarked, disablings, health, receiver, node } = await scene(t, { disable_after_failures: 2 })
  await deliver(2)
  assert.equal(node.due.length, 1)
  receiver.answer(() => ({ status: 200 }))
  await deliver(1)
  await disableMarked()
  assert.deepEqual(await health(), { status: 'active', reason: null, failures: 0 })
  assert.deepEqual(await disablings(), [])
})

test('failures that began before the last success do not count', async (t) => {
  const { companyId, health, node, receiver } = await scene(t, { disable_after_failures: 3 })
  const slow = Promise.withResolvers<{ status: number }>()
  receiver.answer(() => slow.promise)
  await node.publisher.publish(newEvents(companyId, 6))
  await node.route()
  await until('six calls are open', () => receiver.openAt('/') === 6)
  receiver.answer(() => ({ status: 200 }))
  await node.publisher.publish(newEvents(companyId, 1))
  await node.route()
  const success = 'select count(*) from webhook_logs'
  await until('a success is written', async () => (await sqlValue(node.pools.engine, success)) === 1)
  slow.resolve({ status: 500 })
  await node.dispatch()
  assert.equal(await sqlValue(node.pools.engine, `select count(*) from webhook_logs where outcome = 'failed'`), 6)
  assert.deepEqual(node.due, [])
  assert.deepEqual(await health(), { status: 'active', reason: null, failures: 0 })
})

test('a 410 ends the delivery and disables the subscription at once, with the reason gone', async (t) => {
  const { deliver, disableMarked, disablings, health, id, node, receiver } = await scene(t, {}, {})
  receiver.answer(() => ({ status: 410 }))
  await deliver(1)
  await disableMarked()
  assert.deepEqual(await health(), { status: 'disabled', reason: 'gone', failures: 1 })
  assert.deepEqual(await disablings(), [{ reason: 'gone', failures_in_row: 1 }])
  const ledger = await ledgerOf(node.pools.engine, id)
  assert.deepEqual(
    ledger.map(({ outcome, reason }) => [outcome, reason]),
    [['failed', 'http_410']],
  )
})

test('failures that arrive after the disabling make no second event, and enabling begins with a clean slate', async (t) => {
  const { companyId, deliver, disableMarked, disablings, health, id, node, receiver } = await scene(t, {
    disable_after_failures: 2,
  })
  const slow = Promise.withResolvers<{ status: number }>()
  receiver.answer(() => slow.promise)
  await node.publisher.publish(newEvents(companyId, 4))
  await node.route()
  await until('four calls are open', () => receiver.openAt('/') === 4)
  receiver.answer(() => ({ status: 500 }))
  await node.publisher.publish(newEvents(companyId, 2))
  await node.route()
  await until('it is marked', () => node.due.length > 0)
  await disableMarked()
  slow.resolve({ status: 500 })
  await node.dispatch()
  await disableMarked()
  assert.equal((await disablings()).length, 1)
  await asCompany(node.pools.api, companyId, async (db) => await enableSubscription(db, now(), companyId, id))
  assert.deepEqual(await health(), { status: 'active', reason: null, failures: 0 })
  await deliver(1)
  await disableMarked()
  assert.deepEqual(await health(), { status: 'active', reason: null, failures: 1 })
})

test('a delivery counts once, with its last attempt', async (t) => {
  const { deliver, health, id, node } = await scene(t, { disable_after_failures: 2 }, { schedule: [1_000, 1_000] })
  await deliver(1)
  for (let turn = 0; turn < 2; turn++) {
    await makeAllDue(node.pools.engine, id)
    await node.dispatch()
  }
  assert.deepEqual(
    (await ledgerOf(node.pools.engine, id)).map(({ outcome }) => outcome),
    ['will_retry', 'will_retry', 'failed'],
  )
  assert.equal((await health()).failures, 1)
})
