import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { testDatabase } from '../support/database.ts'
import { call, textOf } from '../support/api.ts'
import { startDaybook } from '../support/daybook-process.ts'
import { sql, sqlValue } from '../support/sql.ts'
import { until } from '../support/until.ts'

interface Canary {
  readonly port: number
  readonly connections: number
}

/** Listens on every address of this machine and counts who connects. */
async function startCanary(t: TestContext): Promise<Canary> {
  let connections = 0
  const server = createServer((socket) => {
    connections++
    socket.destroy()
  })
  server.listen(0, '0.0.0.0')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  return {
    port,
    get connections() {
      return connections
    },
  }
}

/** This machine under several names, none of which is public. */
function ways(port: number): readonly string[] {
  const hosts = [
    '127.0.0.1',
    '127.8.9.10',
    '0.0.0.0',
    '2130706433',
    '0x7f.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    'localhost',
  ]
  return hosts.flatMap((host) => [`http://${host}:${port}/hook`, `https://${host}:${port}/hook`])
}

/** Turns an inactive subscription on and points it somewhere, in the database itself, past every check of the interface. */
const pointTo = `
  with head as (
    update company_heads set subscription_version = subscription_version + 1
    returning company_id, subscription_version as version
  ), pointed as (
    update event_subscriptions s
       set webhook_url = $2, status = 'active', held_from_position = null, version = head.version
      from head
     where s.company_id = head.company_id and s.id = $1
    returning s.*
  )
  insert into event_subscription_versions
         (company_id, version, subscription_id, webhook_url, event_names, status, concurrency, timeout_ms)
  select company_id, version, id, webhook_url, event_names, status, concurrency, timeout_ms from pointed`

test('[public-addresses-only] a subscription to an address that is not public is refused', async (t) => {
  const database = await testDatabase(t)
  const { url } = await startDaybook(t, { DATABASE_URL: database.url, DAYBOOK_EGRESS_ALLOW: '' })
  for (const webhook_url of ways(8080)) {
    const answer = await call(url, 'POST', '/events/subscriptions', { webhook_url, event_names: ['*'] })
    assert.deepEqual([answer.status, answer.body['code']], [422, 'invalid_url'], webhook_url)
  }
  assert.equal(await sqlValue(database.pools.owner, 'select count(*) from event_subscriptions'), 0)
})

test('[public-addresses-only] a call to one is stopped before any connection, however its URL came to be', async (t) => {
  const database = await testDatabase(t)
  const canary = await startCanary(t)
  const env = { DATABASE_URL: database.url, DAYBOOK_RETRY_SCHEDULE: '0' }
  const strict = await startDaybook(t, { ...env, DAYBOOK_EGRESS_ALLOW: '' })
  const urls = ways(canary.port)
  for (const url of urls) {
    const subscription = { webhook_url: 'https://example.com/hook', event_names: ['canary.tried'], active: false }
    const created = await call(strict.url, 'POST', '/events/subscriptions', subscription)
    await sql(database.pools.owner, pointTo, [textOf(created, 'id'), url])
  }
  await call(strict.url, 'POST', '/events', { event_name: 'canary.tried', payload: {} })
  const { owner } = database.pools
  const ends = `select webhook_url, attempt_no, reason from webhook_logs where outcome = 'failed' order by webhook_url`
  const ended = await until('every delivery has ended', async () => {
    const rows = await sql<{ webhook_url: string; attempt_no: number; reason: string }>(owner, ends)
    return rows.length === urls.length && rows
  })
  for (const { webhook_url, attempt_no, reason } of ended) {
    assert.deepEqual({ attempt_no, reason }, { attempt_no: 2, reason: 'blocked_address' }, webhook_url)
  }
  assert.equal(canary.connections, 0)
  await strict.stop()

  const open = await startDaybook(t, { ...env, DAYBOOK_EGRESS_ALLOW: '127.0.0.0/8' })
  await call(open.url, 'POST', '/events', { event_name: 'canary.tried', payload: {} })
  await until('the canary is heard where the operator allows it', () => canary.connections > 0)
  await open.stop() // while its database is there to write the results to
})
