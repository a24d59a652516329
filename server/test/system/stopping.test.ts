import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { call, textOf } from '../support/api.ts'
import type { DaybookProcess } from '../support/daybook-process.ts'
import { startDaybook } from '../support/daybook-process.ts'
import type { TestDatabase } from '../support/database.ts'
import { testDatabase } from '../support/database.ts'
import type { History } from '../support/history.ts'
import { judge, startJournal } from '../support/history.ts'
import type { ScriptedReceiver } from '../support/scripted-receiver.ts'
import { scriptedReceiver } from '../support/scripted-receiver.ts'
import { sql, sqlValue } from '../support/sql.ts'
import { until } from '../support/until.ts'

const SLOW_MS = 1_000
const IN_FLIGHT = 50
const PAYLOAD = '{"n": 1.0}'

interface Run {
  readonly database: TestDatabase
  readonly server: DaybookProcess
  readonly secret: string
  readonly history: History
}

async function begin(t: TestContext, graceSeconds: number, receiver: string): Promise<Run> {
  const database = await testDatabase(t)
  const server = await startDaybook(t, { DATABASE_URL: database.url, DAYBOOK_STOP_GRACE: String(graceSeconds) })
  const subscription = { webhook_url: `${receiver}/hook`, event_names: ['*'], concurrency: IN_FLIGHT }
  const secret = textOf(await call(server.url, 'POST', '/events/subscriptions', subscription), 'secret')
  return { database, server, secret, history: { acknowledged: new Map(), unknown: new Map() } }
}

async function hangingReceiver(t: TestContext): Promise<ScriptedReceiver> {
  const receiver = await scriptedReceiver(t)
  receiver.answer(() => 'hang')
  return receiver
}

/** Publishes one event, with the same id again when its outcome is not known. Answers whether it was taken. */
async function publish(url: string, { acknowledged, unknown }: History, id: string): Promise<boolean> {
  unknown.set(id, PAYLOAD)
  const body = `{"event_name":"slow.tried","id":"${id}","payload":${PAYLOAD}}`
  const answer = await call(url, 'POST', '/events', body).catch(() => undefined)
  if (answer === undefined || answer.status > 299) return false
  unknown.delete(id)
  acknowledged.set(id, PAYLOAD)
  return true
}

/** From a few publishers, until one of them is refused or gets no answer. */
async function publishUntilRefused(url: string, history: History): Promise<void> {
  const publisher = async (): Promise<void> => {
    while (await publish(url, history, newId()));
  }
  await Promise.all(Array.from({ length: 4 }, publisher))
}

const leased = 'select count(*) from webhook_deliveries where lease_token is not null'

test('a stop finishes the calls under way, hands back the rest, and another process delivers it once', async (t) => {
  const journal = await startJournal(t)
  journal.answer('/hook', 204, SLOW_MS)
  const { database, server, secret, history } = await begin(t, 10, journal.url)
  const { owner } = database.pools
  const publishing = publishUntilRefused(server.url, history)
  await until('calls are under way and more wait', () => journal.open === IN_FLIGHT && history.acknowledged.size > 100)
  const stoppedAt = performance.now()
  assert.equal(await server.stop(), 0)
  assert.ok(performance.now() - stoppedAt < 10_000, 'within the grace')
  await publishing

  assert.equal(journal.open, 0)
  const rows = await sql<{ outcome: string; n: number }>(
    owner,
    'select outcome, count(*) as n from webhook_logs group by outcome',
  )
  assert.deepEqual(
    rows.map((row) => ({ ...row })),
    [{ outcome: 'delivered', n: journal.arrivals.length }],
  )
  assert.equal(await sqlValue(owner, leased), 0)
  const left = 'select (select count(*) from webhook_deliveries) + (select count(*) from event_outbox)'
  assert.ok((await sqlValue<number>(owner, left)) > 0, 'there is a rest')

  journal.answer('/hook', 204)
  const next = await startDaybook(t, { DATABASE_URL: database.url })
  for (const id of Array.from(history.unknown.keys())) assert.ok(await publish(next.url, history, id))
  await until('nothing is left', async () => (await sqlValue(owner, left)) === 0)
  assert.deepEqual(await judge(history, journal, '/hook', secret), { lost: [], unexpected: [], duplicated: 0 })
  assert.equal(journal.arrivals.length, history.acknowledged.size)
})

test('a receiver that hangs holds a stop up for no longer than the grace; its delivery is due again, as unknown', async (t) => {
  const receiver = await hangingReceiver(t)
  const { database, server, history } = await begin(t, 1, receiver.url)
  const { owner } = database.pools
  await publish(server.url, history, newId())
  await until('the call is under way', () => receiver.openAt('/hook') === 1)
  const stoppedAt = performance.now()
  assert.equal(await server.stop(), 0)
  assert.ok(performance.now() - stoppedAt < 4_000, 'within the grace and three seconds')
  const rows = await sql<{ lease_token: string | null; due: boolean; attempts: number }>(
    owner,
    'select lease_token, due_at <= now() as due, attempts from webhook_deliveries',
  )
  assert.deepEqual(
    rows.map((row) => ({ ...row })),
    [{ lease_token: null, due: true, attempts: 1 }],
  )
  const log = await sql<{ outcome: string; reason: string }>(owner, 'select outcome, reason from webhook_logs')
  assert.deepEqual(
    log.map((row) => ({ ...row })),
    [{ outcome: 'unknown', reason: 'cancelled' }],
  )

  receiver.answer(() => ({ status: 204 }))
  await startDaybook(t, { DATABASE_URL: database.url })
  await until('it is called again, with the same id', () => receiver.calls.length === 2)
  assert.deepEqual(new Set(receiver.calls.map(({ id }) => id)), new Set(history.acknowledged.keys()))
})

test('a second signal ends a stop at once', async (t) => {
  const receiver = await hangingReceiver(t)
  const { server, history } = await begin(t, 60, receiver.url)
  await publish(server.url, history, newId())
  await until('the call is under way', () => receiver.openAt('/hook') === 1)
  server.kill('SIGTERM')
  await until('it takes no more connections', async () => {
    return await fetch(`${server.url}/healthz`, { headers: { connection: 'close' } }).then(
      () => false,
      () => true,
    )
  })
  const askedAt = performance.now()
  server.kill('SIGTERM')
  assert.equal(await server.ended, 1)
  assert.ok(performance.now() - askedAt < 1_000)
})
