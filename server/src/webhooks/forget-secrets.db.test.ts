import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../test/support/database.ts'
import { testVault } from '../../test/support/master-key.ts'
import { sql, sqlValue } from '../../test/support/sql.ts'
import { allow, newCompany, now, subscribe } from '../../test/support/test-node.ts'
import { asCompany } from '../db/transaction.ts'
import { forgetSecrets } from './forget-secrets.ts'
import { rotateSecret, updateSubscription } from './subscriptions.ts'

test('what was replaced goes a day later, and what is in force stays', async (t) => {
  const { pools } = await testDatabase(t)
  const vault = testVault(pools)
  for (let count = 0; count < 2; count++) {
    const companyId = await newCompany(pools)
    const auth = { type: 'bearer', token: 'canary-1' } as const
    const { id } = await subscribe(pools, companyId, { webhook_url: 'https://127.0.0.1/', auth })
    await asCompany(pools.api, companyId, async (db) => {
      await rotateSecret(db, vault, now(), companyId, id, { overlapSeconds: 60 })
      await updateSubscription(db, vault, allow, now(), companyId, id, { auth: { ...auth, token: 'canary-2' } })
    })
  }
  const left = async () => [
    await sqlValue(pools.owner, 'select count(*) from subscription_secrets'),
    await sqlValue(pools.owner, 'select count(*) from subscription_credentials'),
  ]
  const age = async (hours: number) => {
    await sql(
      pools.owner,
      `update subscription_secrets set expires_at = now() - $1 * interval '1 hour' where expires_at is not null`,
      [hours],
    )
    await sql(
      pools.owner,
      `update subscription_credentials set superseded_at = now() - $1 * interval '1 hour' where superseded_at is not null`,
      [hours],
    )
  }
  await age(23)
  await forgetSecrets(pools.engine)
  assert.deepEqual(await left(), [4, 4])
  await age(25)
  await forgetSecrets(pools.engine)
  assert.deepEqual(await left(), [2, 2])
  await forgetSecrets(pools.engine)
  const current = `select count(*) from subscription_credentials c join event_subscriptions s
     on s.company_id = c.company_id and s.credential_id = c.id`
  assert.equal(await sqlValue(pools.owner, current), 2)
  assert.equal(await sqlValue(pools.owner, 'select count(*) from subscription_secrets where expires_at is null'), 2)
})
