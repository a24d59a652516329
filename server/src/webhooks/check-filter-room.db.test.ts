import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../test/support/database.ts'
import { testVault } from '../../test/support/master-key.ts'
import { sql } from '../../test/support/sql.ts'
import { allow, newCompany, now, subscribe, testNode } from '../../test/support/test-node.ts'
import { asCompany } from '../db/transaction.ts'
import { FILTER_BYTES_MAX } from './check-filter-room.ts'
import { deleteSubscription, updateSubscription } from './subscriptions.ts'

const webhook_url = 'https://127.0.0.1/hook'

test('the filters of a company have a size together, beyond which no large one is saved', async (t) => {
  const database = await testDatabase(t)
  const { pools } = testNode(database, { handsOver: false })
  const companyId = await newCompany(pools)
  const small = { branch: 'berlin' }
  const large = { branch: { $in: Array.from({ length: 100 }, (_, n) => `branch ${n}`) } }
  const [first, second] = [
    await subscribe(pools, companyId, { webhook_url }),
    await subscribe(pools, companyId, { webhook_url }),
  ]
  const fill = async (bytes: number) =>
    await sql(pools.owner, `update event_subscriptions set filter = repeat('x', $2) where id = $1`, [first.id, bytes])
  const update = async (filter: object) =>
    await asCompany(
      pools.api,
      companyId,
      async (db) => await updateSubscription(db, testVault(pools), allow, now(), companyId, second.id, { filter }),
    )
  const refused = { code: 'invalid_filter', faults: [{ pointer: '/filter', code: 'filters_too_large' }] }
  const isRefused = async (work: Promise<unknown>) =>
    await assert.rejects(work, (error: { code: string; faults: readonly { pointer: string; code: string }[] }) => {
      const { code, faults } = error
      assert.deepEqual({ code, faults: faults.map((one) => ({ pointer: one.pointer, code: one.code })) }, refused)
      return true
    })

  await fill(FILTER_BYTES_MAX - Buffer.byteLength(JSON.stringify(large)))
  await subscribe(pools, companyId, { webhook_url, filter: large })
  await isRefused(subscribe(pools, companyId, { webhook_url, filter: large }))
  await isRefused(update(large))
  await update(small)
  await asCompany(pools.api, companyId, async (db) => await deleteSubscription(db, now(), companyId, first.id))
  await update(large)
})
