import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { endAll } from '../../../test/support/job-run.ts'
import { replayRun } from '../../../test/support/replay-run.ts'
import { sql, sqlValue } from '../../../test/support/sql.ts'
import { now } from '../../../test/support/test-node.ts'
import { newId } from '../../lib/ids.ts'
import { cancelJob } from '../jobs/cancel-job.ts'
import { pauseJob, resumeJob } from '../jobs/start-job.ts'
import { deleteSubscription, disableSubscription } from '../subscriptions.ts'
import { enableSubscription } from '../enable-subscription.ts'

const order = (id: number, n = 0) => ({
  event_name: 'order.placed',
  payload: { n },
  entity_type: 'order',
  entity_id: String(id),
})
const eventIds = (owed: readonly { readonly event_id: string }[]) => owed.map(({ event_id }) => event_id)

describe('a replay', () => {
  test('sends what the source chooses and the subscription chooses too, each once, and says what was left out', async (t) => {
    const { subscribe, publish, start, work, jobOf, owedBy, pools, companyId } = await replayRun(t)
    const id = await subscribe({ event_names: ['order.*'], filter: { n: { $gte: 5 } } })
    const [wanted, , other, last] = await publish(
      order(1, 5),
      order(1, 4),
      { event_name: 'call.ended', entity_type: 'order', entity_id: '1' },
      order(2, 9),
    )
    await endAll(pools, 'delivered', 'http_200', companyId)
    const job = await start([id], { reason: 'They lost a day' })
    await publish(order(3, 9)) // after the start: no part of it
    await work()
    assert.deepEqual(eventIds(await owedBy(job)), [wanted, last])
    assert.ok(other)
    const { state, total, done, skipped_reasons, parameters } = await jobOf(job)
    assert.deepEqual([state, total, done], ['succeeded', 2, 2])
    const { filter, other_event_names, ...nothing } = skipped_reasons
    assert.deepEqual([filter, nothing], [1, {}])
    assert.ok((other_event_names ?? 0) >= 1)
    assert.equal(parameters['reason'], 'They lost a day')
    await work()
    assert.equal((await owedBy(job)).length, 2)
  })

  test('takes from the log by positions, times, names, entities, correlation and payload', async (t) => {
    const { subscribe, publish, start, work, owedBy, pools, companyId } = await replayRun(t)
    const id = await subscribe({ event_names: ['*'] })
    const ids = await publish(
      order(1, 1),
      { ...order(2, 2), correlation_id: 'k' },
      { event_name: 'call.ended', related: [{ type: 'order', id: '1' }] },
      { ...order(1, 4), correlation_id: 'k' },
    )
    await endAll(pools, 'delivered', 'http_200', companyId)
    const [first] = await sql<{ position: number }>(
      pools.owner,
      'select position::int from event_audit_trail where event_id = $1',
      [ids[0]],
    )
    const from = first?.position ?? 0
    const one = { type: 'order', id: '1' }
    const two = { type: 'order', id: '2' }
    for (const [source, expected] of [
      [{}, [0, 1, 2, 3]],
      [{ from_position: from + 1, to_position: from + 2 }, [1, 2]],
      [{ event_names: ['call.*'] }, [2]],
      [{ event_names: ['nothing.*'] }, []],
      [{ event_names: ['order.placed', 'call.ended'] }, [0, 1, 2, 3]],
      [{ entities: [one] }, [0, 3]],
      [{ entities: [one, two] }, [0, 1, 3]],
      [{ entities: [one, two], include_related: true }, [0, 1, 2, 3]],
      [{ entities: [{ type: 'order', id: '9' }] }, []],
      [{ correlation_id: 'k' }, [1, 3]],
      [{ correlation_id: 'k', entities: [one] }, [3]],
      [{ filter: { n: { $gte: 2 } }, event_names: ['order.placed'] }, [1, 3]],
      [{ from: new Date(Date.now() - 3_600_000) }, [0, 1, 2, 3]],
      [{ to: new Date(Date.now() - 3_600_000) }, []],
      [{ from_position: from + 3, to_position: from }, []],
    ] as const) {
      const job = await start([id], { source })
      await work()
      const chosen = expected.map((index) => ids[index])
      assert.deepEqual(eventIds(await owedBy(job)), chosen, JSON.stringify(source))
      await endAll(pools, 'delivered', 'http_200', companyId)
    }
  })

  test('goes on page by page without gap or repeat, to each of its subscriptions', async (t) => {
    const { subscribe, publish, start, work, jobOf, owedBy, pools, companyId } = await replayRun(t)
    const [one, other] = [await subscribe({ event_names: ['order.*'] }), await subscribe({ event_names: ['*'] })]
    const ids: string[] = []
    for (let batch = 0; batch < 4; batch++) {
      ids.push(...(await publish(...Array.from({ length: 300 }, (_, index) => order(index % 7, index)))))
    }
    await endAll(pools, 'delivered', 'http_200', companyId)
    const job = await start([one, other], { rate: 500 }, 2_400)
    for (let round = 0; (await jobOf(job)).state !== 'succeeded'; round++) {
      assert.ok(round < 40)
      await work()
      // What is due would keep the next slices waiting.
      await sql(pools.owner, `update webhook_deliveries set due_at = now() + interval '1 hour', order_key = null`)
    }
    const owed = await owedBy(job)
    assert.deepEqual(eventIds(owed.filter(({ subscription_id }) => subscription_id === one)), ids)
    assert.deepEqual(eventIds(owed.filter(({ subscription_id }) => subscription_id === other)), ids)
    assert.equal((await jobOf(job)).done, 2_400)
  })

  test('sends the events of an entity one after the other, and what is about none as it comes', async (t) => {
    const { subscribe, publish, start, work, owedBy, pools, companyId } = await replayRun(t)
    const id = await subscribe({ event_names: ['*'] })
    await publish(order(1), order(2), order(1), { event_name: 'call.ended' }, order(2), { event_name: 'call.ended' })
    await endAll(pools, 'delivered', 'http_200', companyId)
    const [job, again] = [await start([id]), await start([id])]
    await work()
    for (const one of [job, again]) {
      const owed = await owedBy(one)
      assert.deepEqual(
        owed.map(({ order_key, is_due }) => [order_key, is_due]),
        [
          [`/${one.id}/order/1`, true],
          [`/${one.id}/order/2`, true],
          [`/${one.id}/order/1`, false],
          [null, true],
          [`/${one.id}/order/2`, false],
          [null, true],
        ],
      )
    }
  })

  test('of what is missing leaves out what was delivered or is pending; of what failed all but that', async (t) => {
    const { subscribe, publish, start, work, jobOf, owedBy, pools, companyId } = await replayRun(t)
    const id = await subscribe({ event_names: ['order.*'] })
    const delivered = await publish(order(1), order(2))
    await endAll(pools, 'delivered', 'http_200', companyId)
    const failed = await publish(order(3))
    await endAll(pools, 'failed', 'http_500', companyId)
    const cancelled = await publish(order(4))
    await endAll(pools, 'cancelled', 'cancelled_by_request', companyId)
    const pending = await publish(order(5))
    await sql(pools.owner, `update webhook_deliveries set due_at = now() + interval '1 hour'`)
    const late = await subscribe({ event_names: ['order.*'] })

    const missing = await start([id, late], { mode: 'missing' })
    await work()
    const owed = await owedBy(missing)
    const of = (subscriptionId: string) => eventIds(owed.filter((row) => row.subscription_id === subscriptionId))
    assert.deepEqual(of(id), [...failed, ...cancelled])
    assert.deepEqual(of(late), [...delivered, ...failed, ...cancelled, ...pending])
    const { total, done, skipped_reasons } = await jobOf(missing)
    assert.deepEqual([total, done, skipped_reasons['delivered'], skipped_reasons['pending']], [7, 7, 2, 1])

    // Now they are pending by the first replay; when that has failed they are chosen again, when it has delivered they are not.
    const failedOnes = async () => {
      const job = await start([id], { mode: 'failed' })
      await work()
      return eventIds((await owedBy(job)).filter((row) => row.subscription_id === id))
    }
    assert.deepEqual(await failedOnes(), [])
    await endAll(pools, 'failed', 'http_500', companyId)
    assert.deepEqual(await failedOnes(), [...failed, ...cancelled, ...pending])
    await endAll(pools, 'delivered', 'http_200', companyId)
    assert.deepEqual(await failedOnes(), [])
  })

  test('skips what is stored no more, and does not let it count as a failure of the subscription', async (t) => {
    const { subscribe, publish, start, work, jobOf, owedBy, pools, companyId } = await replayRun(t)
    const id = await subscribe({ event_names: ['order.*'] })
    const [gone, kept] = await publish(order(1), order(2))
    await endAll(pools, 'delivered', 'http_200', companyId)
    await sql(pools.owner, 'delete from event_logs where id = $1', [gone])
    const job = await start([id], { source: { event_names: ['order.*'] } })
    await work()
    assert.deepEqual(eventIds(await owedBy(job)), [kept])
    assert.deepEqual((await jobOf(job)).skipped_reasons, { payload_expired: 1 })
  })
})

test('what is older than the ledger is not taken for missing or failed', async (t) => {
  const { subscribe, publish, start, work, jobOf, owedBy, pools, companyId } = await replayRun(t)
  const id = await subscribe({ event_names: ['order.*'] })
  await publish(order(1))
  await endAll(pools, 'failed', 'http_500', companyId)
  await sql(pools.owner, "insert into ledger_retention values ($1, now() + interval '1 day', $2)", [companyId, newId()])
  for (const [mode, done] of [
    ['missing', 0],
    ['failed', 0],
    ['all', 1],
  ] as const) {
    const job = await start([id], { source: { event_names: ['order.*'] }, mode })
    await work()
    assert.equal((await owedBy(job)).length, done, mode)
    assert.deepEqual((await jobOf(job)).skipped_reasons, done === 1 ? {} : { ledger_expired: 1 }, mode)
  }
})

describe('a replay waits, and says for what', () => {
  test('while its subscription has as much due as it is posted in half a second; fresh events do not wait behind more', async (t) => {
    const { subscribe, publish, start, work, jobOf, owedBy, pools, companyId } = await replayRun(t)
    const id = await subscribe({ event_names: ['order.*'] })
    await publish(...Array.from({ length: 100 }, (_, index) => order(index)))
    await endAll(pools, 'delivered', 'http_200', companyId)
    const job = await start([id], { rate: 20 })
    await work()
    // One slice beyond what is let wait.
    assert.equal((await owedBy(job)).length, 20)
    const { state, waiting_for } = await jobOf(job)
    assert.deepEqual([state, waiting_for], ['running', 'deliveries_due'])
    await endAll(pools, 'delivered', 'http_200', companyId)
    await work()
    assert.equal((await jobOf(job)).done, 40)
  })

  test('for a subscription with a rate of its own less is let wait', async (t) => {
    const { subscribe, publish, start, work, owedBy, pools, companyId } = await replayRun(t)
    const id = await subscribe({ event_names: ['order.*'], rate_limit: 2 })
    await publish(...Array.from({ length: 30 }, (_, index) => order(index)))
    await endAll(pools, 'delivered', 'http_200', companyId)
    const job = await start([id], { rate: 4 })
    await work()
    assert.equal((await owedBy(job)).length, 2)
  })

  test('while its subscription is stopped, and goes on when it is active; the others do not wait for it', async (t) => {
    const { subscribe, publish, start, work, jobOf, owedBy, pools, companyId, inCompany } = await replayRun(t)
    const [id, other] = [await subscribe({ event_names: ['order.*'] }), await subscribe({ event_names: ['order.*'] })]
    const ids = await publish(order(1), order(2))
    await endAll(pools, 'delivered', 'http_200', companyId)
    const job = await start([id, other])
    await inCompany(async (db) => await disableSubscription(db, now(), companyId, id))
    await work()
    assert.deepEqual(
      (await owedBy(job)).map((row) => row.subscription_id),
      [other, other],
    )
    assert.equal((await jobOf(job)).waiting_for, 'subscription_not_active')
    await inCompany(async (db) => await enableSubscription(db, now(), companyId, id))
    await work()
    assert.deepEqual(eventIds((await owedBy(job)).filter((row) => row.subscription_id === id)), ids)
    const { state, waiting_for } = await jobOf(job)
    assert.deepEqual([state, waiting_for], ['succeeded', null])
  })

  test('while its subscription fails, but for one call that asks whether it does still', async (t) => {
    const { subscribe, publish, start, work, jobOf, owedBy, pools, companyId } = await replayRun(t)
    const id = await subscribe({ event_names: ['order.*'] })
    await publish(order(1), order(2), order(3))
    await endAll(pools, 'failed', 'http_500', companyId)
    const breaker = async (state: string) =>
      await sql(pools.owner, `update subscription_health set breaker = $1, breaker_open_until = now()`, [state])
    await breaker('open')
    const job = await start([id])
    await work()
    assert.deepEqual([(await owedBy(job)).length, (await jobOf(job)).waiting_for], [1, 'breaker_open'])
    await breaker('closed')
    await work()
    assert.deepEqual([(await owedBy(job)).length, (await jobOf(job)).state], [3, 'succeeded'])
  })

  test('but counts what a subscription that was deleted would have been sent', async (t) => {
    const { subscribe, publish, start, work, jobOf, owedBy, pools, companyId, inCompany } = await replayRun(t)
    const id = await subscribe({ event_names: ['order.*'] })
    await publish(order(1), order(2))
    await endAll(pools, 'delivered', 'http_200', companyId)
    const job = await start([id], { source: { event_names: ['order.*'] } })
    await inCompany(async (db) => await deleteSubscription(db, now(), companyId, id))
    await work()
    const { state, done, skipped_reasons } = await jobOf(job)
    assert.deepEqual([state, done, skipped_reasons], ['succeeded', 0, { subscription_deleted: 2 }])
    assert.deepEqual(await owedBy(job), [])
  })
})

describe('a replay that is under way', () => {
  test('stands still while it is paused, goes on without a gap, and adds nothing after it was cancelled', async (t) => {
    const { subscribe, publish, start, run, work, jobOf, owedBy, pools, companyId, inCompany } = await replayRun(t)
    const id = await subscribe({ event_names: ['order.*'] })
    const ids = await publish(...Array.from({ length: 30 }, (_, index) => order(index)))
    await endAll(pools, 'delivered', 'http_200', companyId)
    const job = await start([id], { rate: 20 })
    await run.worker.slice()
    await inCompany(async (db) => await pauseJob(db, now(), companyId, { id: job.id }))
    await endAll(pools, 'delivered', 'http_200', companyId)
    await work()
    assert.deepEqual([(await owedBy(job)).length, (await jobOf(job)).done], [0, 10])
    await inCompany(async (db) => await resumeJob(db, now(), companyId, { id: job.id }))
    await run.worker.slice()
    assert.deepEqual(eventIds(await owedBy(job)), ids.slice(10, 20))
    await inCompany(async (db) => await cancelJob(db, now(), companyId, { id: job.id }))
    await work()
    const { state, done } = await jobOf(job)
    assert.deepEqual([state, done, (await owedBy(job)).length], ['cancelled', 20, 10])
  })

  test('keeps its rate', async (t) => {
    const { subscribe, publish, start, run, pools, companyId } = await replayRun(t)
    const id = await subscribe({ event_names: ['order.*'] })
    await publish(...Array.from({ length: 30 }, (_, index) => order(index)))
    await endAll(pools, 'delivered', 'http_200', companyId)
    await start([id], { rate: 2 })
    await run.work()
    const wait = `select (extract(epoch from due_at - created_at) * 1000)::float8 from jobs`
    assert.equal(await sqlValue(pools.owner, 'select done::int from jobs'), 1)
    assert.equal(Math.round(Number(await sqlValue(pools.owner, wait))), 500)
  })
})

describe('among other jobs of its company', () => {
  test('a replay that goes on and on keeps none of them from its turn', async (t) => {
    const { subscribe, publish, start, run, jobOf, pools } = await replayRun(t)
    const id = await subscribe({ event_names: ['order.*'] })
    await publish(...Array.from({ length: 1_000 }, (_, n) => order(n)))
    const [long, short] = [await start([id], { mode: 'missing' }), await start([id], { mode: 'missing' })]
    const dueAgo = async (seconds: number, job: string): Promise<void> =>
      void (await sql(pools.owner, `update jobs set due_at = now() - $1 * interval '1 second' where id = $2`, [
        seconds,
        job,
      ]))
    await dueAgo(5, long.id)
    await dueAgo(60, short.id)
    await run.worker.slice()
    assert.notEqual((await jobOf(short)).state, 'queued')
    assert.equal((await jobOf(long)).state, 'queued')
  })

  test('a recovery of its subscription is waited for, so nothing that was missing is sent twice', async (t) => {
    const { subscribe, publish, start, work, inCompany, jobOf, pools, companyId } = await replayRun(t)
    const id = await subscribe({ event_names: ['order.*'] })
    await inCompany(async (db) => await disableSubscription(db, now(), companyId, id))
    await publish(...Array.from({ length: 10 }, (_, n) => order(n)))
    const job = await start([id], { mode: 'missing' })
    const { job: recovery } = await inCompany((db) => enableSubscription(db, now(), companyId, id, { recover: true }))
    assert.ok(recovery)
    await inCompany((db) => pauseJob(db, now(), companyId, { id: recovery.id }))
    await sql(pools.owner, `update jobs set due_at = now() where id = $1`, [job.id])
    await work()
    assert.equal((await jobOf(job)).waiting_for, 'recovery')
    await inCompany((db) => resumeJob(db, now(), companyId, { id: recovery.id }))
    await work()
    const { state, done, skipped_reasons } = await jobOf(job)
    assert.deepEqual([state, done, skipped_reasons], ['succeeded', 0, { pending: 10, other_event_names: 3 }])
    assert.equal((await jobOf(recovery)).done, 10)
  })
})

describe('a replay that has failed', () => {
  test('goes on where it was when it is resumed, unless as many jobs are open as may be', async (t) => {
    const { subscribe, publish, start, work, run, inCompany, jobOf, owedBy, pools, companyId } = await replayRun(t)
    const id = await subscribe({ event_names: ['order.*'] })
    await publish(...Array.from({ length: 100 }, (_, n) => order(n)))
    await endAll(pools, 'delivered', 'http_200', companyId)
    const job = await start([id], { rate: 40 })
    await run.worker.slice()
    const { done } = await jobOf(job)
    await sql(pools.owner, 'alter table subscription_health rename to away')
    await work()
    assert.equal((await jobOf(job)).state, 'failed')
    await sql(pools.owner, 'alter table away rename to subscription_health')
    const others: string[] = []
    for (let open = 0; open < 20; open++) others.push((await start([id])).id)
    const resume = async () => await inCompany((db) => resumeJob(db, now(), companyId, { id: job.id }))
    await assert.rejects(resume(), { code: 'job_limit' })
    for (const other of others) await inCompany((db) => cancelJob(db, now(), companyId, { id: other }))
    assert.deepEqual([(await resume()).state, (await jobOf(job)).done], ['running', done])
    for (let rounds = 0; rounds < 10 && (await jobOf(job)).state === 'running'; rounds++) {
      await work()
      await sql(pools.owner, 'update webhook_deliveries set due_at = now() + $1 where due_at <= now()', ['1 hour'])
    }
    assert.deepEqual([(await jobOf(job)).state, (await jobOf(job)).done], ['succeeded', 100])
    assert.equal((await owedBy(job)).length, 100)
  })
})

describe('what a replay adds', () => {
  test('is no more than the calls at once have to do, however high its rate', async (t) => {
    const { subscribe, publish, start, work, owedBy, jobOf, pools, companyId } = await replayRun(t)
    const id = await subscribe({ event_names: ['order.*'], concurrency: 5 })
    await publish(...Array.from({ length: 100 }, (_, n) => order(n)))
    await endAll(pools, 'delivered', 'http_200', companyId)
    const job = await start([id])
    await work()
    assert.equal((await jobOf(job)).waiting_for, 'deliveries_due')
    assert.ok((await owedBy(job)).length <= 20, String((await owedBy(job)).length))
  })

  test('goes on for the others when one entity is held up', async (t) => {
    const { subscribe, publish, start, work, jobOf, pools, companyId } = await replayRun(t)
    const id = await subscribe({ event_names: ['order.*'], concurrency: 256 })
    for (let batch = 0; batch < 3; batch++) await publish(...Array.from({ length: 1_000 }, (_, n) => order(1, n)))
    await publish(...Array.from({ length: 100 }, (_, n) => order(n + 2)))
    await endAll(pools, 'delivered', 'http_200', companyId)
    const job = await start([id], {}, 3_100)
    await work()
    await sql(pools.owner, "update webhook_deliveries set due_at = now() + interval '1 hour' where due_at < 'infinity'")
    await work()
    assert.deepEqual([(await jobOf(job)).state, (await jobOf(job)).done], ['succeeded', 3_100])
  })
})
