import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { jobRun } from '../../../test/support/job-run.ts'
import { testVault } from '../../../test/support/master-key.ts'
import { replayRun } from '../../../test/support/replay-run.ts'
import { scriptedReceiver } from '../../../test/support/scripted-receiver.ts'
import { sql, sqlValue } from '../../../test/support/sql.ts'
import { allow, now } from '../../../test/support/test-node.ts'
import { enableSubscription } from '../enable-subscription.ts'
import { explainRouting } from '../explain-routing.ts'
import { cancelJob } from '../jobs/cancel-job.ts'
import {
  deleteSubscription,
  disableFailing,
  disableSubscription,
  getSubscription,
  updateSubscription,
} from '../subscriptions.ts'
import { replayEvents } from './replay-events.ts'

type Ordering = 'entity' | 'subscription'

/** A company with receivers at `/<ordering>`, whose rounds are all run by hand. */
async function orderedRun(t: TestContext) {
  const run = await replayRun(t)
  const receiver = await scriptedReceiver(t)
  const { pools, companyId, inCompany, node } = run
  /** Of the next job that may be worked on; where all of them rest, of one of these. */
  const slice = async (): Promise<boolean> => {
    if ((await run.run.worker.slice()) !== undefined) return true
    await sql(pools.owner, `update jobs set due_at = now() where state in ('queued', 'running')`)
    return (await run.run.worker.slice()) !== undefined
  }
  const dispatch = async (): Promise<void> => {
    await sql(pools.owner, `update webhook_deliveries set due_at = now() where due_at > now() and due_at < 'infinity'`)
    await node.dispatch()
  }
  return {
    ...run,
    receiver,
    slice,
    dispatch,
    /** Slices and calls in turn until no job is open and nothing waits. */
    settle: async (): Promise<void> => {
      for (let round = 0; round < 100; round++) {
        const worked = await slice()
        await dispatch()
        const left = 'select count(*) from webhook_deliveries'
        if (!worked && (await sqlValue<number>(pools.owner, left)) === 0) return
      }
      assert.fail('It does not come to an end')
    },
    subscribeTo: async (ordering: Ordering): Promise<string> =>
      await run.subscribe({ webhook_url: `${receiver.url}/${ordering}`, event_names: ['order.*'], ordering }),
    subscriptionOf: async (id: string) => await inCompany(async (db) => await getSubscription(db, companyId, id)),
    /** Ids of events as they arrived: by a replay or not. */
    arrived: (ordering: Ordering = 'subscription') =>
      receiver.calls
        .filter(({ path }) => path === `/${ordering}`)
        .map(({ id, headers }) => `${headers['webhook-replay-id'] === undefined ? 'live' : 'again'} ${id}`),
    jobs: async () =>
      await sql<{ kind: string; state: string }>(
        pools.owner,
        'select kind, state from jobs where company_id = $1 order by created_at, id',
        [companyId],
      ),
    told: async (): Promise<readonly string[]> => {
      await node.route()
      const names = `select event_name from event_audit_trail where entity_type = 'subscription' order by position`
      return (await sql<{ event_name: string }>(pools.owner, names)).map(({ event_name }) => event_name)
    },
  }
}

const order = (id: number) => ({ event_name: 'order.placed', entity_type: 'order', entity_id: String(id % 3) })
const orders = (count: number) => Array.from({ length: count }, (_, index) => order(index))
const live = (ids: readonly string[]) => ids.map((id) => `live ${id}`)
const again = (ids: readonly string[]) => ids.map((id) => `again ${id}`)

describe('a replay to an ordered subscription', () => {
  test('[order-per-entity] sends past events, then those that were held meanwhile, then new ones, each once and in order, while publishing goes on', async (t) => {
    const { subscribeTo, publish, start, slice, dispatch, settle, arrived, subscriptionOf, told, jobOf } =
      await orderedRun(t)
    const [whole, byEntity] = [await subscribeTo('subscription'), await subscribeTo('entity')]
    const past = await publish(...orders(12))
    await dispatch()
    const job = await start([whole, byEntity], { rate: 8 })
    const later: string[] = []
    for (let round = 0; round < 40; round++) {
      later.push(...(await publish(order(round))))
      await slice()
      if (round % 2 === 0) await dispatch()
    }
    await settle()
    later.push(...(await publish(...orders(4))))
    await settle()
    assert.deepEqual([(await jobOf(job)).state, (await jobOf(job)).done], ['succeeded', 24])

    const calls = arrived()
    const begun = calls.indexOf(again(past)[0] ?? '')
    assert.deepEqual(calls.slice(begun, begun + past.length), again(past))
    const fresh = calls.filter((one) => one.startsWith('live'))
    assert.deepEqual(fresh, live([...past, ...later]))
    assert.equal(calls.length, fresh.length + past.length)

    const entityOf = new Map([...past, ...later].map((id) => [id, '']))
    const inOrder = [...past, ...later]
    const entities = [
      ...past.map((_, index) => index % 3),
      ...later.slice(0, -4).map((_, index) => index % 3),
      0,
      1,
      2,
      0,
    ]
    inOrder.forEach((id, index) => entityOf.set(id, String(entities[index])))
    for (const entity of ['0', '1', '2']) {
      const mine = arrived('entity').filter((one) => entityOf.get(one.split(' ')[1] ?? '') === entity)
      const replayed = again(past.filter((id) => entityOf.get(id) === entity))
      const from = mine.indexOf(replayed[0] ?? '')
      assert.deepEqual(mine.slice(from, from + replayed.length), replayed)
      assert.deepEqual(
        mine.filter((one) => one.startsWith('live')),
        live(inOrder.filter((id) => entityOf.get(id) === entity)),
      )
    }
    for (const id of [whole, byEntity]) {
      const { status, held_by, held_from_position } = await subscriptionOf(id)
      assert.deepEqual([status, held_by, held_from_position], ['active', null, null])
    }
    const names = (await told()).filter((name) => /held|released/.test(name))
    assert.equal(names.filter((name) => name === 'daybook.subscription.held').length, 2)
    assert.equal(names.filter((name) => name === 'daybook.subscription.released').length, 2)
  })

  test('begins when what was pending has ended, and says so', async (t) => {
    const { subscribeTo, publish, start, slice, dispatch, settle, arrived, receiver, jobOf, subscriptionOf } =
      await orderedRun(t)
    const id = await subscribeTo('subscription')
    let isDown = true
    receiver.answer(() => ({ status: isDown ? 503 : 204 }))
    const past = await publish(...orders(3))
    await dispatch()
    const job = await start([id])
    for (let round = 0; round < 4; round++) await slice()
    const held = await publish(order(1))
    assert.equal((await jobOf(job)).waiting_for, 'deliveries_pending')
    const { status, held_by } = await subscriptionOf(id)
    assert.deepEqual([status, held_by], ['active', job.id])
    isDown = false
    const before = receiver.calls.length
    await settle()
    assert.deepEqual(arrived().slice(before), [...live(past), ...again(past), ...live(held)])
  })

  test('that is cancelled lets what was held follow what it had added', async (t) => {
    const {
      subscribeTo,
      publish,
      start,
      slice,
      dispatch,
      settle,
      arrived,
      inCompany,
      companyId,
      jobs,
      subscriptionOf,
    } = await orderedRun(t)
    const id = await subscribeTo('subscription')
    const past = await publish(...orders(10))
    await dispatch()
    const job = await start([id], { rate: 8 })
    await slice()
    await slice()
    const held = await publish(...orders(5))
    await inCompany(async (db) => await cancelJob(db, now(), companyId, { id: job.id }))
    const late = await publish(...orders(2))
    await settle()
    assert.deepEqual(arrived().slice(past.length), [...again(past.slice(0, 4)), ...live([...held, ...late])])
    assert.deepEqual(await jobs(), [
      { kind: 'replay_events', state: 'cancelled' },
      { kind: 'recover_events', state: 'succeeded' },
    ])
    assert.equal((await subscriptionOf(id)).held_by, null)
  })

  test('that fails lets what was held follow', async (t) => {
    const { subscribeTo, publish, start, slice, dispatch, settle, arrived, jobs, pools, run } = await orderedRun(t)
    const id = await subscribeTo('subscription')
    const past = await publish(...orders(2))
    await dispatch()
    await start([id])
    await slice()
    const held = await publish(...orders(2))
    const broken = { ...replayEvents, slice: async () => await Promise.reject(new Error('Broken')) }
    await run.leadership.release()
    const { worker, errors, leadership } = jobRun(pools, { kinds: [broken] })
    for (let round = 0; round < 5; round++) {
      await sql(pools.owner, `update jobs set due_at = now() where state in ('queued', 'running')`)
      await worker.slice()
    }
    assert.equal(errors.length, 5)
    await leadership.release()
    await settle()
    assert.deepEqual(arrived().slice(past.length), live(held))
    assert.deepEqual(await jobs(), [
      { kind: 'replay_events', state: 'failed' },
      { kind: 'recover_events', state: 'succeeded' },
    ])
  })

  for (const [how, stop] of [
    ['is disabled by request', disableSubscription],
    [
      'fails too often',
      async (db, _, companyId, id) => {
        const mark = `update subscription_health set disable_due = 'failures_in_row' where subscription_id = $1`
        await db.query({ text: mark, values: [id], name: 'test.mark' })
        await disableFailing(db, now(), companyId, id)
      },
    ],
  ] as const satisfies readonly (readonly [
    string,
    (...given: Parameters<typeof disableSubscription>) => Promise<unknown>,
  ])[]) {
    test(`that ${how} in between keeps what was held, and goes on when it is enabled`, async (t) => {
      const { subscribeTo, publish, start, slice, dispatch, settle, arrived, inCompany, companyId, jobOf, ...rest } =
        await orderedRun(t)
      const id = await subscribeTo('subscription')
      const past = await publish(...orders(10))
      await dispatch()
      const job = await start([id], { rate: 8 })
      await slice()
      await slice()
      const held = await publish(...orders(3))
      await inCompany(async (db) => await stop(db, now(), companyId, id))
      const { held_by, held_from_position, status } = await rest.subscriptionOf(id)
      assert.notEqual(status, 'active')
      assert.deepEqual([held_by, typeof held_from_position], [null, 'number'])
      await slice()
      assert.equal((await jobOf(job)).waiting_for, 'subscription_not_active')
      const enabled = await inCompany(
        async (db) => await enableSubscription(db, now(), companyId, id, { recover: true }),
      )
      assert.equal(enabled.held?.count, 3)
      await settle()
      assert.deepEqual(arrived().slice(past.length), [
        ...again(past.slice(0, 4)),
        ...live(held),
        ...again(past.slice(4)),
      ])
      assert.equal((await rest.subscriptionOf(id)).held_by, null)
      assert.equal((await jobOf(job)).state, 'succeeded')
    })
  }

  test('that is deleted in between is skipped and counted, and leaves no job behind', async (t) => {
    const { subscribeTo, publish, start, slice, settle, dispatch, inCompany, companyId, jobOf, jobs } =
      await orderedRun(t)
    const id = await subscribeTo('subscription')
    await publish(...orders(10))
    await dispatch()
    const job = await start([id], { rate: 8, source: { event_names: ['order.*'] } })
    await slice()
    await slice()
    await publish(...orders(3))
    await inCompany(async (db) => await deleteSubscription(db, now(), companyId, id))
    await settle()
    const { state, done, skipped_reasons } = await jobOf(job)
    assert.deepEqual([state, done, skipped_reasons], ['succeeded', 4, { subscription_deleted: 6 }])
    assert.equal((await jobs()).length, 1)
  })

  test('whose held events are not let follow, because that job is cancelled, leaves it inactive, to be enabled with recover', async (t) => {
    const { subscribeTo, publish, start, slice, settle, dispatch, arrived, inCompany, companyId, pools, ...rest } =
      await orderedRun(t)
    const id = await subscribeTo('subscription')
    const past = await publish(...orders(2))
    await dispatch()
    const job = await start([id])
    await slice()
    const held = await publish(...orders(2))
    await inCompany(async (db) => await cancelJob(db, now(), companyId, { id: job.id }))
    const recovery = await sqlValue<string>(pools.owner, `select id from jobs where kind = 'recover_events'`)
    const parameters = await sqlValue<object>(pools.owner, `select parameters from jobs where kind = 'recover_events'`)
    assert.equal('after_replay' in parameters && parameters.after_replay, job.id)
    await inCompany(async (db) => await cancelJob(db, now(), companyId, { id: recovery }))
    const stopped = await rest.subscriptionOf(id)
    assert.deepEqual([stopped.status, stopped.held_by], ['inactive', null])
    await inCompany(async (db) => await enableSubscription(db, now(), companyId, id, { recover: true }))
    await settle()
    assert.deepEqual(arrived().slice(past.length), live(held))
    assert.equal((await rest.subscriptionOf(id)).status, 'active')
  })

  test('that fails too often while what was held follows keeps the rest of it', async (t) => {
    const { subscribeTo, publish, start, slice, settle, dispatch, arrived, inCompany, companyId, pools, ...rest } =
      await orderedRun(t)
    const id = await subscribeTo('subscription')
    const past = await publish(...orders(2))
    await dispatch()
    const job = await start([id])
    await slice()
    const held = await publish(...orders(2))
    await inCompany(async (db) => await cancelJob(db, now(), companyId, { id: job.id }))
    await sql(
      pools.owner,
      `update subscription_health set disable_due = 'failures_in_row' where subscription_id = $1`,
      [id],
    )
    await inCompany(async (db) => await disableFailing(db, now(), companyId, id))
    await slice()
    assert.deepEqual((await rest.jobs()).at(-1), { kind: 'recover_events', state: 'succeeded' })
    assert.equal((await rest.subscriptionOf(id)).status, 'disabled')
    await inCompany(async (db) => await enableSubscription(db, now(), companyId, id, { recover: true }))
    await settle()
    assert.deepEqual(arrived().slice(past.length), live(held))
  })

  test('waits for another that holds it', async (t) => {
    const { subscribeTo, publish, start, slice, settle, dispatch, arrived, jobOf } = await orderedRun(t)
    const id = await subscribeTo('subscription')
    const past = await publish(...orders(6))
    await dispatch()
    const one = await start([id], { rate: 4 })
    await slice()
    const other = await start([id], { source: { to_position: 1_000 } })
    await slice()
    assert.equal((await jobOf(other)).waiting_for, 'subscription_held')
    const held = await publish(order(1))
    await settle()
    assert.deepEqual([(await jobOf(one)).state, (await jobOf(other)).state], ['succeeded', 'succeeded'])
    assert.deepEqual(arrived().slice(past.length), [...again(past), ...live(held), ...again(past)])
  })

  test('that gets an order while it runs is held from then on, and keeps what it was sent', async (t) => {
    const {
      subscribe,
      receiver,
      publish,
      start,
      slice,
      settle,
      dispatch,
      inCompany,
      companyId,
      pools,
      jobOf,
      ...rest
    } = await orderedRun(t)
    const id = await subscribe({ webhook_url: `${receiver.url}/subscription`, event_names: ['order.*'] })
    const past = await publish(...orders(8))
    await dispatch()
    const before = receiver.calls.length
    const job = await start([id], { rate: 8 })
    await slice()
    await inCompany(
      async (db) =>
        await updateSubscription(db, testVault(pools), allow, now(), companyId, id, { ordering: 'subscription' }),
    )
    await slice()
    await slice()
    assert.equal((await jobOf(job)).waiting_for, 'deliveries_pending')
    const held = await publish(...orders(2))
    await settle()
    const calls = rest.arrived().slice(before)
    assert.deepEqual(calls.slice(0, 4).toSorted(), again(past.slice(0, 4)).toSorted())
    assert.deepEqual(calls.slice(4), [...again(past.slice(4)), ...live(held)])
  })

  test('says of an event that was held that it was', async (t) => {
    const { subscribeTo, publish, start, slice, inCompany, companyId, pools } = await orderedRun(t)
    const id = await subscribeTo('subscription')
    const job = await start([id])
    await sql(pools.owner, `update jobs set parameters = jsonb_set(parameters, '{source,to_position}', '1')`)
    await slice()
    assert.ok(job.id)
    const [held] = await publish(order(1))
    const position = await sqlValue<number>(
      pools.owner,
      'select position::int from event_audit_trail where event_id = $1',
      [held],
    )
    const event = { id: held ?? '', event_name: 'order.placed', position }
    const { explanations } = await inCompany(async (db) => await explainRouting(db, companyId, event, { limit: 10 }))
    assert.deepEqual(
      explanations.map(({ matched, reason }) => [matched, reason]),
      [[false, 'held']],
    )
  })
})
