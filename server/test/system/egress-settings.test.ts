import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { call } from '../support/api.ts'
import { connectProxy } from '../support/connect-proxy.ts'
import { startDaybook } from '../support/daybook-process.ts'
import { testDatabase } from '../support/database.ts'
import { dnsServer } from '../support/dns-server.ts'
import type { RawReceiver } from '../support/raw-receiver.ts'
import { listenRaw } from '../support/raw-receiver.ts'
import { sql } from '../support/sql.ts'
import { testAuthority } from '../support/tls/test-authority.ts'
import { until } from '../support/until.ts'

/**
 * The operator's settings for outgoing calls, given to a process as its environment and used by the thread that calls.
 */
const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
const authority = testAuthority('The operator’s own')

async function authorityFile(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'daybook-ca-'))
  t.after(async () => await rm(directory, { recursive: true }))
  const path = join(directory, 'ca.pem')
  await writeFile(path, authority.pem)
  return path
}

async function receiver(t: TestContext): Promise<RawReceiver> {
  const tls = authority.issue({ names: ['hooks.test'] })
  return await listenRaw(t, { tls, onRequest: (socket) => socket.write(answer) })
}

/** Publishes one event to `https://hooks.test`; answers with how its first attempt ended. */
async function deliver(t: TestContext, port: number, env: Readonly<Record<string, string>>) {
  const database = await testDatabase(t)
  const { url } = await startDaybook(t, { DATABASE_URL: database.url, DAYBOOK_EGRESS_ALLOW: '127.0.0.0/8', ...env })
  const subscription = { webhook_url: `https://hooks.test:${port}/hook`, event_names: ['thing.happened'] }
  assert.equal((await call(url, 'POST', '/events/subscriptions', subscription)).status, 201)
  const event = { event_name: 'thing.happened', payload: { a: 1 } }
  assert.equal((await call(url, 'POST', '/events', event)).status, 201)
  const { engine } = database.pools
  const logs = async () =>
    await sql<{ outcome: string; reason: string }>(engine, 'select outcome, reason from webhook_logs')
  await until('an attempt is logged', async () => (await logs()).length > 0)
  return { ...(await logs())[0] }
}

test('a name is asked of the operator’s name server, and its certificate checked with the operator’s authority', async (t) => {
  const { port } = await receiver(t)
  const dns = await dnsServer(t, () => ({ addresses: ['127.0.0.1'] }))
  const env = { DAYBOOK_DNS_SERVERS: dns.address, DAYBOOK_EGRESS_CA_FILE: await authorityFile(t) }
  assert.deepEqual(await deliver(t, port, env), { outcome: 'delivered', reason: 'http_200' })
  assert.ok(dns.questions.some(({ name }) => name === 'hooks.test'))
})

test('without the operator’s authority the same receiver is not called', async (t) => {
  const { port } = await receiver(t)
  const dns = await dnsServer(t, () => ({ addresses: ['127.0.0.1'] }))
  assert.deepEqual(await deliver(t, port, { DAYBOOK_DNS_SERVERS: dns.address }), {
    outcome: 'will_retry',
    reason: 'tls_error',
  })
})

test('a name that leads to a private address is not called', async (t) => {
  const canary = await receiver(t)
  const dns = await dnsServer(t, () => ({ addresses: ['10.0.0.1'], ttl: 0 }))
  const env = { DAYBOOK_DNS_SERVERS: dns.address, DAYBOOK_EGRESS_CA_FILE: await authorityFile(t) }
  assert.deepEqual(await deliver(t, canary.port, env), { outcome: 'will_retry', reason: 'blocked_address' })
  assert.equal(canary.requests.length, 0)
})

test('all calls go through the operator’s proxy, to the address that was checked', async (t) => {
  const { port } = await receiver(t)
  const proxy = await connectProxy(t, port)
  const dns = await dnsServer(t, () => ({ addresses: ['127.0.0.1'] }))
  const env = {
    DAYBOOK_DNS_SERVERS: dns.address,
    DAYBOOK_EGRESS_CA_FILE: await authorityFile(t),
    DAYBOOK_EGRESS_PROXY: `http://127.0.0.1:${proxy.port}`,
    HTTPS_PROXY: 'http://127.0.0.1:9', // of no meaning here
  }
  assert.deepEqual(await deliver(t, port, env), { outcome: 'delivered', reason: 'http_200' })
  assert.deepEqual(proxy.destinations, [`127.0.0.1:${port}`])
})
