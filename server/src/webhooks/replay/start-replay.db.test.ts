import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { endAll } from '../../../test/support/job-run.ts'
import { replayRun } from '../../../test/support/replay-run.ts'
import { sql } from '../../../test/support/sql.ts'
import { now } from '../../../test/support/test-node.ts'
import { newId } from '../../lib/ids.ts'
import { resumeReplay } from './resume-replay.ts'

const order = (n: number) => ({ event_name: 'order.placed', payload: { n }, entity_type: 'order', entity_id: '1' })

describe('the dry run of a replay', () => {
  test('counts exactly what the replay then does, for every mode', async (t) => {
    const { subscribe, publish, plan, start, work, jobOf, pools, companyId } = await replayRun(t)
    const ids = [
      await subscribe({ event_names: ['order.*'] }),
      await subscribe({ event_names: ['*'], filter: { n: { $gte: 20 } } }),
    ]
    await publish(...Array.from({ length: 40 }, (_, n) => order(n)), { event_name: 'call.ended', payload: {} })
    await endAll(pools, 'failed', 'http_500', companyId)
    await publish(...Array.from({ length: 30 }, (_, n) => order(n)))
    await endAll(pools, 'delivered', 'http_200', companyId)
    for (const [mode, count] of [
      ['all', 70 + 30],
      ['missing', 40 + 20],
      ['failed', 70 + 30], // by then the first replay has failed for all of them
    ] as const) {
      const { estimate } = await plan(ids, { mode, rate: 8 })
      assert.deepEqual([estimate.count, estimate.is_estimated], [count, false], mode)
      assert.equal(estimate.seconds, Math.ceil(count / 8))
      const job = await start(ids, { mode, rate: 10_000 })
      await work()
      const { total, done, skipped_reasons } = await jobOf(job)
      assert.deepEqual([total, done], [count, count], mode)
      // The replay's own start is an event too, behind its last position.
      assert.deepEqual(estimate.skipped, skipped_reasons)
      await endAll(pools, mode === 'failed' ? 'delivered' : 'failed', 'again', companyId)
    }
  })

  test('tells sizes and the first that would be sent', async (t) => {
    const { subscribe, publish, plan } = await replayRun(t)
    const id = await subscribe({ event_names: ['order.*'] })
    const ids = await publish(...Array.from({ length: 12 }, (_, n) => order(n)))
    const { estimate, parameters } = await plan([id], { source: { event_names: ['order.*'] } })
    assert.equal(estimate.looked_at, 12)
    assert.equal(estimate.bytes, 10 * '{"n":0}'.length + 2 * '{"n":10}'.length)
    assert.deepEqual(
      estimate.sample.map(({ event_id }) => event_id),
      ids.slice(0, 10),
    )
    const [first] = estimate.sample
    assert.deepEqual([first?.event_name, first?.entity_id, first?.subscription_id], ['order.placed', '1', id])
    assert.deepEqual(parameters.source.event_names, ['order.placed'])
  })

  test('of more than it looks at says that it is an estimate, and the same one each time', async (t) => {
    const { subscribe, publish, plan, start } = await replayRun(t)
    const id = await subscribe({ event_names: ['order.*'], filter: { n: { $gte: 5 } } })
    for (let batch = 0; batch < 21; batch++) {
      await publish(...Array.from({ length: 1_000 }, (_, n) => order(n % 10)))
    }
    const first = await plan([id])
    assert.equal(first.estimate.is_estimated, true)
    assert.ok(Math.abs(first.estimate.count - 10_500) < 100, String(first.estimate.count))
    assert.deepEqual((await plan([id])).estimate, first.estimate)
    const job = await start([id], {}, first.estimate.count)
    assert.deepEqual([job.total, job.parameters['is_total_estimated']], [first.estimate.count, true])
  })
})

describe('starting a replay', () => {
  test('of more than 1,000 needs the number', async (t) => {
    const { subscribe, publish, start } = await replayRun(t)
    const id = await subscribe({ event_names: ['order.*'] })
    for (let batch = 0; batch < 2; batch++) await publish(...Array.from({ length: 501 }, (_, n) => order(n)))
    await assert.rejects(start([id]), { code: 'count_required' })
    await assert.rejects(start([id], {}, 5_000), { code: 'count_changed' })
    assert.equal((await start([id], {}, 1_000)).total, 1_002)
  })

  test('refuses subscriptions that are unknown, names, and filters', async (t) => {
    const { subscribe, start } = await replayRun(t)
    const id = await subscribe({ event_names: ['order.*'] })
    await assert.rejects(start([id, newId()]), {
      code: 'unknown_subscription',
      faults: [
        { pointer: '/target/subscription_ids/1', code: 'unknown_subscription', message: 'No such subscription' },
      ],
    })
    await assert.rejects(start([id], { source: { event_names: ['No Name'] } }), { code: 'invalid_event_name' })
    await assert.rejects(start([id], { source: { filter: { n: { $near: 1 } } } }), { code: 'invalid_filter' })
  })

  test('over nothing says so, and succeeds', async (t) => {
    const { subscribe, start, work, jobOf } = await replayRun(t)
    const id = await subscribe({ event_names: ['order.*'] })
    const job = await start([id], { source: { event_names: ['order.*'] } })
    assert.equal(job.total, 0)
    await work()
    const { state, done } = await jobOf(job)
    assert.deepEqual([state, done], ['succeeded', 0])
  })
})

describe('an estimate', () => {
  test('sees what lies behind the rows that it may look at, and is confirmed whatever it is', async (t) => {
    const { subscribe, publish, plan, start, pools, companyId } = await replayRun(t)
    const id = await subscribe({ event_names: ['order.*'] })
    const batch = Array.from({ length: 1_000 }, (_, n) => order(n))
    for (let batches = 0; batches < 20; batches++) await publish(...batch)
    await endAll(pools, 'delivered', 'http_200', companyId)
    for (let batches = 0; batches < 3; batches++) await publish(...batch)
    await endAll(pools, 'failed', 'http_500', companyId)
    const { estimate } = await plan([id], { mode: 'missing' })
    assert.equal(estimate.is_estimated, true)
    assert.ok(Math.abs(estimate.count - 3_000) < 300, String(estimate.count))
    await assert.rejects(start([id], { mode: 'missing' }), { code: 'count_required' })
    await sql(pools.owner, 'update webhook_logs set outcome = $1', ['delivered'])
    await assert.rejects(start([id], { mode: 'missing' }), { code: 'count_required' }) // though it is about 0
  })

  test('that was too low ends where it was confirmed, until more is', async (t) => {
    const { subscribe, publish, start, work, jobOf, pools, inCompany, companyId } = await replayRun(t)
    const id = await subscribe({ event_names: ['order.*'] })
    for (let batches = 0; batches < 2; batches++) {
      await publish(...Array.from({ length: 1_000 }, (_, n) => ({ ...order(n), entity_id: `${batches}-${n}` })))
    }
    await endAll(pools, 'delivered', 'http_200', companyId)
    const job = await start([id], {}, 2_000)
    const low = JSON.stringify({ is_total_estimated: true, confirmed_count: 1_200 })
    await sql(pools.owner, 'update jobs set parameters = parameters || $1::jsonb', [low])
    const workThrough = async (): Promise<void> => {
      for (let rounds = 0; rounds < 20; rounds++) {
        await work()
        await endAll(pools, 'delivered', 'http_200', companyId)
      }
    }
    await workThrough()
    const { state, done, waiting_for } = await jobOf(job)
    assert.deepEqual([state, done, waiting_for], ['running', 1_320, 'more_than_confirmed'])
    await inCompany((db) => resumeReplay(db, now(), companyId, job.id, 2_000))
    await workThrough()
    assert.deepEqual([(await jobOf(job)).state, (await jobOf(job)).done], ['succeeded', 2_000])
  })
})
