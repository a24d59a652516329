import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { suite, test } from 'node:test'
import type { TestContext } from 'node:test'
import { testDatabase } from '../../test/support/database.ts'
import { testVault } from '../../test/support/master-key.ts'
import { newEvent } from '../../test/support/new-event.ts'
import { scriptedReceiver } from '../../test/support/scripted-receiver.ts'
import type { ScriptedReceiver } from '../../test/support/scripted-receiver.ts'
import { sql, sqlValue } from '../../test/support/sql.ts'
import type { TestNode, TestNodeOptions } from '../../test/support/test-node.ts'
import { allow, newCompany, now, subscribe, testNode } from '../../test/support/test-node.ts'
import { until } from '../../test/support/until.ts'
import { Leadership } from '../db/leadership.ts'
import { asCompany, inTransaction } from '../db/transaction.ts'
import { systemClock } from '../lib/clock.ts'
import { cancelDeliveries } from './jobs/cancel-deliveries.ts'
import { retryDeliveries } from './jobs/retry-deliveries.ts'
import { ChainMender, findStuckChains } from './mend-chains.ts'
import { readQueueDepth } from './queue-depth.ts'
import { findDelivery } from './read-deliveries.ts'
import { cancelDelivery, retryDelivery, skipDelivery } from './retry-delivery.ts'
import { lockSubscriptions } from './subscription-health.ts'
import type { SubscriptionInput } from './subscriptions.ts'
import { deleteSubscription, updateSubscription } from './subscriptions.ts'

interface Case {
  readonly node: TestNode
  readonly companyId: string
  readonly subscriptionId: string
  readonly receiver: ScriptedReceiver
  /** Publishes and routes one event per name of an entity; null is about none. Answers with the ids of the events. */
  publish(...entities: readonly (string | null)[]): Promise<readonly string[]>
  /** The entities in the order of the calls. */
  called(): readonly string[]
  pending(): Promise<readonly Pending[]>
}

interface Pending {
  readonly id: string
  readonly position: number
  readonly key: string | null
  readonly blocked: boolean
}

async function begin(
  t: TestContext,
  input: Partial<SubscriptionInput> & Pick<SubscriptionInput, 'ordering'>,
  options: TestNodeOptions = {},
): Promise<Case> {
  const node = testNode(await testDatabase(t), { schedule: [0], ...options })
  const receiver = await scriptedReceiver(t)
  const companyId = await newCompany(node.pools)
  const complete = { webhook_url: `${receiver.url}/hook`, event_names: ['thing.happened'], ...input }
  const { id: subscriptionId } = await subscribe(node.pools, companyId, complete)
  return {
    node,
    companyId,
    subscriptionId,
    receiver,
    publish: async (...entities) => {
      const events = entities.map((id) =>
        newEvent(
          companyId,
          id === null ? { payload: { id } } : { entity_type: 'order', entity_id: id, payload: { id } },
        ),
      )
      await node.publisher.publish(events)
      await node.route()
      return events.map(({ id }) => id)
    },
    called: () => receiver.calls.map(({ body }) => String((JSON.parse(body.toString()) as Body).data.id)),
    pending: async () =>
      await sql<Pending>(
        node.pools.engine,
        `select id, position, order_key as key, due_at = 'infinity' as blocked from webhook_deliveries
          where subscription_id = $1 order by position`,
        [subscriptionId],
      ),
  }
}

interface Body {
  readonly data: { readonly id: string | null }
}

const shown = (pending: readonly Pending[]) => pending.map(({ key, blocked }) => [key, blocked])

const firstOf = (pending: readonly Pending[]): string => {
  const [first] = pending
  if (!first) throw new Error('Nothing waits')
  return first.id
}

suite('an ordered subscription', () => {
  test('[order-per-entity] lets only the first of each entity go, and what is about no entity', async (t) => {
    const { publish, pending } = await begin(t, { ordering: 'entity' }, { handsOver: false })
    await publish('a', 'b', null, 'a')
    await publish('b', null)
    assert.deepEqual(shown(await pending()), [
      ['order/a', false],
      ['order/b', false],
      [null, false],
      ['order/a', true],
      ['order/b', true],
      [null, false],
    ])
  })

  test('may have one order for all of its events', async (t) => {
    const { node, publish, pending, called } = await begin(t, { ordering: 'subscription' })
    await publish('a', null, 'b')
    assert.deepEqual(shown(await pending()), [
      ['', false],
      ['', true],
      ['', true],
    ])
    await node.dispatch()
    assert.deepEqual(called(), ['a', 'null', 'b'])
  })

  test('goes on at once when a delivery has ended, without a look into the database', async (t) => {
    const { node, publish, receiver } = await begin(t, { ordering: 'entity' }, { discoverEveryMs: 3_600_000 })
    await publish(...Array.from({ length: 8 }, () => 'a'))
    await until('all have arrived', async () => {
      await node.dispatcher.round()
      return receiver.calls.length === 8
    })
    assert.equal(receiver.openMaxAt('/hook'), 1)
  })

  test('wakes the dispatcher for what may go, and not for what is blocked', async (t) => {
    const { node, subscriptionId, publish } = await begin(t, { ordering: 'entity' })
    const wake = t.mock.method(node.dispatcher, 'wake')
    const woken = () => wake.mock.calls.flatMap(({ arguments: [subscriptions] }) => subscriptions.map(({ id }) => id))
    await publish('a', 'a')
    assert.deepEqual(woken(), [subscriptionId])
    await publish('a')
    assert.deepEqual(woken(), [subscriptionId])
    await publish('b')
    assert.deepEqual(woken(), [subscriptionId, subscriptionId])
  })

  test('[order-per-entity] waits for the retries of the first, which hold up its own entity alone, and goes on when it has failed', async (t) => {
    const { node, publish, receiver, called, pending } = await begin(
      t,
      { ordering: 'entity' },
      { schedule: [3_600_000] },
    )
    receiver.answer(({ body }) => ({ status: (JSON.parse(body.toString()) as Body).data.id === 'bad' ? 503 : 204 }))
    await publish('bad', 'bad', 'good', 'good')
    await node.dispatch()
    assert.deepEqual(called().toSorted(), ['bad', 'good', 'good'])
    assert.deepEqual(shown(await pending()), [
      ['order/bad', false],
      ['order/bad', true],
    ])
    await sql(node.pools.engine, `update webhook_deliveries set due_at = now() where due_at < 'infinity'`)
    await node.dispatch()
    const [second] = await pending()
    assert.equal(second?.blocked, false)
    assert.deepEqual(called().filter((id) => id === 'bad').length, 3)
  })

  test('keeps its order under a breaker and a rate limit', async (t) => {
    const { node, publish, receiver } = await begin(
      t,
      { ordering: 'subscription', rate_limit: 100 },
      { schedule: [0, 0, 0], failuresMax: 2 },
    )
    let calls = 0
    receiver.answer(() => ({ status: ++calls % 4 === 0 || calls % 5 === 0 ? 503 : 204 }))
    const ids = await publish('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h')
    await node.dispatch()
    const arrived = receiver.calls.map(({ id }) => ids.indexOf(id))
    assert.deepEqual(
      arrived,
      arrived.toSorted((a, b) => a - b),
    )
    assert.deepEqual([...new Set(arrived)], [0, 1, 2, 3, 4, 5, 6, 7])
    assert.equal(receiver.openMaxAt('/hook'), 1)
  })

  test('gets an event that is routed while the last of its order is being ended', async (t) => {
    const { node, companyId, subscriptionId, publish, pending } = await begin(t, { ordering: 'entity' })
    await publish('a')
    const id = firstOf(await pending())
    const { engine } = node.pools
    const routed = await inTransaction(engine, async (db) => {
      await lockSubscriptions(db, [{ companyId, subscriptionId }])
      await sql(db, 'delete from webhook_deliveries where id = $1', [id])
      const routing = publish('a')
      const waits = `select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
      let isOver = false
      void routing.then(() => (isOver = true))
      // It waits a little, and leaves the company out for a while then.
      const isMet = async () => isOver || (await sqlValue<number>(node.pools.owner, waits)) > 0
      await until('the router has met the lock', isMet)
      return { routing }
    })
    await routed.routing
    await until('it is routed', async () => {
      await node.route()
      return (await pending()).length > 0
    })
    assert.deepEqual(shown(await pending()), [['order/a', false]])
  })

  test('gets its deliveries with the batch, when those of others are written in slices', async (t) => {
    const options = { deliveriesPerSlice: 2, eventsPerRound: 4, handsOver: false }
    const { node, companyId, publish, pending } = await begin(t, { ordering: 'entity' }, options)
    for (let n = 0; n < 5; n++) {
      await subscribe(node.pools, companyId, { webhook_url: 'https://example.com/', event_names: ['thing.happened'] })
    }
    await node.route() // the events of the subscriptions themselves
    const events = Array.from({ length: 4 }, () => newEvent(companyId, { entity_type: 'order', entity_id: 'a' }))
    await node.publisher.publish(events)
    await node.router.round()
    assert.ok((await sqlValue<number>(node.pools.engine, 'select count(*) from fan_outs')) > 0, 'others are unfinished')
    assert.deepEqual(
      (await pending()).map(({ blocked }) => blocked),
      [false, true, true, true],
    )
    await publish('a')
    assert.equal((await pending()).length, 5)
    assert.equal(await sqlValue(node.pools.engine, 'select count(*) from webhook_deliveries'), 30)
  })

  test('gets what is too much for one transaction in several', async (t) => {
    const options = { deliveriesPerBatch: 5, handsOver: false }
    const { node, publish, pending } = await begin(t, { ordering: 'subscription' }, options)
    await publish(...Array.from({ length: 23 }, () => 'a'))
    const rows = await pending()
    assert.deepEqual(
      rows.map(({ blocked }) => blocked),
      rows.map((_, index) => index > 0),
    )
    assert.equal(rows.length, 23)
    assert.equal(await sqlValue(node.pools.engine, 'select count(*) from events_set_aside'), 0)
  })

  test('that is no longer ordered keeps the order of what waits', async (t) => {
    const { node, companyId, subscriptionId, receiver, publish } = await begin(
      t,
      { ordering: 'entity' },
      { handsOver: false },
    )
    const before = await publish('a', 'a', 'a')
    const change = { ordering: 'none' } as const
    await asCompany(node.pools.api, companyId, async (db) => {
      return await updateSubscription(db, testVault(node.pools), allow, now(), companyId, subscriptionId, change)
    })
    const after = await publish('a')
    const gate = Promise.withResolvers<void>()
    receiver.answer(async () => {
      await gate.promise
      return { status: 204 }
    })
    const ids = () => receiver.calls.map(({ id }) => id)
    await until('the first of the order and the new one are called', async () => {
      await node.dispatcher.round()
      return receiver.calls.length === 2
    })
    assert.deepEqual(new Set(ids()), new Set([before[0], ...after]))
    gate.resolve()
    await node.dispatch()
    assert.deepEqual(
      ids().filter((id) => !after.includes(id)),
      before,
    )
    assert.equal(receiver.openMaxAt('/hook'), 2)
    assert.deepEqual(await findStuckChains(node.pools.engine), [])
  })

  test('that is deleted ends all that waits, without a call and without waiting for a retry', async (t) => {
    const options = { schedule: [3_600_000], handsOver: false }
    const { node, companyId, subscriptionId, receiver, publish } = await begin(t, { ordering: 'subscription' }, options)
    receiver.answer(() => ({ status: 503 }))
    await publish(...Array.from({ length: 1_100 }, () => 'a'))
    await node.dispatch()
    await asCompany(node.pools.api, companyId, async (db) => {
      await deleteSubscription(db, now(), companyId, subscriptionId)
    })
    await node.dispatch()
    const { engine } = node.pools
    const cancelled = `select count(*) from webhook_logs where reason = 'subscription_deleted' and attempt_no = 0`
    assert.equal(await sqlValue(engine, cancelled), 1_099)
    assert.equal(receiver.calls.length, 1)
  })
})

suite('of the deliveries of an order', () => {
  test('one that is blocked says what it waits for, and what that one waits for', async (t) => {
    const { node, companyId, receiver, publish, pending } = await begin(
      t,
      { ordering: 'entity' },
      { schedule: [3_600_000] },
    )
    receiver.answer(() => ({ status: 503 }))
    await publish('a', 'a')
    await node.dispatch()
    const [first, second] = await pending()
    assert.ok(first && second)
    const [head, blocked] = await asCompany(node.pools.api, companyId, async (db) => [
      await findDelivery(db, companyId, first.id),
      await findDelivery(db, companyId, second.id),
    ])
    assert.deepEqual([blocked?.state, blocked?.progress, blocked?.reason], ['pending', 'blocked', 'waits_for_earlier'])
    assert.deepEqual([blocked?.next_attempt_at, head?.blocked_by], [null, null])
    assert.deepEqual(blocked?.blocked_by, {
      id: first.id,
      progress: 'retrying',
      reason: 'http_503',
      next_attempt_at: head?.next_attempt_at,
    })
    assert.deepEqual(await readQueueDepth(node.pools.engine, 100), { due: 0, leased: 0, later: 1, blocked: 1 })
  })

  test('the first can be skipped: those behind it go on, and it keeps its retries', async (t) => {
    const { node, companyId, receiver, publish, pending } = await begin(
      t,
      { ordering: 'entity' },
      { schedule: [3_600_000] },
    )
    receiver.answer(() => ({ status: receiver.calls.length === 1 ? 503 : 204 }))
    const events = await publish('a', 'a', 'a')
    await node.dispatch()
    const id = firstOf(await pending())
    const skipped = await asCompany(
      node.pools.api,
      companyId,
      async (db) => await skipDelivery(db, now(), companyId, id),
    )
    assert.deepEqual([skipped.state, skipped.progress, skipped.reason], ['pending', 'retrying', 'http_503'])
    await node.dispatch()
    assert.deepEqual(
      receiver.calls.map((call) => call.id),
      events,
    )
    assert.equal(receiver.openMaxAt('/hook'), 1)
    assert.deepEqual(shown(await pending()), [[null, false]])
    const told = await sqlValue(
      node.pools.owner,
      `select payload::json ->> 'delivery_id' from event_logs where event_name = 'daybook.delivery.skipped'`,
    )
    assert.equal(told, id)
  })

  test('one that has ended is retried beside them, and holds up nobody', async (t) => {
    const { node, companyId, receiver, publish, pending } = await begin(t, { ordering: 'entity' })
    receiver.answer(() => ({ status: 410 }))
    await publish('a')
    const id = firstOf(await pending())
    await node.dispatch()
    await asCompany(node.pools.api, companyId, async (db) => await retryDelivery(db, now(), companyId, id))
    await publish('a')
    assert.deepEqual(shown(await pending()), [
      [null, false],
      ['order/a', false],
    ])
  })

  test('some can be cancelled together, and what is left goes on; a retry of many leaves blocked ones alone', async (t) => {
    const { node, companyId, publish, pending } = await begin(t, { ordering: 'entity' }, { handsOver: false })
    await publish('a', 'a', 'a', 'b', 'b')
    const at = async (work: typeof cancelDeliveries, more: object) =>
      await inTransaction(node.pools.engine, async (db) => {
        const parameters = { state: 'pending', ...more }
        return await work.slice(db, {
          companyId,
          id: companyId,
          parameters,
          createdAt: 'infinity',
          done: 0,
          cursor: null,
        })
      })
    const retried = await at(retryDeliveries, { reason: 'waits_for_earlier' })
    assert.deepEqual([retried.done, retried.skipped['delivery_blocked']], [0, 3])
    assert.deepEqual(await at(cancelDeliveries, { reason: 'nothing' }).then(({ done }) => done), 0)
    const firsts = await at(cancelDeliveries, { reason: 'not_attempted_yet' })
    assert.equal(firsts.done, 2)
    assert.equal(firsts.wake?.length, 1)
    assert.deepEqual(shown(await pending()), [
      ['order/a', false],
      ['order/a', true],
      ['order/b', false],
    ])
  })

  test('one that is blocked can be cancelled alone; the first stays the only one that may go', async (t) => {
    const { node, companyId, publish, pending } = await begin(t, { ordering: 'entity' }, { handsOver: false })
    await publish('a', 'a', 'a')
    const [, second] = await pending()
    await asCompany(
      node.pools.api,
      companyId,
      async (db) => await cancelDelivery(db, now(), companyId, second?.id ?? ''),
    )
    assert.deepEqual(shown(await pending()), [
      ['order/a', false],
      ['order/a', true],
    ])
  })
})

suite('an order that stopped', () => {
  test('is found among many and mended; one that goes on is left alone', async (t) => {
    const { node, publish, pending } = await begin(t, { ordering: 'entity' }, { handsOver: false })
    const { engine } = node.pools
    const entities = Array.from({ length: 1_200 }, (_, index) => `${10_000 + index}`)
    await publish(...entities, '10000', '11199', '11199')
    const mender = new ChainMender({ pool: engine, leadership: leadership(node) })
    assert.deepEqual(await mender.round(), [])
    await sql(engine, `delete from webhook_deliveries where order_key = 'order/11199' and due_at < 'infinity'`)
    const stuck = await findStuckChains(engine)
    assert.deepEqual(
      stuck.map(({ orderKey }) => orderKey),
      ['order/11199'],
    )
    assert.deepEqual(await findStuckChains(engine, 1_100), [], 'it looks no further than it is told')
    const other = new ChainMender({ pool: engine, leadership: leadership(node) })
    assert.deepEqual(await other.round(), [], 'another leads')
    assert.deepEqual(await mender.round(), stuck)
    assert.deepEqual(await mender.round(), [])
    const own = (await pending()).filter(({ key }) => key === 'order/11199')
    assert.deepEqual(
      own.map(({ blocked }) => blocked),
      [false, true],
    )
  })

  test('is looked for in a part of all orders at a time, and in all of them in the end', async (t) => {
    const { node, publish } = await begin(t, { ordering: 'entity' }, { handsOver: false })
    const { engine } = node.pools
    await publish('a', 'b', 'c', 'a', 'b', 'c')
    const mender = new ChainMender({ pool: engine, leadership: leadership(node), chainsPerRound: 2 })
    for (const turn of [1, 2]) {
      await sql(engine, `update webhook_deliveries set due_at = 'infinity'`)
      const keys = async () => (await mender.round()).map(({ orderKey }) => orderKey)
      assert.deepEqual(await keys(), ['order/a', 'order/b'], `turn ${turn}`)
      assert.deepEqual(await keys(), ['order/c'], `turn ${turn}`)
    }
  })

  test('is left for later while somebody holds its subscription, and those of others are mended', async (t) => {
    const { node, companyId, subscriptionId, receiver, publish } = await begin(t, { ordering: 'entity' })
    const { engine } = node.pools
    const other = await subscribe(node.pools, companyId, {
      webhook_url: `${receiver.url}/other`,
      ordering: 'subscription',
    })
    await publish('a')
    await sql(engine, `update webhook_deliveries set due_at = 'infinity' where order_key is not null`)
    const mender = new ChainMender({ pool: engine, leadership: leadership(node) })
    const mended = async () => (await mender.round()).map((chain) => chain.subscriptionId)
    await inTransaction(engine, async (db) => {
      await lockSubscriptions(db, [{ companyId, subscriptionId }])
      assert.deepEqual(await mended(), [other.id])
    })
    assert.deepEqual(await mended(), [subscriptionId])
  })
})

const leadership = ({ pools: { engine } }: TestNode): Leadership =>
  new Leadership({ db: engine, clock: systemClock, name: 'jobs', holder: randomUUID() })
