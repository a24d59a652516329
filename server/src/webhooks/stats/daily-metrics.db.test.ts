import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { ensurePartitions } from '../../db/partitions.ts'
import { loadStandardDefinitions } from '../../events/definitions.ts'
import { armFailpoints } from '../../lib/failpoint.ts'
import { bucketMs } from '../../lib/time-buckets.ts'
import { testDatabase } from '../../../test/support/database.ts'
import { newEvents } from '../../../test/support/new-event.ts'
import { scriptedReceiver } from '../../../test/support/scripted-receiver.ts'
import { sql } from '../../../test/support/sql.ts'
import { statsRun } from '../../../test/support/stats-run.ts'
import { newCompany, subscribe, testNode } from '../../../test/support/test-node.ts'
import { turnedClock } from '../../../test/support/turned-clock.ts'
import { tellDailyMetrics } from './daily-metrics.ts'

/** A company that wants it and one that does not, each with six events of which the one receiver refuses none. */
async function yesterday(t: TestContext) {
  const database = await testDatabase(t)
  await ensurePartitions(database.pools.owner, Date.now())
  const node = testNode(database)
  const receiver = await scriptedReceiver(t)
  const wanting = await newCompany(node.pools, { daily_metrics: true })
  const other = await newCompany(node.pools)
  for (const companyId of [wanting, other]) {
    await subscribe(node.pools, companyId, { webhook_url: receiver.url })
    await node.publisher.publish(newEvents(companyId, 6))
  }
  await node.route()
  await node.dispatch()
  const clock = turnedClock()
  clock.turn(bucketMs.day)
  const processes = [statsRun(node.pools), statsRun(node.pools)] as const
  const tell = async ({ leadership }: (typeof processes)[number]) =>
    await tellDailyMetrics({ pool: node.pools.engine, leadership, clock, onRecorded: () => {} })
  const told = async () =>
    await sql<{ company_id: string; payload: string; entity_id: string }>(
      database.pools.owner,
      `select company_id, payload, entity_id from event_logs where event_name = 'metrics.updated'`,
    )
  return { node, clock, wanting, processes, tell, told }
}

test('a company that wants it is told of its day once, when all of it is counted', async (t) => {
  const { clock, wanting, processes, tell, told } = await yesterday(t)
  const [first] = processes
  assert.ok(await first.leadership.hold())
  assert.equal(await tell(first), 0)
  await first.count()
  assert.equal(await tell(first), 1)
  assert.equal(await tell(first), 0)
  clock.turn(bucketMs.hour / 60)
  assert.equal(await tell(first), 0)
  const [event, ...more] = await told()
  assert.deepEqual([event?.company_id, event?.entity_id, more], [wanting, 'daybook-daily', []])
  const payload: unknown = JSON.parse(event?.payload ?? '')
  assert.partialDeepStrictEqual(payload, {
    final: true,
    values: {
      events: { value: 6, previous: 0 },
      attempts: { value: 6, previous: 0 },
      deliveries_delivered: { value: 6, previous: 0 },
      deliveries_failed: { value: 0, previous: 0 },
      delivery_success: { value: 1, unit: 'share' },
    },
  })
  const folder = fileURLToPath(new URL('../../../definitions', import.meta.url))
  const definition = (await loadStandardDefinitions(folder)).get('metrics.updated')
  assert.ok(definition)
  assert.deepEqual([definition.version, definition.validate(payload)], [1, []])
})

test('it is told once where a process breaks before its commit, and where two tell at once', async (t) => {
  const { processes, tell, told } = await yesterday(t)
  const [first, second] = processes
  await first.count()
  armFailpoints('daily_metrics.before_commit=throw')
  t.after(() => armFailpoints(''))
  await assert.rejects(tell(first), /failpoint/)
  assert.deepEqual(await told(), [])
  armFailpoints('')
  await Promise.all([tell(first), tell(first), tell(first)])
  await first.leadership.release()
  assert.ok(await second.leadership.hold())
  assert.equal(await tell(second), 0)
  assert.equal((await told()).length, 1)
})
