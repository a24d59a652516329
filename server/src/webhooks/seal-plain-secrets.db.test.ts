import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verifyWebhook } from '@daybook/sdk'
import { testDatabase } from '../../test/support/database.ts'
import { testVault } from '../../test/support/master-key.ts'
import { newEvents } from '../../test/support/new-event.ts'
import { scriptedReceiver } from '../../test/support/scripted-receiver.ts'
import { sql, sqlValue } from '../../test/support/sql.ts'
import { newCompany, subscribe, testNode } from '../../test/support/test-node.ts'
import type { Pools } from '../db/pools.ts'
import { createVault } from '../vault/vault.ts'
import { sealPlainSecrets } from './seal-plain-secrets.ts'
import { newSigningSecret } from './sign.ts'

const count = async ({ engine }: Pools, what: string): Promise<number> =>
  await sqlValue(engine, `select count(*) from subscription_secrets where ${what}`)

/** As a version without a vault stored it. */
async function storePlain({ engine }: Pools, subscriptionId: string): Promise<string> {
  const secret = newSigningSecret()
  await sql(engine, 'update subscription_secrets set secret = $2, sealed = null where subscription_id = $1', [
    subscriptionId,
    secret,
  ])
  return secret
}

test('secrets that were stored in clear are sealed at the start, by however many starters, and sign as before', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const { pools } = database
  const secrets = new Map<string, string>()
  const companies: string[] = []
  for (let company = 0; company < 3; company++) {
    const companyId = await newCompany(pools)
    companies.push(companyId)
    for (let n = 0; n < 4; n++) {
      const { id } = await subscribe(pools, companyId, { webhook_url: `${receiver.url}/${company}-${n}` })
      secrets.set(`/${company}-${n}`, await storePlain(pools, id))
    }
  }
  assert.equal(await count(pools, 'secret is not null'), 12)
  const starts = Array.from(
    { length: 4 },
    async () => await sealPlainSecrets(pools.engine, testVault(pools), assert.fail),
  )
  const sealed = await Promise.all(starts)
  assert.equal(
    sealed.reduce((sum, one) => sum + one),
    12,
  )
  assert.equal(await count(pools, 'secret is not null'), 0)
  assert.equal(await sealPlainSecrets(pools.engine, testVault(pools), assert.fail), 0)

  const node = testNode(database)
  for (const companyId of companies) await node.publisher.publish(newEvents(companyId, 1))
  await node.route()
  await node.dispatch()
  assert.equal(new Set(receiver.calls.map(({ path }) => path)).size, 12)
  for (const { path, headers, body } of receiver.calls) {
    await verifyWebhook({ headers, body, secrets: [secrets.get(path) ?? ''] })
  }
})

test('a company whose key cannot be opened keeps neither others from being sealed nor a start from going on', async (t) => {
  const { pools } = await testDatabase(t)
  const companies = [await newCompany(pools), await newCompany(pools), await newCompany(pools)].toSorted()
  for (const companyId of companies) {
    const { id } = await subscribe(pools, companyId, { webhook_url: 'https://example.com' })
    await storePlain(pools, id)
  }
  await sql(
    pools.engine,
    `update company_keys set sealed = set_byte(sealed, 25, 255 - get_byte(sealed, 25)) where company_id = $1`,
    [companies[0]],
  )
  const leftOut: string[] = []
  assert.equal(await sealPlainSecrets(pools.engine, testVault(pools), (id) => leftOut.push(id)), 2)
  assert.deepEqual(leftOut, [companies[0]])
  assert.equal(await count(pools, 'secret is not null'), 1)
})

test('a secret that cannot be opened sends nothing, says why, follows the schedule, and harms no neighbour', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const { pools } = database
  const node = testNode(database, { schedule: [0] })
  const companyId = await newCompany(pools)
  const changed = await subscribe(pools, companyId, { webhook_url: `${receiver.url}/changed` })
  const copied = await subscribe(pools, companyId, { webhook_url: `${receiver.url}/copied` })
  const plain = await subscribe(pools, companyId, { webhook_url: `${receiver.url}/plain` })
  await subscribe(pools, companyId, { webhook_url: `${receiver.url}/well` })
  await sql(
    pools.engine,
    `update subscription_secrets set sealed = set_byte(sealed, 25, 255 - get_byte(sealed, 25)) where subscription_id = $1`,
    [changed.id],
  )
  await sql(
    pools.engine,
    `update subscription_secrets s set sealed = o.sealed from subscription_secrets o
      where s.subscription_id = $1 and o.company_id = s.company_id and o.subscription_id = $2`,
    [copied.id, plain.id],
  )
  await storePlain(pools, plain.id)
  await node.publisher.publish(newEvents(companyId, 1))
  await node.route()
  await node.dispatch()
  assert.deepEqual(new Set(receiver.calls.map(({ path }) => path)), new Set(['/well']))
  const rows = await sql<{
    path: string
    outcome: string
    reason: string
    detail: string
    request_headers: string | null
  }>(
    pools.engine,
    `select split_part(webhook_url, '/', 4) as path, outcome, reason, detail, request_headers from webhook_logs
      where outcome <> 'delivered' and webhook_url not like '%/well' order by id`,
  )
  for (const [path, detail] of [
    ['changed', /cannot be opened. It was changed, or sealed for another place/],
    ['copied', /cannot be opened. It was changed, or sealed for another place/],
    ['plain', /cannot be opened. It is not sealed yet/],
  ] as const) {
    const own = rows.filter((row) => row.path === path)
    assert.deepEqual(new Set(own.map(({ outcome }) => outcome)), new Set(['will_retry', 'failed']), path)
    for (const row of own) {
      assert.equal(row.reason, 'secret_unreadable')
      assert.match(row.detail, detail)
      assert.equal(row.request_headers, null)
    }
  }
  assert.deepEqual(node.errors, [])
})

test('a company whose key cannot be opened is set aside; other companies are served', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const { pools } = database
  const node = testNode(database, { vault: createVault({ keys: [Buffer.alloc(32, 1)] }, pools.engine), schedule: [] })
  const companyId = await newCompany(pools)
  await subscribe(pools, companyId, { webhook_url: receiver.url })
  await node.publisher.publish(newEvents(companyId, 1))
  await node.route()
  await node.dispatch()
  assert.equal(receiver.calls.length, 0)
  const reasons = 'select distinct outcome, reason from webhook_logs'
  assert.deepEqual(await sql(pools.engine, reasons), [{ outcome: 'failed', reason: 'secret_unreadable' }])
})
