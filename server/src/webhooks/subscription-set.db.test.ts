import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../test/support/database.ts'
import { testVault } from '../../test/support/master-key.ts'
import { allow, newCompany, now, subscribe, testNode } from '../../test/support/test-node.ts'
import type { Db } from '../db/statement.ts'
import { asCompany } from '../db/transaction.ts'
import { SubscriptionSets } from './subscription-set.ts'
import { deleteSubscription, updateSubscription } from './subscriptions.ts'

const webhook_url = 'https://127.0.0.1/hook'

test('a company is first read as it is, not version by version, and from there on by what changed', async (t) => {
  const database = await testDatabase(t)
  const { pools } = testNode(database, { handsOver: false })
  const companyId = await newCompany(pools)
  const inCompany = async (work: (db: Db) => Promise<unknown>) => await asCompany(pools.api, companyId, work)
  const rename = async (id: string, name: string) =>
    await inCompany(
      async (db) =>
        await updateSubscription(db, testVault(pools), allow, now(), companyId, id, { event_names: [name] }),
    )
  const reads: string[] = []
  const counting: Db = {
    query: async (query) => {
      const answer = await pools.engine.query(query)
      reads.push(`${query.name} ${answer.rows.length}`)
      return answer as never
    },
  }

  const changed = await subscribe(pools, companyId, { webhook_url, event_names: ['n0'] })
  const deleted = await subscribe(pools, companyId, { webhook_url, filter: { a: 1 } })
  for (let n = 1; n <= 10; n++) await rename(changed.id, `n${n}`)
  await inCompany(async (db) => await deleteSubscription(db, now(), companyId, deleted.id))
  const sets = new SubscriptionSets()
  const set = await sets.get(counting, companyId, 13)
  assert.deepEqual(reads, ['subscription.read_current 2'])
  assert.deepEqual(set.get(changed.id)?.eventNames, ['n10'])
  const kept = set.get(deleted.id)
  assert.deepEqual([kept?.status, kept?.eventNames, kept?.filter], ['deleted', [], undefined])

  await rename(changed.id, 'n11')
  assert.equal(await sets.get(counting, companyId, 13), set)
  await sets.get(counting, companyId, 14)
  assert.deepEqual(reads.slice(1), ['subscription.read_versions 1'])
  assert.deepEqual([set.version, set.get(changed.id)?.eventNames], [14, ['n11']])
})

test('what is newer than was asked for stays when its version is asked for', async (t) => {
  const database = await testDatabase(t)
  const { pools } = testNode(database, { handsOver: false })
  const companyId = await newCompany(pools)
  const first = await subscribe(pools, companyId, { webhook_url })
  const second = await subscribe(pools, companyId, { webhook_url })
  const sets = new SubscriptionSets()
  const set = await sets.get(pools.engine, companyId, first.version)
  assert.equal(set.version, first.version)
  await sets.get(pools.engine, companyId, second.version)
  const owed = set.index.owed({ eventName: 'a' }, { isUpAfterFilter: () => false })
  assert.deepEqual(
    owed?.map(({ id }) => id),
    [first.id, second.id],
  )
})
