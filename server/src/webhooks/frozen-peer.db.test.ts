import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../test/support/database.ts'
import { newEvent, newEvents } from '../../test/support/new-event.ts'
import { scriptedReceiver } from '../../test/support/scripted-receiver.ts'
import { sqlValue } from '../../test/support/sql.ts'
import { newCompany, subscribe, testNode } from '../../test/support/test-node.ts'
import { until } from '../../test/support/until.ts'
import { withClient } from '../../test/torture/with-client.ts'

test('a process that froze while it held a subscription keeps no other waiting: events are routed, neighbours are called', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const node = testNode(database)
  const [frozen, other] = [await newCompany(node.pools), await newCompany(node.pools)]
  const held = await subscribe(node.pools, frozen, { webhook_url: `${receiver.url}/held` })
  await subscribe(node.pools, frozen, { webhook_url: `${receiver.url}/beside` })
  await subscribe(node.pools, other, { webhook_url: `${receiver.url}/other` })
  const callsOf = (path: string): number => receiver.calls.filter((call) => call.path === path).length
  const publishToAll = async (): Promise<void> => {
    await node.publisher.publish([...newEvents(frozen, 1), ...newEvents(other, 1)])
    await node.route()
  }
  await withClient(database.url, async (client) => {
    await client.query('begin')
    await client.query('select 1 from subscription_health where subscription_id = $1 for update', [held.id])
    await publishToAll()
    await publishToAll()
    await until('the others are called', async () => {
      await node.dispatcher.round()
      return callsOf('/beside') >= 2 && callsOf('/other') >= 2
    })
    assert.equal(callsOf('/held'), 0)
    await client.query('rollback')
  })
  await node.dispatch()
  assert.equal(callsOf('/held'), 2)
})

const inOrder = (companyId: string) => newEvent(companyId, { entity_type: 'order', entity_id: 'x' })

test('one that froze while it held an ordered subscription keeps the events of its company waiting, and of no other', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const node = testNode(database)
  const [frozen, other] = [await newCompany(node.pools), await newCompany(node.pools)]
  const held = await subscribe(node.pools, frozen, { webhook_url: `${receiver.url}/held`, ordering: 'entity' })
  await subscribe(node.pools, other, { webhook_url: `${receiver.url}/other`, ordering: 'entity' })
  await node.route()
  const callsOf = (path: string): number => receiver.calls.filter((call) => call.path === path).length
  const outbox = 'select count(*) from event_outbox where company_id = $1'
  await withClient(database.url, async (client) => {
    await client.query('begin')
    await client.query('select 1 from subscription_health where subscription_id = $1 for update', [held.id])
    await node.publisher.publish([inOrder(frozen), inOrder(other), inOrder(frozen), inOrder(other)])
    await until('the others are called', async () => {
      await node.route()
      await node.dispatcher.round()
      return callsOf('/other') === 2
    })
    assert.equal(await sqlValue(node.pools.engine, outbox, [frozen]), 2)
    await client.query('rollback')
  })
  await until('its own go on', async () => {
    await node.route()
    await node.dispatcher.round()
    return callsOf('/held') === 2
  })
  const positions = 'select array_agg(position order by position) from event_audit_trail where company_id = $1'
  assert.deepEqual(await sqlValue(node.pools.engine, positions, [frozen]), ['1', '2', '3', '4'])
})

test('one that froze while it held a subscription without an order keeps no ordered neighbour waiting', async (t) => {
  const database = await testDatabase(t)
  const node = testNode(database)
  const [frozen, other] = [await newCompany(node.pools), await newCompany(node.pools)]
  const held = await subscribe(node.pools, frozen, { webhook_url: 'https://127.0.0.1/' })
  await subscribe(node.pools, other, { webhook_url: 'https://127.0.0.1/', ordering: 'entity' })
  await node.route()
  await withClient(database.url, async (client) => {
    await client.query('begin')
    await client.query('select 1 from subscription_health where subscription_id = $1 for update', [held.id])
    await node.publisher.publish([inOrder(frozen), inOrder(other)])
    await node.route()
    assert.equal(await sqlValue(node.pools.engine, 'select count(*) from event_outbox'), 0)
    await client.query('rollback')
  })
})

test('one that froze while it held an ordered subscription keeps the results of no other from being written', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const node = testNode(database, { handsOver: false, schedule: [3_600_000] })
  const [frozen, other] = [await newCompany(node.pools), await newCompany(node.pools)]
  const held = await subscribe(node.pools, frozen, { webhook_url: `${receiver.url}/held`, ordering: 'entity' })
  const free = await subscribe(node.pools, other, { webhook_url: `${receiver.url}/free` })
  await node.publisher.publish([...Array.from({ length: 4 }, () => inOrder(frozen)), ...newEvents(other, 4)])
  await node.route()
  const gate = Promise.withResolvers<void>()
  let answered = 0
  receiver.answer(async ({ path }) => {
    await gate.promise
    return { status: path === '/free' && ++answered % 2 === 0 ? 503 : 204 }
  })
  await until('calls are under way', async () => {
    await node.dispatcher.round()
    return receiver.calls.length === 5
  })
  const logged = 'select count(*) from webhook_logs where subscription_id = $1'
  await withClient(database.url, async (client) => {
    await client.query('begin')
    await client.query('select 1 from subscription_health where subscription_id = $1 for update', [held.id])
    gate.resolve()
    const written = async () => (await sqlValue<number>(node.pools.engine, logged, [free.id])) === 4
    await until('the results of the other are written', written)
    assert.equal(await sqlValue(node.pools.engine, logged, [held.id]), 0)
    await client.query('rollback')
  })
  await node.dispatch()
  assert.equal(await sqlValue(node.pools.engine, logged, [held.id]), 4)
  assert.equal(node.fenced, 0)
  assert.deepEqual(node.errors, [])
})
