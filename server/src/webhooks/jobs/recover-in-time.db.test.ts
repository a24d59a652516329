import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../../test/support/database.ts'
import { newEvent } from '../../../test/support/new-event.ts'
import { sqlValue } from '../../../test/support/sql.ts'
import { newCompany, subscribe, testNode } from '../../../test/support/test-node.ts'
import { inTransaction } from '../../db/transaction.ts'
import { newId } from '../../lib/ids.ts'
import type { JobSlice } from './job-kinds.ts'
import { recoverSlice } from './recover-events.ts'

test('a slice of a recovery ends with the time for filters, and the next one goes on behind the last event it judged', async (t) => {
  const database = await testDatabase(t)
  const node = testNode(database, { handsOver: false })
  const { pools } = node
  const companyId = await newCompany(pools)
  for (let n = 0; n < 30; n++) {
    await node.publisher.publish([newEvent(companyId, { event_name: n % 2 === 0 ? 'a' : 'b', payload: { n } })])
  }
  await node.route()
  const to = await sqlValue<number>(pools.engine, 'select last_position from company_heads where company_id = $1', [
    companyId,
  ])
  const { id } = await subscribe(pools, companyId, {
    webhook_url: 'https://127.0.0.1/hook',
    event_names: ['a'],
    filter: { n: { $gte: 10 } },
  })
  let nowMs = 0
  const parameters = { subscription_id: id, from_position: 1, to_position: to, then_active: false }
  const slices: JobSlice[] = []
  for (let cursor: string | null = null, finished = false; !finished;) {
    const job = { companyId, id: newId(), createdAt: new Date().toISOString(), done: 0, cursor, parameters }
    const slice: JobSlice = await inTransaction(
      pools.engine,
      // Each look at the clock is 100 ms after the one before, so there is time for three events.
      async (db) => await recoverSlice(db, job, { elapsed: () => (nowMs += 100) }),
    )
    slices.push(slice)
    ;({ cursor, finished } = slice)
    assert.ok(slices.length < 20)
  }
  assert.deepEqual(
    slices.map(({ done, skipped }) => done + (skipped['filter'] ?? 0)),
    [3, 3, 3, 3, 3, 0],
  )
  assert.equal(
    slices.reduce((sum, { done }) => sum + done, 0),
    10,
  )
  assert.equal(await sqlValue(pools.engine, 'select count(*) from webhook_deliveries'), 10)
})
