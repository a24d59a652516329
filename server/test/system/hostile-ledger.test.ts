import assert from 'node:assert/strict'
import { test } from 'node:test'
import { call, textOf } from '../support/api.ts'
import { testDatabase } from '../support/database.ts'
import { startDaybook } from '../support/daybook-process.ts'
import { hostileReceivers } from '../support/hostile-receivers.ts'
import { sql } from '../support/sql.ts'
import { until } from '../support/until.ts'

interface LedgerRow {
  readonly id: string
  readonly webhook_url: string
  readonly outcome: string
  readonly reason: string
  readonly response_body: Buffer | null
}

test('every hostile answer ends as one attempt in the ledger, with its reason, and can be read', async (t) => {
  const receivers = await hostileReceivers(t)
  const database = await testDatabase(t)
  const daybook = await startDaybook(t, { DATABASE_URL: database.url, DAYBOOK_RETRY_SCHEDULE: '3600' })
  for (const { url } of receivers) {
    const subscription = { webhook_url: url, event_names: ['*'], timeout_ms: 1_000 }
    textOf(await call(daybook.url, 'POST', '/events/subscriptions', subscription), 'id')
  }
  const published = await call(daybook.url, 'POST', '/events', {
    event_name: 'hostile.tried',
    payload: { a: 'x'.repeat(200_000) },
  })
  assert.equal(published.status, 201)

  const attempts = 'select id, webhook_url, outcome, reason, response_body from webhook_logs'
  const rows = await until('every attempt is in the ledger', async () => {
    const found = await sql<LedgerRow>(database.pools.owner, attempts)
    return found.length >= receivers.length && found
  })
  assert.equal(rows.length, receivers.length)
  for (const { name, url, expected } of receivers) {
    const row = rows.find(({ webhook_url }) => webhook_url === url)
    assert.ok(row, name)
    // The deadline is a right end where so many share a machine.
    assert.ok([...expected, 'timeout'].includes(row.reason), `${name}: ${row.reason}`)
    assert.equal(row.outcome, row.reason === 'http_200' ? 'delivered' : 'will_retry', name)
    const shown = await call(daybook.url, 'GET', `/events/webhook-logs/${row.id}`)
    assert.equal(shown.status, 200, name)
    if (name === 'NUL and no UTF-8' && row.reason === 'http_200') {
      assert.deepEqual([...(row.response_body ?? [])], [0x00, 0xff, 0xfe, 0xed, 0xa0])
    }
  }
  await daybook.stop() // while its database is there to write the results to
})
