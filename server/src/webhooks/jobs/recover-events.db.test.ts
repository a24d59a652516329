import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { testDatabase } from '../../../test/support/database.ts'
import { jobRun } from '../../../test/support/job-run.ts'
import { testVault } from '../../../test/support/master-key.ts'
import { newEvents } from '../../../test/support/new-event.ts'
import { scriptedReceiver } from '../../../test/support/scripted-receiver.ts'
import { sql, sqlValue } from '../../../test/support/sql.ts'
import { allow, newCompany, now, subscribe, testNode } from '../../../test/support/test-node.ts'
import type { Db, Query } from '../../db/statement.ts'
import { asCompany, inTransaction } from '../../db/transaction.ts'
import { enableSubscription, recoverSubscription } from '../enable-subscription.ts'
import type { SubscriptionInput } from '../subscriptions.ts'
import { deleteSubscription, disableSubscription, getSubscription, updateSubscription } from '../subscriptions.ts'
import { getJob } from './job-store.ts'
import { recoverEvents } from './recover-events.ts'

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

  test('of an ordered subscription leaves out nothing that came just before its last slice', async (t) => {
    const { publish, stop, owed, enable, told, run, pools, companyId, id } = await stopped(t, {
      ordering: 'subscription',
    })
    await stop()
    const held = await publish('a', {}, 10)
    const { job } = await enable()
    const meanwhile: string[] = []
    await inTransaction(pools.engine, async (db) => {
      const whileMuchComes: Db = {
        query: async <Row>(query: Query) => {
          if (query.name === 'subscription.lock_head') meanwhile.push(...(await publish('b', {}, 300)))
          return await db.query<Row>(query)
        },
      }
      const parameters = { subscription_id: id, from_position: 1, to_position: 1, then_active: true }
      const atWork = {
        companyId,
        id: job?.id ?? '',
        createdAt: new Date().toISOString(),
        done: 0,
        cursor: null,
        parameters,
      }
      await recoverEvents.slice(whileMuchComes, atWork)
    })
    await run.work()
    assert.deepEqual(await owed(), [...held, ...meanwhile])
    assert.equal((await told(job?.id))[0], 'succeeded')
  })

  test('cannot be overtaken by another enable, and stopping the subscription ends it', async (t) => {
    const { publish, stop, owed, enable, told, status, run, inCompany, pools, companyId, id } = await stopped(t, {
      ordering: 'subscription',
    })
    await stop()
    await publish('a', {}, 3)
    const { job } = await enable()
    await assert.rejects(enable(), { code: 'recovery_running' })
    await stop()
    assert.equal((await told(job?.id))[0], 'cancelled')
    const again = await enable()
    await inCompany(async (db) => {
      await updateSubscription(db, testVault(pools), allow, now(), companyId, id, { active: false })
    })
    assert.equal((await told(again.job?.id))[0], 'cancelled')
    await run.work()
    assert.equal(await status(), 'inactive')
    assert.deepEqual(await owed(), [])
    await enable()
    await run.work()
    assert.equal(await status(), 'active')
    assert.equal((await owed()).length, 3)
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
  for (const ordering of ['none', 'subscription'] as const) {
    test(`does not send again what ends while the ledger is asked for it (ordering: ${ordering})`, async (t) => {
      const receiver = await scriptedReceiver(t)
      const { node, publish, pools, companyId, id } = await stopped(t, { webhook_url: receiver.url, ordering })
      const [, , missed] = await publish('a', {}, 3)
      await sql(pools.owner, 'delete from webhook_deliveries where event_id = $1', [missed])
      const slice = await inTransaction(pools.engine, async (db) => {
        const whileCallsEnd: Db = {
          query: async <Row>(query: Query) => {
            const answer = await db.query<Row>(query)
            if (query.name === 'recover.find_attempted') await node.dispatch()
            return answer
          },
        }
        const parameters = { subscription_id: id, from_position: 1, to_position: 100, then_active: false }
        const job = { companyId, id, createdAt: new Date().toISOString(), done: 0, cursor: null, parameters }
        return await recoverEvents.slice(whileCallsEnd, job)
      })
      await node.dispatch()
      assert.deepEqual([receiver.calls.length, new Set(receiver.calls.map((call) => call.id)).size], [3, 3])
      assert.deepEqual([slice.done, slice.skipped], [1, { filter: 0, owed_already: 2 }])
      assert.equal(await sqlValue(pools.engine, 'select count(*) from webhook_deliveries'), 0)
    })
  }

  test('waits for a large fan-out that has yet to come to the subscription', async (t) => {
    const { publish, owed, told, inCompany, companyId, id, run, pools } = await stopped(t, {})
    await publish('a', {}, 3)
    const job = await inCompany(
      async (db) => await recoverSubscription(db, now(), companyId, id, { from_position: 1 }, undefined),
    )
    await sql(pools.owner, 'delete from webhook_deliveries')
    const firstId = '00000000-0000-0000-0000-000000000000'
    await sql(
      pools.owner,
      `insert into fan_outs (company_id, position, event_id, version, after_subscription_id)
       select company_id, position, event_id, 1, $1 from event_audit_trail order by position desc limit 1`,
      [firstId],
    )
    await run.work()
    assert.deepEqual([await owed(), (await told(job.id))[0]], [[], 'running'])
    await sql(pools.owner, 'update fan_outs set after_subscription_id = $1', [id])
    await sql(pools.owner, 'update jobs set due_at = now()')
    await run.work()
    assert.equal((await owed()).length, 3)
    assert.deepEqual(await told(job.id), ['succeeded', 3, 3, {}])
  })

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
