import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { author, testCompany } from '../../test/support/company.ts'
import type { Leased, TestCompany } from '../../test/support/company.ts'
import { testDatabase } from '../../test/support/database.ts'
import { sql, sqlValue } from '../../test/support/sql.ts'
import type { Db } from '../db/statement.ts'
import { listEvents } from '../events/list-events.ts'
import { newId } from '../lib/ids.ts'
import type { ProblemCode } from '../lib/problems.ts'
import { ProblemError } from '../lib/problems.ts'
import { getDelivery } from './read-deliveries.ts'
import { cancelDelivery, retryDelivery, skipDelivery } from './retry-delivery.ts'
import { deleteSubscription } from './subscriptions.ts'

const hasCode = (code: ProblemCode) => (error: unknown) => error instanceof ProblemError && error.code === code

async function owed(company: TestCompany): Promise<{ subscriptionId: string; first: Leased }> {
  const subscriptionId = await company.subscribe('thing.*')
  await company.publish({})
  await company.route()
  const [first] = await company.claim(subscriptionId)
  assert.ok(first)
  return { subscriptionId, first }
}

const retry = async (company: TestCompany, id: string) =>
  await company.asCompany(async (db) => await retryDelivery(db, author, company.id, id))

const cancel = async (company: TestCompany, id: string) =>
  await company.asCompany(async (db) => await cancelDelivery(db, author, company.id, id))

const look = async (company: TestCompany, id: string) =>
  await company.asCompany(async (db) => await getDelivery(db, company.id, id))

async function told(company: TestCompany): Promise<readonly unknown[]> {
  await company.route()
  const { events } = await company.asCompany(
    async (db) => await listEvents(db, company.id, { event_names: ['daybook.delivery.*'] }, { order: 'asc' }),
  )
  return events.map((event) => ({
    name: event.event_name,
    entity: event.entity_id,
    ...JSON.parse(event.payload_text ?? ''),
  }))
}

const later = { outcome: 'will_retry', reason: 'http_503', delayMs: 900_000 } as const

describe('retrying a delivery', () => {
  test('that waits makes it due now and leaves it on its schedule', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const { subscriptionId, first } = await owed(company)
    await company.finish(first, later)
    assert.deepEqual(await company.claim(subscriptionId), [])
    const { delivery, wake } = await retry(company, first.id)
    assert.deepEqual([delivery.id, delivery.state, delivery.progress], [first.id, 'pending', 'retrying'])
    assert.deepEqual([wake.id, wake.companyId, wake.concurrency], [subscriptionId, company.id, 64])
    const [second] = await company.claim(subscriptionId)
    assert.deepEqual([second?.id, second?.attempts, second?.first_attempt_no], [first.id, 2, 1])
  })

  test('that is in flight is refused, and its attempt goes on', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const { first } = await owed(company)
    await assert.rejects(retry(company, first.id), hasCode('delivery_in_flight'))
    await assert.rejects(cancel(company, first.id), hasCode('delivery_in_flight'))
    await company.finish(first)
    assert.equal((await look(company, first.id)).state, 'delivered')
    assert.deepEqual(await told(company), [])
  })

  test('that has ended begins a new schedule under the same id, with its attempts counted on', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const { subscriptionId, first } = await owed(company)
    await company.finish(first, { outcome: 'failed', reason: 'http_410' })
    const { delivery } = await retry(company, first.id)
    assert.deepEqual(
      [delivery.state, delivery.progress, delivery.reason, delivery.attempts],
      ['pending', 'retrying', 'retried_by_request', 1],
    )
    const [second] = await company.claim(subscriptionId)
    assert.ok(second)
    assert.deepEqual([second.id, second.event_id, second.position], [first.id, first.event_id, first.position])
    assert.deepEqual([second.attempts, second.first_attempt_no], [2, 2])
    await company.finish(second)
    const ended = await look(company, first.id)
    assert.deepEqual([ended.state, ended.attempts, ended.attempts_log.length], ['delivered', 2, 2])
    // One that was delivered may be sent again, too.
    await retry(company, first.id)
    const [third] = await company.claim(subscriptionId)
    assert.deepEqual([third?.attempts, third?.first_attempt_no], [3, 3])
  })

  test('of a deleted subscription is refused', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const { subscriptionId, first } = await owed(company)
    await company.finish(first, { outcome: 'failed', reason: 'http_500' })
    await company.asCompany(async (db) => await deleteSubscription(db, author, company.id, subscriptionId))
    await assert.rejects(retry(company, first.id), hasCode('subscription_deleted'))
    assert.equal((await look(company, first.id)).state, 'failed')
  })

  test('by many at once makes one delivery of it, and nobody fails', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const { subscriptionId, first } = await owed(company)
    await company.finish(first, { outcome: 'failed', reason: 'http_500' })
    const changes = await Promise.all(Array.from({ length: 8 }, async () => await retry(company, first.id)))
    for (const { delivery } of changes) assert.deepEqual([delivery.id, delivery.state], [first.id, 'pending'])
    assert.equal((await company.claim(subscriptionId)).length, 1)
  })

  test('and its event commit together or not at all', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const { first } = await owed(company)
    await company.finish(first, { outcome: 'failed', reason: 'http_500' })
    const broken = new Error('after the change')
    const work = company.asCompany(async (db) => {
      await retryDelivery(db, author, company.id, first.id)
      throw broken
    })
    await assert.rejects(work, broken)
    assert.equal((await look(company, first.id)).state, 'failed')
    assert.deepEqual(await told(company), [])
    await retry(company, first.id)
    assert.deepEqual(await told(company), [
      {
        name: 'daybook.delivery.retried',
        entity: first.id,
        delivery_id: first.id,
        event_id: first.event_id,
        event_name: 'thing.happened',
        subscription_id: first.subscription_id,
        before: { state: 'failed', reason: 'http_500', attempts: 1 },
        after: { state: 'pending', reason: 'retried_by_request', attempts: 1 },
      },
    ])
  })
})

describe('cancelling a delivery', () => {
  test('ends one that waits, with a reason in the ledger and an event', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const { first } = await owed(company)
    await company.finish(first, later)
    const cancelled = await cancel(company, first.id)
    assert.deepEqual(
      [cancelled.state, cancelled.reason, cancelled.attempts, cancelled.last_attempt?.reason],
      ['cancelled', 'cancelled_by_request', 1, 'http_503'],
    )
    const { attempts_log: log } = await look(company, first.id)
    assert.deepEqual(
      log.map(({ attempt_no, outcome }) => [attempt_no, outcome]),
      [
        [0, 'cancelled'],
        [1, 'will_retry'],
      ],
    )
    await assert.rejects(cancel(company, first.id), hasCode('delivery_ended'))
    const events = await told(company)
    assert.equal(events.length, 1)
    assert.partialDeepStrictEqual(events, [
      { name: 'daybook.delivery.cancelled', entity: first.id, after: { state: 'cancelled' } },
    ])
  })

  test('closes an attempt that nobody ended before it', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const { subscriptionId, first } = await owed(company)
    await company.finish(first, { ...later, delayMs: 0 })
    const [lost] = await company.claim(subscriptionId, 0)
    assert.ok(lost)
    await cancel(company, first.id)
    await company.finish(lost) // too late: fenced
    const ended = await look(company, first.id)
    assert.equal(ended.state, 'cancelled')
    assert.deepEqual(
      ended.attempts_log.map(({ attempt_no, outcome }) => [attempt_no, outcome]),
      [
        [0, 'cancelled'],
        [2, 'unknown'],
        [1, 'will_retry'],
      ],
    )
  })

  test('can be taken back by retrying it', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const { subscriptionId, first } = await owed(company)
    await company.finish(first, later)
    await cancel(company, first.id)
    await retry(company, first.id)
    const [second] = await company.claim(subscriptionId)
    assert.deepEqual([second?.id, second?.attempts, second?.first_attempt_no], [first.id, 2, 2])
  })

  test('or retrying one of another company finds nothing, as for one that is nowhere', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const other = await testCompany(pools)
    const { first } = await owed(other)
    await other.finish(first, later)
    for (const id of [first.id, newId(), 'no id']) {
      await assert.rejects(retry(company, id), hasCode('not_found'))
      await assert.rejects(cancel(company, id), hasCode('not_found'))
    }
    assert.equal((await look(other, first.id)).reason, 'http_503')
  })

  test('against a dispatcher that claims: one of the two gets it', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const subscriptionId = await company.subscribe('thing.*')
    const count = 20
    await company.publish(...Array.from({ length: count }, () => ({})))
    await company.route()
    const { rows } = await pools.owner.query<{ id: string }>({
      name: '',
      text: 'select id from webhook_deliveries order by id',
      values: [],
    })
    const [claimed, ...cancels] = await Promise.all([
      company.claim(subscriptionId),
      ...rows.map(
        async ({ id }) =>
          await cancel(company, id).then(
            () => id,
            (error: unknown) => assert.ok(hasCode('delivery_in_flight')(error), String(error)),
          ),
      ),
    ])
    const cancelled = cancels.filter((id) => id !== undefined)
    assert.deepEqual(
      [...claimed.map(({ id }) => id), ...cancelled].sort(),
      rows.map(({ id }) => id),
    )
  })
})

describe('cancelling or skipping one that is written into an order at the same moment', () => {
  const changes = { cancelDelivery, skipDelivery }
  for (const [name, change] of Object.entries(changes)) {
    test(`${name} locks the order before the delivery all the same`, async (t) => {
      const { pools } = await testDatabase(t)
      const company = await testCompany(pools)
      await company.subscribe('thing.*')
      await company.publish({})
      await company.route()
      const id = await sqlValue<string>(pools.engine, 'select id from webhook_deliveries')
      let tries = 0
      const asked: string[] = []
      await company.asCompany(async (db) => {
        tries++
        asked.length = 0
        const meanwhile: Db = {
          query: async (query) => {
            asked.push(query.name)
            const answer = await db.query<never>(query)
            if (query.name === 'delivery.find_ordered' && tries === 1) {
              await sql(pools.engine, `update webhook_deliveries set order_key = 'order/a' where id = $1`, [id])
            }
            return answer
          },
        }
        return await change(meanwhile, author, company.id, id)
      })
      assert.equal(tries, 2)
      assert.deepEqual(asked.slice(0, 3), ['delivery.find_ordered', 'health.lock', 'delivery.lock'])
      const left = await sql(pools.engine, 'select order_key from webhook_deliveries')
      assert.deepEqual(left, name === 'skipDelivery' ? [{ order_key: null }] : [])
    })
  }
})
