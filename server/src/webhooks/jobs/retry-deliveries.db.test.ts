import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { author, testCompany } from '../../../test/support/company.ts'
import type { TestCompany } from '../../../test/support/company.ts'
import { testDatabase } from '../../../test/support/database.ts'
import { countsOf, endAll, jobOf, jobRun, startTestJob } from '../../../test/support/job-run.ts'
import { makeAllDue } from '../../../test/support/ledger.ts'
import { sql } from '../../../test/support/sql.ts'
import { newId } from '../../lib/ids.ts'
import { closedBreaker } from '../breaker.ts'
import { retryDelivery } from '../retry-delivery.ts'
import { writeBreakers } from '../subscription-health.ts'
import { deleteSubscription } from '../subscriptions.ts'
import { retryDeliveries } from './retry-deliveries.ts'

async function publish(company: TestCompany, count: number, eventName = 'thing.happened'): Promise<void> {
  await company.publish(...Array.from({ length: count }, () => ({ eventName })))
  await company.route()
}

const failed = { state: 'failed' } as const

const count = async (company: TestCompany, choice: object): Promise<number> =>
  await company.asCompany(async (db) => await retryDeliveries.count(db, company.id, choice))

describe('a job that retries what failed', () => {
  test('makes every delivery pending again once, with its attempts counted on, over many slices', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const other = await testCompany(pools)
    const [subscription, otherSubscription] = [await company.subscribe('*'), await other.subscribe('*')]
    for (const one of [company, other]) {
      await publish(one, one === company ? 450 : 3)
      await endAll(pools, 'failed', 'http_500', one.id)
    }
    const run = jobRun(pools)
    const job = await startTestJob(company, retryDeliveries, failed)
    assert.deepEqual(countsOf(job), ['queued', 450, 0, {}])
    await run.work()
    assert.deepEqual(countsOf(await jobOf(company, job)), ['succeeded', 450, 450, {}])
    assert.deepEqual(run.woken, [subscription, subscription, subscription])
    const rows = await sql(
      pools.owner,
      `select subscription_id, attempts, first_attempt_no, due_at <= now() as is_due, count(*) as n,
              count(distinct event_id) as events
         from webhook_deliveries group by 1, 2, 3, 4`,
    )
    const expected = { subscription_id: subscription, attempts: 1, first_attempt_no: 2, is_due: true }
    assert.deepEqual(rows, [{ ...expected, n: 450, events: 450 }])
    assert.deepEqual(run.errors, [])
    assert.notEqual(subscription, otherSubscription)
  })

  test('takes a delivery by its last ending: not what was delivered since, not what is pending again', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const subscription = await company.subscribe('*')
    await publish(company, 4)
    await endAll(pools, 'failed', 'http_500', company.id)
    const ids = (
      await sql<{ delivery_id: string }>(pools.owner, 'select delivery_id from webhook_logs order by delivery_id')
    ).map((row) => row.delivery_id)
    const again = async (id: string | undefined): Promise<void> => {
      await company.asCompany(async (db) => await retryDelivery(db, author, company.id, id ?? ''))
    }
    await again(ids[0])
    const [first] = await company.claim(subscription)
    assert.ok(first)
    await company.finish(first) // delivered
    await again(ids[1])
    const [second] = await company.claim(subscription)
    assert.ok(second)
    await company.finish(second, { outcome: 'failed', reason: 'http_404' }) // failed a second time
    await again(ids[2]) // waits
    assert.equal(await count(company, failed), 2)
    assert.equal(await count(company, { ...failed, reason: 'http_500' }), 1)
    const job = await startTestJob(company, retryDeliveries, failed)
    await jobRun(pools).work()
    assert.deepEqual(countsOf(await jobOf(company, job)), ['succeeded', 2, 2, {}])
    const attempts = await sql(pools.owner, 'select id, attempts from webhook_deliveries order by id')
    const expected = [
      { id: ids[1], attempts: 2 },
      { id: ids[2], attempts: 1 },
      { id: ids[3], attempts: 1 },
    ]
    assert.deepEqual(attempts, expected)
  })

  test('retries nothing twice, though what it retried fails again while it runs', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    await company.subscribe('*')
    await publish(company, 300)
    await endAll(pools, 'failed', 'http_500', company.id)
    const run = jobRun(pools)
    const job = await startTestJob(company, retryDeliveries, failed)
    for (let slice = 0; slice < 4; slice++) {
      await run.worker.round()
      await endAll(pools, 'failed', 'http_500', company.id)
    }
    await run.work()
    assert.deepEqual(countsOf(await jobOf(company, job)), ['succeeded', 300, 300, {}])
    const attempts = await sql(
      pools.owner,
      `select attempts, count(*) as n
         from (select delivery_id, max(attempt_no) as attempts from webhook_logs group by 1) l group by 1`,
    )
    assert.deepEqual(attempts, [{ attempts: 2, n: 300 }])
  })

  test('skips with a reason what somebody else retried since it was counted, and what nobody can be sent', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const [kept, gone] = [await company.subscribe('*'), await company.subscribe('*')]
    await publish(company, 3)
    await endAll(pools, 'failed', 'http_500', company.id)
    const job = await startTestJob(company, retryDeliveries, failed)
    await company.asCompany(async (db) => await deleteSubscription(db, author, company.id, gone))
    const ids = await sql<{ delivery_id: string }>(
      pools.owner,
      'select delivery_id from webhook_logs where subscription_id = $1 order by delivery_id',
      [kept],
    )
    for (const { delivery_id } of ids.slice(0, 2)) {
      await company.asCompany(async (db) => await retryDelivery(db, author, company.id, delivery_id))
    }
    const [first] = await company.claim(kept)
    assert.ok(first)
    await company.finish(first) // one is delivered meanwhile, one waits
    await jobRun(pools).work()
    const skipped = { changed_since: 2, subscription_deleted: 3 }
    assert.deepEqual(countsOf(await jobOf(company, job)), ['succeeded', 6, 1, skipped])
    const delivered = await sql(pools.owner, 'select 1 from webhook_deliveries where id = $1', [first.id])
    assert.deepEqual(delivered, [], 'what was delivered is not sent again')
  })

  test('chooses by subscription, name, reason and time, and by all of them together', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const [one, two] = [await company.subscribe('order.*'), await company.subscribe('*')]
    await publish(company, 2, 'order.placed')
    await publish(company, 1, 'order.item.added')
    await endAll(pools, 'failed', 'http_500', company.id)
    const between = new Date(Date.now() + 1)
    while (Date.now() <= between.getTime() + 1);
    await publish(company, 1, 'user.joined')
    await endAll(pools, 'failed', 'timeout', company.id)
    const expected: readonly (readonly [object, number])[] = [
      [{}, 7],
      [{ subscription_id: one }, 3],
      [{ subscription_id: two }, 4],
      [{ event_name: 'order.placed' }, 4],
      [{ event_name: 'order.*' }, 6],
      [{ event_name: '*' }, 7],
      [{ event_name: 'nothing.*' }, 0],
      [{ reason: 'timeout' }, 1],
      [{ reason: 'time' }, 0],
      [{ reason: 'a\0' }, 0],
      [{ from: between.toISOString() }, 1],
      [{ to: between.toISOString() }, 6],
      [{ subscription_id: two, event_name: 'order.*', reason: 'http_500', to: between.toISOString() }, 3],
      [{ subscription_id: one, event_name: 'user.joined' }, 0],
    ]
    for (const [filter, wanted] of expected) {
      assert.equal(await count(company, { ...failed, ...filter }), wanted, JSON.stringify(filter))
    }
    const job = await startTestJob(company, retryDeliveries, { ...failed, subscription_id: two, event_name: 'order.*' })
    await jobRun(pools).work()
    assert.deepEqual(countsOf(await jobOf(company, job)), ['succeeded', 3, 3, {}])
    assert.equal(await count(company, failed), 4)
    await endAll(pools, 'cancelled', 'cancelled_by_request', company.id)
    assert.equal(await count(company, { state: 'cancelled' }), 3)
  })

  test('takes no call that was made to try an endpoint', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    await sql(
      pools.owner,
      `insert into webhook_logs (company_id, id, delivery_id, subscription_id, event_id, event_name, position, attempt_no,
              outcome, reason, webhook_url, started_at, is_test)
       values ($1, $2, $2, null, $2, 'test.webhook', 0, 1, 'failed', 'http_500', '', now(), true)`,
      [company.id, newId()],
    )
    assert.equal(await count(company, failed), 0)
  })

  test('waits while a subscription that is being posted to has much to do already', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const subscription = await company.subscribe('*')
    await publish(company, 10)
    await endAll(pools, 'failed', 'http_500', company.id)
    await publish(company, 501)
    const job = await startTestJob(company, retryDeliveries, failed)
    const run = jobRun(pools)
    await run.work()
    assert.deepEqual(countsOf(await jobOf(company, job)), ['running', 10, 0, {}])
    await endAll(pools, 'delivered', 'http_200', company.id)
    await sql(pools.owner, 'update jobs set due_at = now()')
    await run.work()
    assert.deepEqual(countsOf(await jobOf(company, job)), ['succeeded', 10, 10, {}])
    assert.deepEqual(run.woken, [subscription])
  })
})

describe('a job that retries what is pending', () => {
  test('makes it due now, leaves it on its schedule, and passes over what is in flight', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const subscription = await company.subscribe('*')
    await publish(company, 3)
    const claimed = await company.claim(subscription)
    const later = { outcome: 'will_retry', reason: 'http_503', delayMs: 900_000 } as const
    for (const delivery of claimed) await company.finish(delivery, later)
    await makeAllDue(pools.owner, subscription)
    const inFlight = (await company.claim(subscription))[0]
    await sql(
      pools.owner,
      `update webhook_deliveries set lease_token = null, due_at = now() + interval '1 hour' where id <> $1`,
      [inFlight?.id],
    )
    assert.equal(await count(company, { state: 'pending', reason: 'http_503' }), 3)
    assert.equal(await count(company, { state: 'pending', reason: 'not_attempted_yet' }), 0)
    const job = await startTestJob(company, retryDeliveries, { state: 'pending' })
    await jobRun(pools).work()
    assert.deepEqual(countsOf(await jobOf(company, job)), ['succeeded', 3, 2, { in_flight: 1 }])
    const due = await company.claim(subscription)
    assert.deepEqual(
      due.map(({ attempts, first_attempt_no }) => [attempts, first_attempt_no]),
      [
        [3, 1],
        [3, 1],
      ],
    )
  })

  test('asks each breaker that was open once, at whichever slice; one that opened again since is left open', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const subscription = await company.subscribe('*')
    await publish(company, 250)
    const open = async (breakerTrips: number) => {
      const breaker = { ...closedBreaker, state: 'open' as const, openMs: 3_600_000, trips: breakerTrips }
      await writeBreakers(pools.engine, [{ companyId: company.id, subscriptionId: subscription, breaker }])
    }
    const isOpen = `select breaker_open_until > now() + interval '1 minute' as is_open from subscription_health`
    await open(1)
    await startTestJob(company, retryDeliveries, { state: 'pending' })
    const run = jobRun(pools)
    await sql(
      pools.owner,
      `update webhook_deliveries set subscription_id = gen_random_uuid() where id = any(array(
      select id from webhook_deliveries order by id limit 200))`,
    )
    await run.worker.round()
    assert.deepEqual(await sql(pools.owner, isOpen), [{ is_open: true }], 'nothing of it was in the first slice')
    await run.worker.round()
    assert.deepEqual(await sql(pools.owner, isOpen), [{ is_open: false }])
    await startTestJob(company, retryDeliveries, { state: 'pending' })
    await open(2)
    await run.work()
    assert.deepEqual(await sql(pools.owner, isOpen), [{ is_open: true }])
  })
})
