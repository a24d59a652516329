import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { testDatabase } from '../../../test/support/database.ts'
import { jobRun } from '../../../test/support/job-run.ts'
import { testVault } from '../../../test/support/master-key.ts'
import { newEvents } from '../../../test/support/new-event.ts'
import { sql } from '../../../test/support/sql.ts'
import { allow, newCompany, now, subscribe, testNode } from '../../../test/support/test-node.ts'
import type { Db } from '../../db/statement.ts'
import { asCompany } from '../../db/transaction.ts'
import { enableSubscription, recoverSubscription } from '../enable-subscription.ts'
import type { SubscriptionInput } from '../subscriptions.ts'
import { deleteSubscription, disableSubscription, getSubscription, updateSubscription } from '../subscriptions.ts'
import { getJob } from './job-store.ts'

const webhook_url = 'https://127.0.0.1/hook'

/** A company with a subscription that was stopped, and a way to publish, route and work. */
async function stopped(t: TestContext, input: Partial<SubscriptionInput>) {
  const database = await testDatabase(t)
  const node = testNode(database, { handsOver: false })
  const { pools } = node
  const companyId = await newCompany(pools)
  const inCompany = async <Result>(work: (db: Db) => Promise<Result>) => await asCompany(pools.api, companyId, work)
  const { id } = await subscribe(pools, companyId, { webhook_url, ...input })
  const publish = async (event_name: string, payload: unknown, count = 1) => {
    const events = newEvents(companyId, count, { event_name, payload })
    await node.publisher.publish(events)
    await node.route()
    return events.map((event) => event.id)
  }
  const stop = async () => await inCompany(async (db) => await disableSubscription(db, now(), companyId, id))
  const owed = async () => {
    const rows = await sql<{ event_id: string }>(
      pools.engine,
      'select event_id from webhook_deliveries where subscription_id = $1 order by position',
      [id],
    )
    return rows.map((row) => row.event_id)
  }
  const enable = async (expectedCount?: number) =>
    await inCompany(async (db) => await enableSubscription(db, now(), companyId, id, { recover: true, expectedCount }))
  const told = async (jobId: string | undefined) => {
    const job = await inCompany(async (db) => await getJob(db, companyId, jobId ?? ''))
    return [job.state, job.total, job.done, job.skipped_reasons]
  }
  const status = async () => (await inCompany(async (db) => await getSubscription(db, companyId, id))).status
  return {
    database,
    node,
    pools,
    companyId,
    id,
    inCompany,
    publish,
    stop,
    owed,
    enable,
    told,
    status,
    run: jobRun(pools),
  }
}

describe('enabling with recover', () => {
  test('sends exactly what passed it by, beside what is new', async (t) => {
    const { publish, stop, owed, enable, told, status, run } = await stopped(t, {
      event_names: ['order.*'],
      filter: { n: { $gte: 5 } },
    })
    const before = await publish('order.placed', { n: 9 })
    await stop()
    await publish('call.ended', { n: 9 }, 300)
    const held = await publish('order.placed', { n: 5 }, 250)
    await publish('order.placed', { n: 4 }, 50)
    const { job, held: counted, subscription } = await enable()
    assert.deepEqual([counted?.count, subscription.status], [300, 'active'])
    const fresh = await publish('order.placed', { n: 6 })
    assert.deepEqual(await owed(), [...before, ...fresh])
    await run.work()
    assert.deepEqual(await owed(), [...before, ...held, ...fresh])
    assert.deepEqual(await told(job?.id), ['succeeded', 300, 250, { filter: 50 }])
    assert.equal(await status(), 'active')
    assert.deepEqual(run.errors, [])
  })

  test('of an ordered subscription queues what passed it by before anything new, then makes it active', async (t) => {
    const { publish, stop, owed, enable, told, status, run, pools } = await stopped(t, { ordering: 'subscription' })
    await stop()
    const held = await publish('a', {}, 450)
    const { job, subscription } = await enable()
    assert.equal(subscription.status, 'inactive')
    const meanwhile = await publish('b', {}, 3)
    assert.deepEqual(await owed(), [])
    await run.work()
    assert.equal(await status(), 'active')
    const after = await publish('c', {}, 2)
    const all = await owed()
    assert.deepEqual(all.slice(0, 450), held)
    assert.deepEqual(all.slice(-5), [...meanwhile, ...after])
    const open = await sql<{ event_id: string }>(
      pools.engine,
      `select event_id from webhook_deliveries where order_key is null or due_at < 'infinity'`,
    )
    assert.deepEqual(
      open.map(({ event_id }) => event_id),
      held.slice(0, 1),
    )
    assert.equal((await told(job?.id))[0], 'succeeded')
  })

  test('asks for the count above a thousand, and changes nothing until it is right', async (t) => {
    const { publish, stop, enable, status } = await stopped(t, {})
    await stop()
    await publish('a', {}, 600)
    await publish('a', {}, 600)
    await assert.rejects(enable(), { code: 'count_required' })
    await assert.rejects(enable(900), { code: 'count_changed' })
    assert.equal(await status(), 'inactive')
    await enable(1_200)
    assert.equal(await status(), 'active')
  })

  test('ends quietly when the subscription is deleted meanwhile', async (t) => {
    const { publish, stop, enable, told, inCompany, companyId, id, owed, run } = await stopped(t, {})
    await stop()
    await publish('a', {}, 3)
    const { job } = await enable()
    await inCompany(async (db) => await deleteSubscription(db, now(), companyId, id))
    await run.work()
    assert.deepEqual(await told(job?.id), ['succeeded', 3, 0, {}])
    assert.deepEqual(await owed(), [])
  })
})

describe('recovering a range', () => {
  test('leaves out what was owed already, whether it waits or has ended', async (t) => {
    const { node, publish, owed, told, inCompany, companyId, id, run, pools } = await stopped(t, { event_names: ['b'] })
    const missed = await publish('a', {}, 4)
    await inCompany(
      async (db) =>
        await updateSubscription(db, testVault(pools), allow, now(), companyId, id, { event_names: ['a', 'b'] }),
    )
    const [ended = ''] = await publish('a', {})
    await node.dispatch() // nobody listens there
    await sql(pools.owner, 'delete from webhook_deliveries where event_id = $1', [ended])
    const waiting = await publish('b', {}, 2)
    const recover = async (from_position: number) =>
      await inCompany(async (db) => await recoverSubscription(db, now(), companyId, id, { from_position }, undefined))
    const job = await recover(1)
    await run.work()
    assert.deepEqual(await told(job.id), ['succeeded', 7, 4, { owed_already: 3 }])
    assert.deepEqual(await owed(), [...missed, ...waiting])
    await assert.rejects(
      inCompany(async (db) => {
        await updateSubscription(db, testVault(pools), allow, now(), companyId, id, { ordering: 'entity' })
        await recoverSubscription(db, now(), companyId, id, { from_position: 1 }, undefined)
      }),
      { code: 'subscription_not_recoverable' },
    )
  })
})
