import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testCompany } from '../../../test/support/company.ts'
import { testDatabase } from '../../../test/support/database.ts'
import { countsOf, jobOf, jobRun, startTestJob } from '../../../test/support/job-run.ts'
import { ledgerOf } from '../../../test/support/ledger.ts'
import { sql } from '../../../test/support/sql.ts'
import { cancelDeliveries } from './cancel-deliveries.ts'

test('a job that cancels ends each pending delivery once, over many slices, and leaves the others', async (t) => {
  const { pools } = await testDatabase(t)
  const company = await testCompany(pools)
  const [subscription, other] = [await company.subscribe('order.*'), await company.subscribe('user.*')]
  await company.publish(...Array.from({ length: 450 }, () => ({ eventName: 'order.placed' })), {
    eventName: 'user.joined',
  })
  await company.route()
  const job = await startTestJob(company, cancelDeliveries, { state: 'pending', subscription_id: subscription })
  await company.publish({ eventName: 'order.placed' })
  await company.route()
  await jobRun(pools).work()
  assert.deepEqual(countsOf(await jobOf(company, job)), ['succeeded', 450, 450, {}])
  const ledger = await ledgerOf(pools.owner, subscription)
  assert.equal(new Set(ledger.map((row) => row.delivery_id)).size, 450)
  assert.deepEqual(
    new Set(ledger.map(({ outcome, reason, attempt_no }) => `${outcome} ${reason} ${attempt_no}`)),
    new Set(['cancelled cancelled_by_request 0']),
  )
  assert.deepEqual(await ledgerOf(pools.owner, other), [])
  const left = await sql(pools.owner, 'select subscription_id from webhook_deliveries order by subscription_id')
  const expected = [subscription, other].map((subscription_id) => ({ subscription_id }))
  assert.deepEqual(left, expected, 'what came after the count, and what is of another subscription')
})

test('what is in flight is passed over; a lost attempt is closed in the ledger before its delivery ends', async (t) => {
  const { pools } = await testDatabase(t)
  const company = await testCompany(pools)
  const subscription = await company.subscribe('*')
  await company.publish({}, {})
  await company.route()
  const [first] = await company.claim(subscription)
  assert.ok(first)
  await sql(pools.owner, 'update webhook_deliveries set due_at = now() where id <> $1', [first.id])
  const job = await startTestJob(company, cancelDeliveries, { state: 'pending' })
  await jobRun(pools).work()
  assert.deepEqual(countsOf(await jobOf(company, job)), ['succeeded', 2, 1, { in_flight: 1 }])
  const outcomes = (await ledgerOf(pools.owner, subscription)).map(({ outcome, attempt_no }) => [outcome, attempt_no])
  assert.deepEqual(outcomes, [
    ['unknown', 1],
    ['cancelled', 0],
  ])
  await company.finish(first)
  assert.deepEqual(await sql(pools.owner, 'select 1 from webhook_deliveries'), [])
})
