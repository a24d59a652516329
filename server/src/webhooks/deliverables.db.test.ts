import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../test/support/database.ts'
import { testVault } from '../../test/support/master-key.ts'
import { newCompany, subscribe, testNode } from '../../test/support/test-node.ts'
import type { Db } from '../db/statement.ts'
import { Deliverables } from './deliverables.ts'
import { SubscriptionSets } from './subscription-set.ts'

test('what is called again and again is remembered, however many others are called between', async (t) => {
  const database = await testDatabase(t)
  const { pools } = testNode(database, { handsOver: false })
  const companyId = await newCompany(pools)
  const ids: string[] = []
  for (let n = 0; n < 6; n++) {
    const made = await subscribe(pools, companyId, { webhook_url: 'https://127.0.0.1/hook' })
    ids.push(made.id)
  }
  const set = await new SubscriptionSets().get(pools.engine, companyId, 6)
  let reads = 0
  const counting: Db = {
    query: async (query) => {
      if (query.name === 'subscription.read_calls') reads++
      return (await pools.engine.query(query)) as never
    },
  }
  const deliverables = new Deliverables(testVault(pools), 2)
  const load = async (id: string | undefined) => {
    const loaded = await deliverables.load(
      counting,
      companyId,
      [set.get(id ?? '')].flatMap((one) => one ?? []),
    )
    assert.equal(loaded.get(id ?? '')?.webhookUrl, 'https://127.0.0.1/hook')
  }
  const [often, ...others] = ids
  for (const other of others) {
    await load(often)
    await load(other)
  }
  assert.equal(reads, 1 + others.length)
})
