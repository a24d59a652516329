import assert from 'node:assert/strict'
import { test } from 'node:test'
import { call, textOf } from '../support/api.ts'
import { startDaybook } from '../support/daybook-process.ts'
import { testDatabase } from '../support/database.ts'
import { scriptedReceiver } from '../support/scripted-receiver.ts'
import { sqlValue } from '../support/sql.ts'
import { until } from '../support/until.ts'

/** What the metrics have after three events were published and delivered once each. */
const onPage: readonly (string | RegExp)[] = [
  'daybook_attempts_total{outcome="delivered",class="http_2xx"} 3\n',
  'daybook_events_accepted_total 3\n',
  'daybook_router_leader{name="router"} 1\n',
  /daybook_database_connections\{thread="main",pool="engine",state="idle"\} [1-9]/,
  /daybook_database_connections\{thread="engine",pool="engine",state="idle"\} [1-9]/,
  ...['database', 'migrations', 'engine', 'running'].map((check) => `daybook_ready{check="${check}"} 1\n`),
  ...['slots', 'breakers', 'queue_rows', 'queue_oldest_seconds', 'event_loop_delay_seconds_bucket'].map(
    (name) => `\ndaybook_${name}{`,
  ),
]

test('a running server tells Prometheus what both threads did, and names nobody', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const server = await startDaybook(t, { DATABASE_URL: database.url })
  const webhook = { webhook_url: `${receiver.url}/own-path`, event_names: ['*'] }
  const subscription = await call(server.url, 'POST', '/events/subscriptions', webhook)
  for (let n = 0; n < 3; n++) {
    const event = { event_name: 'order.placed', payload: { note: 'canary-of-the-payload' } }
    assert.equal((await call(server.url, 'POST', '/events', event)).status, 201)
  }
  await until('all are delivered', () => receiver.calls.length === 3)
  assert.ok(
    receiver.calls.every(({ headers }) => !('traceparent' in headers)),
    'a publish without a trace has none',
  )
  // Each thread tells its numbers when it has them, and a connection is idle at some moments and not at others.
  let page = ''
  const lacking = (): readonly (string | RegExp)[] =>
    onPage.filter((one) => (typeof one === 'string' ? !page.includes(one) : !one.test(page)))
  await until('the page has everything', async () => {
    page = await (await fetch(`${server.url}/metrics`)).text()
    return lacking().length === 0
  }).catch(() => {})
  assert.deepEqual(lacking(), [])
  const companyId = await sqlValue<string>(database.pools.engine, 'select id from companies')
  for (const hidden of [companyId, textOf(subscription, 'id'), 'own-path', 'order.placed', 'canary']) {
    assert.ok(!page.includes(hidden), hidden)
  }
})

test('a process is ready as soon as it says so, and for every check', async (t) => {
  const database = await testDatabase(t)
  const server = await startDaybook(t, { DATABASE_URL: database.url })
  const response = await fetch(`${server.url}/readyz`)
  assert.equal(response.status, 200)
  const checks = { database: 'ok', migrations: 'ok', engine: 'ok', running: 'ok' }
  assert.deepEqual(await response.json(), { status: 'ready', checks })
})

for (const [level, lines] of [
  ['debug', 2],
  ['info', 0],
] as const) {
  test(`attempts have ${lines === 0 ? 'no line' : 'a line each'} in the log at the level ${level}, and no payload is in it`, async (t) => {
    const database = await testDatabase(t)
    const receiver = await scriptedReceiver(t)
    receiver.answer(() => ({ status: receiver.calls.length > 1 ? 200 : 500, body: 'canary-of-the-answer' }))
    const env = { DATABASE_URL: database.url, DAYBOOK_LOG_LEVEL: level, DAYBOOK_RETRY_SCHEDULE: '0' }
    const server = await startDaybook(t, env)
    const webhook = { webhook_url: `${receiver.url}/canary-of-the-path?q=canary`, event_names: ['*'] }
    assert.equal((await call(server.url, 'POST', '/events/subscriptions', webhook)).status, 201)
    const event = {
      event_name: 'order.placed',
      entity_type: 'order',
      entity_id: 'canary-of-the-entity',
      actor: { type: 'user', id: 'canary-of-the-actor', name: 'canary' },
      payload: { 'canary-of-a-name': 'canary-of-the-payload' },
    }
    assert.equal((await call(server.url, 'POST', '/events', event)).status, 201)
    await until('both attempts are in the ledger', async () => {
      return (await sqlValue<number>(database.pools.engine, 'select count(*) from webhook_logs')) === 2
    })
    await server.stop()
    assert.equal(server.log().match(/"msg":"attempt"/g)?.length ?? 0, lines)
    assert.ok(!server.log().includes('canary')) // every log of every test is looked at too, when its process ends
  })
}
