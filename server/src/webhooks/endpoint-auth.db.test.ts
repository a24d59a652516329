import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verifyWebhook } from '@daybook/sdk'
import { testDatabase } from '../../test/support/database.ts'
import { newEvents } from '../../test/support/new-event.ts'
import { scriptedReceiver } from '../../test/support/scripted-receiver.ts'
import { sql, sqlValue } from '../../test/support/sql.ts'
import { newCompany, subscribe, testNode } from '../../test/support/test-node.ts'
import { testAuthority } from '../../test/support/tls/test-authority.ts'

const hidden = 'S3cr3t-of-the-endpoint'
const authority = testAuthority('Private authority')
const { cert: certificate, key: private_key } = authority.issue({ names: ['client.example'] })

test('what a subscription wishes reaches its endpoint: credentials, headers, format and an Ed25519 signature', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const { pools } = database
  const companyId = await newCompany(pools)
  const { public_key: publicKey } = await subscribe(pools, companyId, {
    webhook_url: receiver.url,
    auth: { type: 'api_key', header: 'X-Api-Key', value: hidden },
    headers: { 'X-Tenant': 'salon 12' },
    format: 'cloudevents',
    signature: 'ed25519',
  })
  const node = testNode(database)
  await node.publisher.publish(newEvents(companyId, 1))
  await node.route()
  await node.dispatch()
  const [call] = receiver.calls
  assert.ok(call)
  assert.deepEqual([call.headers['x-api-key'], call.headers['x-tenant']], [hidden, 'salon 12'])
  const verified = await verifyWebhook({ headers: call.headers, body: call.body, secrets: publicKey ?? '' })
  const { specversion, source } = verified.body as Readonly<Record<string, unknown>>
  assert.deepEqual([specversion, source], ['1.0', `/daybook/companies/${companyId}`])
})

test('no table holds a credential, the key of a certificate or what was sent of them in clear', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  receiver.answer(({ headers }) => ({ status: 500, body: JSON.stringify(headers) }))
  const { pools } = database
  const companyId = await newCompany(pools)
  const auths = [
    { type: 'api_key' as const, header: 'x-api-key', value: hidden },
    { type: 'bearer' as const, token: hidden },
    { type: 'basic' as const, username: 'ann', password: hidden },
  ]
  for (const auth of auths) {
    await subscribe(pools, companyId, { webhook_url: receiver.url, auth, tls: { certificate, private_key } })
  }
  const node = testNode(database)
  await node.publisher.publish(newEvents(companyId, 1))
  await node.route()
  await node.dispatch()
  assert.equal(receiver.calls.length, auths.length)
  const tables = await sql<{ name: string }>(
    database.pools.owner,
    `select c.oid::regclass::text as name from pg_class c
      where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and not c.relispartition`,
  )
  const inBase64 = Buffer.from(`ann:${hidden}`).toString('base64')
  const keyLine = private_key.split('\n')[1] ?? ''
  assert.ok(tables.length > 10 && keyLine.length > 20)
  const inHex = (text: string): string => Buffer.from(text).toString('hex')
  let all = ''
  for (const { name } of tables) {
    const shown = `select coalesce(string_agg(x::text, ''), '') from ${name} x`
    const rows = await sqlValue<string>(database.pools.owner, shown)
    for (const text of [hidden, inBase64, keyLine]) assert.ok(!rows.includes(text) && !rows.includes(inHex(text)), name)
    all += rows
  }
  // Of the request's headers and of the answer, which showed them, the rest is there.
  assert.ok(all.includes('[hidden]') && all.includes(inHex('"Basic [hidden]"')))
})
