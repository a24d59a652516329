import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../test/support/database.ts'
import { testVault } from '../../test/support/master-key.ts'
import { newEvent, newEvents } from '../../test/support/new-event.ts'
import { sql, sqlValue } from '../../test/support/sql.ts'
import { allow, newCompany, now, subscribe, testNode } from '../../test/support/test-node.ts'
import { asCompany } from '../db/transaction.ts'
import type { Db } from '../db/statement.ts'
import { parseEgressAllow } from './egress-policy.ts'
import { enableSubscription } from './enable-subscription.ts'
import { SubscriptionSets } from './subscription-set.ts'
import type { SubscriptionChange } from './subscriptions.ts'
import { deleteSubscription, disableSubscription, rotateSecret, updateSubscription } from './subscriptions.ts'

/** Never called here: nothing is handed over. */
const webhook_url = 'https://example.com/hook'

/** Ids of the events that are owed to a subscription, in the order of positions. */
async function owedTo(db: Db, subscriptionId: string): Promise<string[]> {
  const rows = await sql<{ event_id: string }>(
    db,
    'select event_id from webhook_deliveries where subscription_id = $1 order by position',
    [subscriptionId],
  )
  return rows.map(({ event_id }) => event_id)
}

test('a subscription that was acknowledged before a publish gets the event, whoever routes meanwhile', async (t) => {
  const database = await testDatabase(t)
  const writer = testNode(database, { handsOver: false })
  const router = testNode(database, { handsOver: false })
  const { pools } = writer
  const companyId = await newCompany(pools)
  let working = true
  const route = async (): Promise<void> => {
    while (working) await router.router.round()
    await router.route()
  }
  const noise = async (): Promise<void> => {
    while (working) await router.publisher.publish(newEvents(companyId, 3, { event_name: 'noise.made' }))
  }
  const wanted = new Map<string, string>()
  const subscribeAndPublish = async (from: number): Promise<void> => {
    for (let turn = 0; turn < 25; turn++) {
      const name = `turn.t${from}-${turn}`
      const { id } = await subscribe(pools, companyId, { webhook_url, event_names: [name] })
      const event = newEvent(companyId, { event_name: name })
      await writer.publisher.publish([event])
      wanted.set(id, event.id)
    }
  }
  const working4 = Promise.all([0, 1, 2, 3].map(subscribeAndPublish)).finally(() => (working = false))
  await Promise.all([working4, route(), noise()])
  const rows = await sql<{ subscription_id: string; event_id: string }>(
    pools.engine,
    'select subscription_id, event_id from webhook_deliveries',
  )
  assert.equal(wanted.size, 100)
  assert.deepEqual(new Map(rows.map((row) => [row.subscription_id, row.event_id])), wanted)
})

test('a subscription gets exactly the events that its names choose', async (t) => {
  const database = await testDatabase(t)
  const node = testNode(database, { handsOver: false })
  const { pools } = node
  const companyId = await newCompany(pools)
  const other = await newCompany(pools)
  const choices = {
    exact: ['order.created'],
    prefix: ['order.*'],
    all: ['*'],
    own: ['daybook.*'],
    several: ['order.created', 'order.*', '*', 'call.ended'],
    none: ['order'],
  }
  const ids = new Map<string, string>()
  for (const [name, event_names] of Object.entries(choices)) {
    ids.set(name, (await subscribe(pools, companyId, { webhook_url, event_names })).id)
  }
  await subscribe(pools, other, { webhook_url })
  await node.route()
  await sql(pools.engine, 'delete from webhook_deliveries')
  const names = ['order.created', 'order.item.added', 'ordered', 'call.ended']
  const events = names.map((event_name) => newEvent(companyId, { event_name }))
  await node.publisher.publish(events)
  const changed = await asCompany(
    pools.api,
    companyId,
    async (db) =>
      await updateSubscription(db, testVault(pools), allow, now(), companyId, ids.get('none') ?? '', {
        description: 'x',
      }),
  )
  await node.route()
  const owed: Record<string, string[]> = {}
  for (const [name, id] of ids) {
    const rows = await sql<{ event_name: string }>(
      pools.engine,
      `select t.event_name from webhook_deliveries d join event_audit_trail t using (company_id, position)
        where d.subscription_id = $1 order by position`,
      [id],
    )
    owed[name] = rows.map(({ event_name }) => event_name)
  }
  assert.deepEqual(owed, {
    exact: ['order.created'],
    prefix: ['order.created', 'order.item.added'],
    all: names,
    own: ['daybook.subscription.updated'],
    several: names,
    none: [],
  })
  assert.equal(changed.description, 'x')
  assert.equal(
    await sqlValue(pools.engine, 'select count(*) from webhook_deliveries where company_id = $1', [other]),
    0,
  )
})

test('versions are kept for ever, and each names the subscription as it was then', async (t) => {
  const database = await testDatabase(t)
  const { pools } = testNode(database, { handsOver: false })
  const companyId = await newCompany(pools)
  const one = await subscribe(pools, companyId, { webhook_url, event_names: ['a'], concurrency: 3 })
  const two = await subscribe(pools, companyId, { webhook_url, event_names: ['b'] })
  const change = async (work: (db: Db) => Promise<unknown>) => await asCompany(pools.api, companyId, work)
  await change(
    async (db) =>
      await updateSubscription(db, testVault(pools), allow, now(), companyId, one.id, { event_names: ['c'] }),
  )
  await change(async (db) => await disableSubscription(db, now(), companyId, one.id))
  await change(async (db) => await deleteSubscription(db, now(), companyId, two.id))
  const versions = await sql<{ version: number; subscription_id: string; status: string; event_names: string[] }>(
    pools.engine,
    `select version, subscription_id, status, event_names from event_subscription_versions
      where company_id = $1 order by version`,
    [companyId],
  )
  assert.deepEqual(
    versions.map((row) => [row.version, row.subscription_id, row.status, ...row.event_names]),
    [
      [1, one.id, 'active', 'a'],
      [2, two.id, 'active', 'b'],
      [3, one.id, 'active', 'c'],
      [4, one.id, 'inactive', 'c'],
      [5, two.id, 'deleted', 'b'],
    ],
  )

  // A cache that goes forward step by step comes to the same.
  const sets = new SubscriptionSets()
  for (const version of [1, 3, 5]) await sets.get(pools.engine, companyId, version)
  const set = await sets.get(pools.engine, companyId, 2)
  assert.deepEqual([set.version, set.get(one.id)?.status, set.get(two.id)?.status], [5, 'inactive', 'deleted'])
  for (const pool of [pools.api, pools.engine]) {
    await assert.rejects(sql(pool, `update event_subscription_versions set webhook_url = 'x'`), /permission denied/)
    await assert.rejects(sql(pool, 'delete from event_subscription_versions'), /permission denied/)
  }
})

test('every change of a subscription has its event in the same transaction, without a secret', async (t) => {
  const database = await testDatabase(t)
  const { pools } = testNode(database, { handsOver: false })
  const companyId = await newCompany(pools)
  const { id, secret } = await subscribe(pools, companyId, { webhook_url })
  const change = async (work: (db: Db) => Promise<unknown>) => await asCompany(pools.api, companyId, work)
  await change(
    async (db) => await updateSubscription(db, testVault(pools), allow, now(), companyId, id, { description: 'new' }),
  )
  let rotated = ''
  await change(async (db) => {
    rotated = (await rotateSecret(db, testVault(pools), now(), companyId, id, { overlapSeconds: 60 })).secret.reveal()
  })
  await change(async (db) => await disableSubscription(db, now(), companyId, id))
  await change(async (db) => await enableSubscription(db, now(), companyId, id))
  const undone = change(async (db) => {
    await deleteSubscription(db, now(), companyId, id)
    throw new Error('changed my mind')
  })
  await assert.rejects(undone, /changed my mind/)
  const rows = await sql<{ event_name: string; payload: string }>(
    pools.engine,
    `select event_name, payload from event_logs where entity_id = $1 order by id`,
    [id],
  )
  assert.deepEqual(
    rows.map(({ event_name }) => event_name.replace('daybook.subscription.', '')),
    ['created', 'updated', 'secret_rotated', 'disabled', 'enabled'],
  )
  const told = rows.map(({ payload }) => payload).join('\n')
  for (const one of [secret, rotated, 'whsec_']) assert.ok(one !== '' && !told.includes(one))
  assert.equal(await sqlValue(pools.engine, 'select status from event_subscriptions where id = $1', [id]), 'active')
})

test('an inactive subscription is owed nothing new, and enabling it tells exactly what it missed', async (t) => {
  const database = await testDatabase(t)
  const node = testNode(database, { handsOver: false })
  const { pools } = node
  const companyId = await newCompany(pools)
  const { id } = await subscribe(pools, companyId, { webhook_url, event_names: ['a', 'b.*'] })
  const publish = async (...names: string[]) => {
    const events = names.map((event_name) => newEvent(companyId, { event_name }))
    await node.publisher.publish(events)
    await node.route()
    return events.map((event) => event.id)
  }
  const before = await publish('a')
  const disabled = await asCompany(
    pools.api,
    companyId,
    async (db) => await disableSubscription(db, now(), companyId, id),
  )
  const first = await sqlValue<number>(
    pools.engine,
    'select last_position + 1 from company_heads where company_id = $1',
    [companyId],
  )
  assert.deepEqual([disabled.status, disabled.held_from_position], ['inactive', first])
  await publish('a', 'c', 'b.x', 'b', 'b.x.y')
  await publish('a')
  const again = await asCompany(pools.api, companyId, async (db) => await disableSubscription(db, now(), companyId, id))
  assert.equal(again.held_from_position, first, 'disabling again changes nothing')
  const last = await sqlValue<number>(pools.engine, 'select last_position from company_heads where company_id = $1', [
    companyId,
  ])
  const enabled = await asCompany(
    pools.api,
    companyId,
    async (db) => await enableSubscription(db, now(), companyId, id),
  )
  assert.deepEqual(enabled.held, { from_position: first, to_position: last, count: 4 })
  assert.equal(enabled.subscription.held_from_position, null)
  const after = await publish('a')
  assert.deepEqual(await owedTo(pools.engine, id), [...before, ...after])
})

test('a URL that the operator has since refused keeps nothing else from being changed, until it is to be called anew', async (t) => {
  const { pools } = await testDatabase(t)
  const companyId = await newCompany(pools)
  const webhook_url = 'http://127.0.0.1/hook'
  const { id } = await subscribe(pools, companyId, { webhook_url })
  const none = parseEgressAllow('')
  const change = async (to: SubscriptionChange) =>
    await asCompany(
      pools.api,
      companyId,
      async (db) => await updateSubscription(db, testVault(pools), none, now(), companyId, id, to),
    )
  assert.equal((await change({ description: 'other', webhook_url, active: true })).description, 'other')
  await assert.rejects(change({ webhook_url: `${webhook_url}/other` }), { code: 'invalid_url' })
  assert.equal((await change({ active: false })).status, 'inactive')
  assert.equal((await change({ concurrency: 1 })).concurrency, 1)
  await assert.rejects(change({ active: true }), { code: 'invalid_url' })
})
