import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { runDaybook, startDaybook } from '../support/daybook-process.ts'
import type { DaybookProcess } from '../support/daybook-process.ts'
import type { TestDatabase } from '../support/database.ts'
import { testDatabase } from '../support/database.ts'
import { MASTER_KEY, MASTER_KEY_BYTES } from '../support/master-key.ts'
import { scriptedReceiver } from '../support/scripted-receiver.ts'
import { sql } from '../support/sql.ts'
import { until } from '../support/until.ts'
import { breakableProxy } from './breakable-proxy.ts'
import type { BreakableProxy } from './breakable-proxy.ts'

const secretBytes = 'canary-of-the-signing-secret-0123456789'

/** What must be seen by nobody but whom it belongs to. */
const canaries = {
  apiKey: 'canary-of-the-api-key-0123456789abcdef',
  wrongKey: 'canary-of-a-wrong-key-0123456789abcdef',
  operatorKey: 'canary-of-the-operator-key-0123456789',
  signingSecret: Buffer.from(secretBytes).toString('base64'),
  signingSecretBytes: secretBytes,
  payload: 'canary-of-the-payload',
  response: 'canary-of-the-response',
  masterKey: MASTER_KEY,
  masterKeyBytes: MASTER_KEY_BYTES.toString(),
}

const SECRET = `whsec_${canaries.signingSecret}`
const payload = `{"note":"${canaries.payload}"}`

function assertSilent(where: string, text: string): void {
  for (const [name, canary] of Object.entries(canaries)) {
    assert.ok(!text.toLowerCase().includes(canary.toLowerCase()), `${name} in ${where}:\n${text}`)
  }
}

interface World {
  readonly server: DaybookProcess
  readonly database: TestDatabase
  readonly proxy: BreakableProxy
  readonly receiver: string
  /** Every answer that is an error was looked through. Gives its status. */
  send(method: string, path: string, body?: string | Buffer, key?: string): Promise<number>
  /** How many errors were answered so far, by status. */
  readonly errors: ReadonlyMap<number, number>
}

/** Every form in which somebody could have stored or printed a text. */
function formsOf(text: string): string[] {
  const bytes = Buffer.from(text)
  return [text, bytes.toString('hex'), bytes.toString('base64').slice(0, -4), bytes.toString('base64url').slice(0, -4)]
}

/** Every row of every table as text; bytes are in hexadecimal digits. */
async function dumpDatabase({ pools }: TestDatabase): Promise<string> {
  const tables = await sql<{ name: string }>(
    pools.owner,
    `select relname as name from pg_class
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition`,
  )
  const parts: string[] = []
  for (const { name } of tables) {
    const rows = await sql<{ row: string }>(pools.owner, `select t::text as row from ${name} t`)
    parts.push(`${name}\n${rows.map(({ row }) => row).join('\n')}`)
  }
  return parts.join('\n')
}

async function begin(t: TestContext): Promise<World> {
  const database = await testDatabase(t)
  const proxy = await breakableProxy(t, database.url)
  const receiver = await scriptedReceiver(t)
  receiver.answer(() => ({ status: 500, body: canaries.response }))
  const server = await startDaybook(t, {
    DATABASE_URL: proxy.url,
    DAYBOOK_BOOTSTRAP_API_KEY: canaries.apiKey,
    DAYBOOK_OPERATOR_KEY: canaries.operatorKey,
    DAYBOOK_LOG_LEVEL: 'trace',
    DAYBOOK_RETRY_SCHEDULE: '0',
  })
  const errors = new Map<number, number>()
  const send: World['send'] = async (method, path, body, key = canaries.apiKey) => {
    const response = await fetch(`${server.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body }),
      signal: AbortSignal.timeout(20_000),
    })
    const text = JSON.stringify([...response.headers]) + (await response.text())
    if (response.status >= 400) {
      assertSilent(`the answer to ${method} ${path}`, text)
      errors.set(response.status, (errors.get(response.status) ?? 0) + 1)
    }
    return response.status
  }
  return { server, database, proxy, receiver: receiver.url, send, errors }
}

const publishing = (members: string, text = payload): string =>
  `{"event_name":"order.placed","payload":${text}${members}}`

async function subscribe({ send, receiver }: World, secret = SECRET): Promise<number> {
  const body = { webhook_url: `${receiver}/hook`, event_names: ['*'], secret }
  return await send('POST', '/events/subscriptions', JSON.stringify(body))
}

/** Everything that a caller can do wrong with a secret in hand. */
async function callWrongly({ send }: World): Promise<void> {
  const id = newId()
  assert.equal(await send('POST', '/events', publishing(`,"id":"${id}"`)), 201)
  const other = publishing(`,"id":"${id}"`, `"${canaries.payload} of another content"`)
  assert.equal(await send('POST', '/events', other), 409)
  const wrong = [
    publishing(`,"id":"${canaries.payload}"`),
    publishing(`,"occurred_at":"${canaries.payload}"`),
    publishing(`,"event_name":"${canaries.payload}"`),
    publishing(`,"source":7`),
    publishing('', `{"note":"${canaries.payload}"`),
    publishing('', `{"note":"${canaries.payload}\\u0000"}`),
    publishing('', `{"a":"${canaries.payload}","a":"${canaries.payload}"}`),
    publishing('', `"${canaries.payload.repeat(15_000)}"`),
    publishing('', `"${canaries.payload.repeat(40_000)}"`),
    `{"event_name":"${canaries.payload} ${canaries.apiKey}","payload":1}`,
    `{"event_name":"appointment.created","payload":{"appointment_id":["${canaries.payload}"]}}`,
    canaries.payload,
  ]
  for (const body of wrong) assert.ok((await send('POST', '/events', body)) >= 400, body.slice(0, 200))
  assert.equal(await send('POST', '/events', payload, canaries.wrongKey), 401)
  assert.equal(await send('GET', '/companies', undefined, canaries.apiKey), 401)
  assert.equal(await send('GET', '/events', undefined, canaries.operatorKey), 401)
  assert.equal(await send('GET', `/events?api_key=${canaries.apiKey}`), 400)
  assert.equal(await send('GET', `/events?cursor=${canaries.apiKey}`), 400)
  assert.equal(await send('GET', `/nothing/${canaries.apiKey}`), 404)
  assert.equal(await send('PUT', `/events?${canaries.payload}`, payload), 405)
}

/** The database refuses rows with an error whose message quotes them: payload, secret and all. */
async function breakRows(world: World): Promise<void> {
  const { owner } = world.database.pools
  const whileUnreadable = async (table: string, column: string, work: () => Promise<void>): Promise<void> => {
    await sql(owner, `alter table ${table} add constraint unreadable check (${column}::int > 0) not valid`)
    await work()
    await sql(owner, `alter table ${table} drop constraint unreadable`)
  }
  await whileUnreadable('event_logs', 'payload', async () => {
    assert.equal(await world.send('POST', '/events', publishing('')), 500)
  })
  await whileUnreadable('subscription_secrets', 'encode(sealed, $$hex$$)', async () => {
    assert.equal(await subscribe(world), 500)
  })
}

/** The database goes away under publishes, stays away, and comes back. */
async function breakDatabase({ proxy, send, errors }: World): Promise<void> {
  const publishes = Array.from({ length: 20 }, async () => await send('POST', '/events', publishing('')))
  await proxy.breakDown()
  await Promise.all(publishes)
  assert.equal(await send('POST', '/events', publishing('')), 503)
  assert.equal(await send('GET', '/events'), 503)
  assert.equal(await send('GET', '/events', undefined, `${canaries.wrongKey}-not-seen-before`), 503)
  assert.equal(await send('GET', '/companies', undefined, canaries.operatorKey), 503)
  assert.ok((errors.get(503) ?? 0) >= 4)
  await proxy.repair()
  await until('publishes are taken again', async () => (await send('POST', '/events', publishing(''))) === 201)
}

test('[no-secret-in-logs] keys, signing secrets and payloads are in no error answer and no log line, and no secret is stored in clear', async (t) => {
  const world = await begin(t)
  assert.equal(await subscribe(world), 201)
  assert.equal(await subscribe(world, `whsec_${canaries.payload}`), 400)
  await callWrongly(world)
  await breakRows(world)
  await breakDatabase(world)
  const { owner } = world.database.pools
  await until('a delivery has failed', async () => {
    return (await sql(owner, `select 1 from webhook_logs where outcome = 'failed'`)).length > 0
  })
  assert.equal(await world.server.stop(), 0)
  const dump = await dumpDatabase(world.database)
  for (const name of [
    'apiKey',
    'operatorKey',
    'signingSecret',
    'signingSecretBytes',
    'masterKey',
    'masterKeyBytes',
  ] as const) {
    for (const form of formsOf(canaries[name])) assert.ok(!dump.includes(form), `${name} is in the database`)
  }
  for (const stored of [canaries.payload, 'subscription_secrets', Buffer.from(canaries.response).toString('hex')]) {
    assert.ok(dump.includes(stored), stored)
  }
  const log = world.server.log()
  assertSilent('the log', log)
  assertSilent('the log', decodeURIComponent(log.replaceAll(/%(?![0-9a-f]{2})/gi, '')))
  for (const status of [400, 401, 404, 405, 409, 413, 422, 500, 503])
    assert.ok(world.errors.has(status), String(status))
  for (const told of ['22P02', 'request failed', 'database trouble', '"route":"/api/v1/events"'])
    assert.ok(log.includes(told), told)
})

test('[no-secret-in-logs] a start that is refused names no password and no key', async (t) => {
  const { url } = await testDatabase(t)
  const password = 'canary-of-the-database-password'
  const wrongPassword = new URL(url)
  wrongPassword.password = password
  const DATABASE_URL = wrongPassword.href
  const longKeys = { DAYBOOK_OPERATOR_KEY: canaries.operatorKey, DAYBOOK_MASTER_KEY: MASTER_KEY }
  const cases: readonly Readonly<Record<string, string>>[] = [
    { DATABASE_URL, ...longKeys },
    { DATABASE_URL: `postgres://daybook:${password}@127.0.0.1:1/daybook`, ...longKeys },
    { DATABASE_URL: `postgres://daybook:${password}@[::x]:5432/daybook`, ...longKeys },
    { DATABASE_URL: `postgres://daybook:${password}@127.0.0.1:port/daybook`, ...longKeys },
    { DATABASE_URL: `host=127.0.0.1 password=${password}`, ...longKeys },
    { DATABASE_URL: url, DAYBOOK_MASTER_KEY: `${MASTER_KEY}, ${MASTER_KEY}` },
    { DATABASE_URL: url, DAYBOOK_MASTER_KEY: MASTER_KEY.slice(1) },
    { DATABASE_URL: url, DAYBOOK_MASTER_KEY: MASTER_KEY_BYTES.toString() },
    { DATABASE_URL: url, DAYBOOK_MASTER_KEY: MASTER_KEY, DAYBOOK_MASTER_KEY_PREVIOUS: `${MASTER_KEY}=` },
    { DATABASE_URL: url, DAYBOOK_MASTER_KEY: MASTER_KEY, DAYBOOK_OPERATOR_KEY: `${canaries.operatorKey} x` },
  ]
  for (const env of cases) {
    const { exitCode, stderr } = await runDaybook(['start'], env)
    assert.ok(exitCode === 1 || exitCode === 2, String(exitCode))
    assert.match(stderr, /^error: ./)
    assertSilent('the reason', stderr)
  }
})
