import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../test/support/database.ts'
import { testVault } from '../../test/support/master-key.ts'
import { newEvent } from '../../test/support/new-event.ts'
import { scriptedReceiver } from '../../test/support/scripted-receiver.ts'
import { sql, sqlValue } from '../../test/support/sql.ts'
import { allow, newCompany, now, subscribe, testNode } from '../../test/support/test-node.ts'
import type { Db } from '../db/statement.ts'
import { asCompany } from '../db/transaction.ts'
import { revealSecrets } from './reveal-secrets.ts'
import { factsOf } from './subscription-credentials.ts'
import type { SubscriptionChange } from './subscriptions.ts'
import { updateSubscription } from './subscriptions.ts'

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

  for (const url of ['https://127.0.0.1/', receiver.url.replace('127.0.0.1', '127.0.0.2')]) {
    await assert.rejects(change({ webhook_url: url }), { code: 'invalid_credentials' })
  }
  await change({ webhook_url: `${receiver.url}/elsewhere` })
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
