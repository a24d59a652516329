import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { testDatabase } from '../../test/support/database.ts'
import { newEvents } from '../../test/support/new-event.ts'
import { sql } from '../../test/support/sql.ts'
import { newCompany, now, subscribe, testNode } from '../../test/support/test-node.ts'
import type { Db, Query } from '../db/statement.ts'
import { asCompany } from '../db/transaction.ts'
import { enableSubscription, recoverSubscription } from './enable-subscription.ts'
import { disableSubscription } from './subscriptions.ts'

/** A company with a stopped subscription to the events `a`, and what enabling it asks of the database. */
async function stopped(t: TestContext, missed: number) {
  const database = await testDatabase(t)
  const node = testNode(database, { handsOver: false })
  const { pools } = node
  const companyId = await newCompany(pools)
  const { id } = await subscribe(pools, companyId, { webhook_url: 'https://127.0.0.1/', event_names: ['a'] })
  const publish = async (event_name: string, count: number) => {
    await node.publisher.publish(newEvents(companyId, count, { event_name }))
    await node.route()
  }
  await publish('a', 3)
  await asCompany(pools.api, companyId, async (db) => await disableSubscription(db, now(), companyId, id))
  await publish('a', missed)
  await publish('b', 2)
  const asked: Query[] = []
  /** With something that happens before the company's head is locked. */
  const enable = async (before: () => Promise<void>, options: { recover?: boolean; expectedCount?: number } = {}) =>
    await asCompany(pools.api, companyId, async (db) => {
      const watched: Db = {
        query: async (query) => {
          if (query.name === 'subscription.begin_change') await before()
          asked.push(query)
          return await db.query(query)
        },
      }
      return await enableSubscription(watched, now(), companyId, id, options)
    })
  return { pools, companyId, id, publish, enable, asked }
}

test('what was held back is counted before the head is locked, and under the lock only what came since', async (t) => {
  const { publish, enable, asked } = await stopped(t, 40)
  const { held, job } = await enable(async () => await publish('a', 5), { recover: true, expectedCount: 45 })
  assert.deepEqual([held?.count, job?.total], [45, 45])
  const locked = asked.findIndex(({ name }) => name === 'subscription.begin_change')
  const counts = asked.slice(locked).filter(({ name }) => name === 'trail.count_by_name')
  const positions = counts.map(({ values }) => Number(values[2]) - Number(values[1]) + 1)
  assert.deepEqual(positions, [5], 'only the tail')
})

test('what is no longer held back when the head is locked is not counted', async (t) => {
  const { pools, id, enable } = await stopped(t, 40)
  const move = async () => {
    await sql(
      pools.owner,
      'update event_subscriptions set held_from_position = held_from_position + 10 where id = $1',
      [id],
    )
  }
  // Its first position is that of the event that told of its stop.
  assert.equal((await enable(move)).held?.count, 31)
})

test('one that was stopped while somebody enables it held back nothing but what came since', async (t) => {
  const { pools, companyId, id, publish, enable } = await stopped(t, 4)
  await enable(async () => {})
  const { held } = await enable(async () => {
    await asCompany(pools.api, companyId, async (db) => await disableSubscription(db, now(), companyId, id))
    await publish('a', 2)
  })
  assert.equal(held?.count, 2)
})

test('more than five million positions are neither counted nor recovered by one job; enabling goes on', async (t) => {
  const { pools, companyId, id, enable, asked } = await stopped(t, 1)
  await sql(pools.owner, 'update company_heads set last_position = 6000000 where company_id = $1', [companyId])
  await assert.rejects(
    enable(async () => {}, { recover: true }),
    { code: 'job_too_large' },
  )
  const { subscription, held } = await enable(async () => {})
  assert.deepEqual([subscription.status, held?.count], ['active', null])
  assert.ok(!asked.some(({ name }) => name === 'trail.count_by_name'))
  const recover = async (to_position: number) =>
    await asCompany(
      pools.api,
      companyId,
      async (db) => await recoverSubscription(db, now(), companyId, id, { from_position: 1, to_position }, undefined),
    )
  await assert.rejects(recover(5_000_001), { code: 'job_too_large' })
  assert.equal((await recover(5_000_000)).total, 4)
})

test('recovering a range does not wait for the lock of the head', async (t) => {
  const { pools, companyId, id, enable } = await stopped(t, 1)
  await enable(async () => {})
  await asCompany(pools.api, companyId, async (other) => {
    await disableSubscription(other, now(), companyId, id) // holds the head until it commits
    const job = await asCompany(
      pools.api,
      companyId,
      async (db) => await recoverSubscription(db, now(), companyId, id, { from_position: 1 }, undefined),
    )
    assert.equal(job.state, 'queued')
  })
})
