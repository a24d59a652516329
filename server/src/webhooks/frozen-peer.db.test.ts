import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../test/support/database.ts'
import { newEvents } from '../../test/support/new-event.ts'
import { scriptedReceiver } from '../../test/support/scripted-receiver.ts'
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
