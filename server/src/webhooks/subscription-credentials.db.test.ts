import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { testDatabase } from '../../test/support/database.ts'
import { testVault } from '../../test/support/master-key.ts'
import { newEvent } from '../../test/support/new-event.ts'
import { scriptedReceiver } from '../../test/support/scripted-receiver.ts'
import { sql, sqlValue } from '../../test/support/sql.ts'
import { allow, newCompany, now, subscribe, testNode } from '../../test/support/test-node.ts'
import type { Db } from '../db/statement.ts'
import { asCompany } from '../db/transaction.ts'
import { Secret } from '../vault/secret.ts'
import { Deliverables } from './deliverables.ts'
import { revealSecrets } from './reveal-secrets.ts'
import { factsOf } from './subscription-credentials.ts'
import type { SubscriptionChange } from './subscriptions.ts'
import { currentSubscription, deleteSubscription, updateSubscription } from './subscriptions.ts'

test('calls show the credentials in force, and only a reveal gives them, with an event', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const node = testNode(database)
  const { pools } = node
  const companyId = await newCompany(pools)
  const inCompany = async <Result>(work: (db: Db) => Promise<Result>) => await asCompany(pools.api, companyId, work)
  const vault = testVault(pools)
  const one = await subscribe(pools, companyId, {
    webhook_url: receiver.url,
    auth: { type: 'basic', username: 'daybook', password: 'canary-1' },
    headers: { 'X-Tenant': 'acme' },
  })
  const change = async (to: SubscriptionChange) =>
    await inCompany(async (db) => await updateSubscription(db, vault, allow, now(), companyId, one.id, to))
  const send = async () => {
    await node.publisher.publish([newEvent(companyId)])
    await node.route()
    await node.dispatch()
    return receiver.calls.at(-1)?.headers
  }

  assert.deepEqual(factsOf(one).auth, { type: 'basic', username: 'daybook' })
  const basic = await send()
  assert.equal(basic?.['authorization'], `Basic ${Buffer.from('daybook:canary-1').toString('base64')}`)
  assert.equal(basic['x-tenant'], 'acme')

  await change({ auth: { type: 'api_key', header: 'X-Key', value: 'canary-2' } })
  const key = await send()
  assert.deepEqual([key?.['x-key'], key?.['authorization']], ['canary-2', undefined])
  await assert.rejects(change({ headers: { 'x-key': 'mine' } }), { code: 'invalid_header' })

  await change({ description: 'other' })
  assert.equal((await send())?.['x-key'], 'canary-2', 'what is absent stays')

  const { secrets, credentials } = await inCompany(
    async (db) => await revealSecrets(db, vault, now(), companyId, one.id),
  )
  assert.deepEqual(credentials.reveal(), { auth: { type: 'api_key', header: 'X-Key', value: 'canary-2' } })
  assert.deepEqual(
    secrets.map(({ secret }) => secret.reveal()),
    [one.secret],
  )
  const told = await sqlValue<string>(
    pools.engine,
    `select payload from event_logs where event_name = 'daybook.subscription.secrets_revealed'`,
  )
  assert.ok(!told.includes('canary') && !told.includes(one.secret))

  for (const url of [
    'https://127.0.0.1/',
    receiver.url.replace('127.0.0.1', '127.0.0.2'),
    `${receiver.url}/elsewhere`,
  ]) {
    await assert.rejects(change({ webhook_url: url }), { code: 'invalid_credentials' })
  }
  await change({ webhook_url: `${receiver.url}/?to=hook` })
  await change({ auth: null })
  assert.equal((await send())?.['x-key'], undefined)
  const everything = await sql(
    pools.owner,
    `select payload as text from event_logs union all select credential_facts from event_subscriptions
      union all select request_headers from webhook_logs union all select encode(sealed, 'escape') from subscription_credentials`,
  )
  assert.ok(!JSON.stringify(everything).includes('canary'))
})

test('credentials that cannot be opened send nothing and say why; giving new ones mends it', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const node = testNode(database)
  const { pools } = node
  const companyId = await newCompany(pools)
  const vault = testVault(pools)
  const { id } = await subscribe(pools, companyId, {
    webhook_url: receiver.url,
    auth: { type: 'bearer', token: 'canary' },
  })
  await sql(pools.owner, `update subscription_credentials set sealed = sealed || '\\x00'`)
  await node.publisher.publish([newEvent(companyId)])
  await node.route()
  await node.dispatch()
  assert.equal(receiver.calls.length, 0)
  assert.equal(await sqlValue(pools.engine, 'select reason from webhook_logs'), 'secret_unreadable')
  const change = async (to: SubscriptionChange) =>
    await asCompany(
      pools.api,
      companyId,
      async (db) => await updateSubscription(db, vault, allow, now(), companyId, id, to),
    )
  await assert.rejects(change({ tls: null }), { code: 'secret_unreadable' })
  await change({ auth: { type: 'bearer', token: 'other' }, tls: null })
  await node.publisher.publish([newEvent(companyId)])
  await node.route()
  await node.dispatch()
  assert.equal(receiver.calls[0]?.headers['authorization'], 'Bearer other')
})

/** A subscription with a credential, and how many rows hold one. */
async function guarded(t: TestContext) {
  const { pools } = await testDatabase(t)
  const companyId = await newCompany(pools)
  const vault = testVault(pools)
  const auth = { type: 'bearer', token: 'canary-1' } as const
  const { id } = await subscribe(pools, companyId, { webhook_url: 'https://127.0.0.1/', auth })
  const inCompany = async <Result>(work: (db: Db) => Promise<Result>) => await asCompany(pools.api, companyId, work)
  return {
    pools,
    companyId,
    id,
    vault,
    inCompany,
    change: async (to: SubscriptionChange) =>
      await inCompany(async (db) => await updateSubscription(db, vault, allow, now(), companyId, id, to)),
    stored: async () => await sqlValue<number>(pools.owner, 'select count(*) from subscription_credentials'),
  }
}

test('a call that is being prepared shows what it was to show, however often that is replaced meanwhile', async (t) => {
  const { pools, companyId, id, vault, inCompany, change, stored } = await guarded(t)
  const seen = await inCompany(async (db) => await currentSubscription(db, companyId, id))
  for (const token of ['canary-2', 'canary-3', 'canary-4']) await change({ auth: { type: 'bearer', token } })
  const called = (await new Deliverables(vault).load(pools.engine, companyId, [seen])).get(id)
  assert.ok(called?.auth instanceof Secret)
  assert.deepEqual(called.auth.reveal(), { type: 'bearer', token: 'canary-1' })
  await sql(pools.owner, `update subscription_credentials set superseded_at = superseded_at - interval '6 minutes'`)
  await change({ auth: { type: 'bearer', token: 'canary-5' } })
  assert.equal(await stored(), 2, 'the last one, and the one before it')
})

test('what is taken away is gone from the database, with what it had replaced', async (t) => {
  const { change, stored } = await guarded(t)
  await change({ auth: { type: 'bearer', token: 'canary-2' } })
  assert.equal(await stored(), 2)
  await change({ auth: null })
  assert.equal(await stored(), 0)
})

test('a subscription that is deleted leaves neither credentials nor signing secrets', async (t) => {
  const { pools, companyId, id, inCompany, change, stored } = await guarded(t)
  await change({ auth: { type: 'bearer', token: 'canary-2' } })
  await inCompany(async (db) => await deleteSubscription(db, now(), companyId, id))
  assert.deepEqual([await stored(), await sqlValue(pools.owner, 'select count(*) from subscription_secrets')], [0, 0])
})
