import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../test/support/database.ts'
import { testVault } from '../../test/support/master-key.ts'
import { newEvent } from '../../test/support/new-event.ts'
import { sql, sqlValue } from '../../test/support/sql.ts'
import { allow, newCompany, now, subscribe, testNode } from '../../test/support/test-node.ts'
import type { Db } from '../db/statement.ts'
import { asCompany } from '../db/transaction.ts'
import { getEvent } from '../events/get-event.ts'
import { explainRouting } from './explain-routing.ts'
import { previewSubscription } from './preview-subscription.ts'
import type { SubscriptionChange } from './subscriptions.ts'
import { deleteSubscription, disableSubscription, updateSubscription } from './subscriptions.ts'

const webhook_url = 'https://127.0.0.1/hook'

test('routing is explained by the versions that were in force at the position, and agrees with what was owed', async (t) => {
  const database = await testDatabase(t)
  const node = testNode(database, { handsOver: false })
  const { pools } = node
  const companyId = await newCompany(pools)
  const inCompany = async <Result>(work: (db: Db) => Promise<Result>) => await asCompany(pools.api, companyId, work)
  const change = async (id: string, to: SubscriptionChange) =>
    await inCompany(async (db) => await updateSubscription(db, testVault(pools), allow, now(), companyId, id, to))
  const publish = async (payload: unknown) => {
    const event = newEvent(companyId, { event_name: 'appointment.created', payload })
    await node.publisher.publish([event])
    await node.route()
    return event.id
  }
  const explain = async (id: string, limit = 50) => {
    const { explanations, nextCursor } = await inCompany(
      async (db) => await explainRouting(db, companyId, await getEvent(db, companyId, id), { limit }),
    )
    return { nextCursor, told: new Map(explanations.map((one) => [one.subscription_id, one])) }
  }
  const owed = async (id: string) => {
    const rows = await sql<{ subscription_id: string }>(
      pools.engine,
      'select subscription_id from webhook_deliveries where event_id = $1',
      [id],
    )
    return new Set(rows.map((row) => row.subscription_id))
  }

  const all = await subscribe(pools, companyId, { webhook_url })
  const branch = await subscribe(pools, companyId, {
    webhook_url,
    filter: { branch_id: 'berlin', minutes: { $gte: 30 } },
  })
  const calls = await subscribe(pools, companyId, { webhook_url, event_names: ['call.*'] })
  const paused = await subscribe(pools, companyId, { webhook_url, active: false })
  const gone = await subscribe(pools, companyId, { webhook_url })
  await inCompany(async (db) => await deleteSubscription(db, now(), companyId, gone.id))

  const short = await publish({ branch_id: 'berlin', minutes: 20 })
  const long = await publish({ branch_id: 'berlin', minutes: 30 })
  await change(branch.id, { filter: { branch_id: 'hamburg' } })
  await change(calls.id, { event_names: ['*'] })
  await inCompany(async (db) => await disableSubscription(db, now(), companyId, all.id))
  const later = await publish({ branch_id: 'hamburg' })

  for (const id of [short, long, later]) {
    const { told } = await explain(id)
    assert.equal(told.has(gone.id), false)
    const matched = [...told.values()].filter((one) => one.matched).map((one) => one.subscription_id)
    assert.deepEqual(new Set(matched), await owed(id))
  }
  const first = (await explain(short)).told
  assert.equal(first.get(all.id)?.reason, null)
  assert.equal(first.get(calls.id)?.reason, 'other_event_names')
  assert.equal(first.get(paused.id)?.reason, 'not_active')
  assert.deepEqual(first.get(branch.id), {
    subscription_id: branch.id,
    subscription_version: branch.version,
    matched: false,
    reason: 'filter',
    failed_conditions: [{ pointer: '/minutes/$gte', path: 'minutes', operator: '$gte', expected: 30, found: 'number' }],
  })
  const last = (await explain(later)).told
  assert.equal(last.get(all.id)?.reason, 'not_active')
  assert.equal(last.get(branch.id)?.matched, true)
  assert.equal(last.get(calls.id)?.matched, true)
  const page = await explain(later, 1)
  assert.deepEqual([...page.told.keys()], [all.id])
  assert.notEqual(page.nextCursor, null)

  await sql(pools.owner, 'delete from event_logs where id = $1', [short])
  const { told: afterwards } = await explain(short)
  assert.equal(afterwards.get(branch.id)?.reason, 'event_not_stored')
  assert.equal(afterwards.get(all.id)?.matched, true)
})

test('an event that is not routed yet has no explanation', async (t) => {
  const database = await testDatabase(t)
  const { pools, publisher } = testNode(database)
  const companyId = await newCompany(pools)
  await subscribe(pools, companyId, { webhook_url })
  const event = newEvent(companyId)
  await publisher.publish([event])
  const { explanations } = await asCompany(
    pools.api,
    companyId,
    async (db) => await explainRouting(db, companyId, await getEvent(db, companyId, event.id), {}),
  )
  assert.deepEqual(explanations, [])
})

test('a page of explanations looks at a thousand subscriptions at most, and for a second, and the next goes on', async (t) => {
  const database = await testDatabase(t)
  const node = testNode(database, { handsOver: false })
  const { pools } = node
  const companyId = await newCompany(pools)
  const columns = 'company_id, webhook_url, event_names, status, concurrency, timeout_ms, version'
  const values = `'${companyId}', 'https://127.0.0.1/x', '{*}', 'deleted', 1, 1000, 0`
  const ids = `('018f0000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid from generate_series(1, 1500) n`
  await sql(
    pools.owner,
    `insert into event_subscriptions (${columns}, held_from_position, id) select ${values}, 1, ${ids}`,
  )
  await sql(
    pools.owner,
    `insert into event_subscription_versions (${columns}, subscription_id) select ${values}, ${ids}`,
  )
  const made: string[] = []
  for (let n = 0; n < 7; n++) made.push((await subscribe(pools, companyId, { webhook_url, filter: { n } })).id)
  const event = newEvent(companyId, { payload: { n: 3 } })
  await node.publisher.publish([event])
  await node.route()

  let nowMs = 0
  const pages: string[][] = []
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page = cursor === undefined ? {} : { cursor }
    const { explanations, nextCursor } = await asCompany(
      pools.api,
      companyId,
      async (db) =>
        await explainRouting(db, companyId, await getEvent(db, companyId, event.id), page, () => (nowMs += 250)),
    )
    pages.push(explanations.map((one) => one.subscription_id))
    cursor = nextCursor
    assert.ok(pages.length < 20)
  }
  assert.deepEqual(pages[0], [])
  assert.ok(
    pages.every((page) => page.length < 4),
    JSON.stringify(pages),
  )
  assert.deepEqual(pages.flat(), made)
})

test('an explanation says that an event was sent because its filter was too costly', async (t) => {
  const database = await testDatabase(t)
  const node = testNode(database, { handsOver: false })
  const { pools } = node
  const companyId = await newCompany(pools)
  const filter = { $any: Array.from({ length: 40 }, (_, n) => ({ 'list.k': 100 + n })) }
  await subscribe(pools, companyId, { webhook_url, filter })
  const list = Array.from({ length: 30_000 }, (_, n) => ({ k: n % 10 }))
  const event = newEvent(companyId, { payload: { list } })
  await node.publisher.publish([event])
  await node.route()
  const { explanations } = await asCompany(
    pools.api,
    companyId,
    async (db) => await explainRouting(db, companyId, await getEvent(db, companyId, event.id), {}),
  )
  assert.deepEqual(
    explanations.map(({ matched, reason }) => [matched, reason]),
    [[true, 'filter_too_costly']],
  )
})

test('a preview says what names and filter would have let through of the newest events', async (t) => {
  const database = await testDatabase(t)
  const node = testNode(database, { handsOver: false })
  const { pools } = node
  const companyId = await newCompany(pools)
  const events = Array.from({ length: 130 }, (_, n) =>
    newEvent(companyId, { event_name: n % 2 === 0 ? 'order.placed' : 'call.ended', payload: { n } }),
  )
  for (const event of events) await node.publisher.publish([event])
  await node.route()
  const preview = async (input: Parameters<typeof previewSubscription>[2]) =>
    await asCompany(pools.api, companyId, async (db) => await previewSubscription(db, companyId, input, () => 0))

  const filtered = await preview({ event_names: ['order.*'], filter: { n: { $gte: 100 } }, last: 120 })
  assert.equal(filtered.considered, 120)
  assert.equal(filtered.matched, 15)
  assert.deepEqual(filtered.by_event_name, [{ event_name: 'order.placed', named: 60, matched: 15 }])
  assert.equal(filtered.to_position, filtered.from_position === null ? null : filtered.from_position + 119)
  assert.equal(filtered.matches.length, 10)
  assert.equal(filtered.matches[0]?.event_id, events[128]?.id)
  assert.equal(filtered.misses.length, 10)
  assert.equal(filtered.misses[0]?.event_id, events[98]?.id)
  assert.deepEqual(
    filtered.misses[0]?.failed_conditions.map(({ path }) => path),
    ['n'],
  )

  const everything = await preview({ event_names: ['*'] })
  assert.equal(everything.matched, 130)
  await assert.rejects(preview({ event_names: ['Order'] }), { code: 'invalid_event_name' })
  await assert.rejects(preview({ event_names: ['*'], filter: { n: [] } }), { code: 'invalid_filter' })
})

test('a preview answers with what it has after two seconds, and lets others go on between two events', async (t) => {
  const database = await testDatabase(t)
  const node = testNode(database, { handsOver: false })
  const { pools } = node
  const companyId = await newCompany(pools)
  for (let n = 0; n < 40; n++) await node.publisher.publish([newEvent(companyId, { event_name: 'a', payload: { n } })])
  await node.route()
  const last = await sqlValue<number>(pools.engine, 'select last_position from company_heads where company_id = $1', [
    companyId,
  ])
  let isDone = false
  let turn = 0
  const others = (): void => {
    turn++
    if (!isDone) setImmediate(others)
  }
  setImmediate(others)
  t.after(() => (isDone = true))
  let nowMs = 0
  const turns = new Set<number>()
  const elapsedMs = (): number => {
    turns.add(turn)
    return (nowMs += 50)
  }
  const preview = await asCompany(
    pools.api,
    companyId,
    async (db) =>
      await previewSubscription(db, companyId, { event_names: ['*'], filter: { n: { $gte: 20 } } }, elapsedMs),
  )
  isDone = true
  assert.ok(preview.considered > 5 && preview.considered < 40, String(preview.considered))
  assert.deepEqual([preview.from_position, preview.to_position], [last - preview.considered + 1, last])
  assert.equal(preview.matched, Math.min(20, preview.considered))
  assert.ok(turns.size >= preview.considered, `${turns.size} turns`)
})
