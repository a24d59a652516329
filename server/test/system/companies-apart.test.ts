import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { call, rowsOf, textOf } from '../support/api.ts'
import { startDaybook } from '../support/daybook-process.ts'
import type { TestDatabase } from '../support/database.ts'
import { testDatabase } from '../support/database.ts'
import { scriptedReceiver } from '../support/scripted-receiver.ts'
import { until } from '../support/until.ts'
import { companyRows } from './company-rows.ts'
import { newCompany, OPERATOR_KEY } from './new-company.ts'

interface Operation {
  readonly operationId: string
  readonly requestBody?: unknown
  readonly parameters?: readonly { readonly in: string; readonly name: string }[]
}

interface Route {
  readonly method: string
  /** Below the base path, with `{…}` where a name stands. */
  readonly path: string
  readonly operation: Operation
}

const BASE = '/api/v1'

/** Every route of the committed document, so that a new one is tried without a change here. */
async function routes(): Promise<readonly Route[]> {
  const text = await readFile(new URL('../../../docs/openapi.json', import.meta.url), 'utf8')
  const { paths }: { paths: Record<string, Record<string, Operation>> } = JSON.parse(text)
  return Object.entries(paths)
    .filter(([path]) => path.startsWith(`${BASE}/`))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        method: method.toUpperCase(),
        path: path.slice(BASE.length),
        operation,
      })),
    )
}

/** A company with one of everything: what the last part of a path before its name leads to. */
interface Inhabited {
  readonly id: string
  readonly key: string
  readonly things: Readonly<Record<string, string>>
}

/** The delivery has failed once and waits, so nothing of the company changes by itself. */
async function inhabit(url: string, receiver: string, name: string): Promise<Inhabited> {
  const { id, key } = await newCompany(url, name)
  const ask = async (method: string, path: string, body?: unknown) => await call(url, method, path, body, key)
  const subscription = { webhook_url: receiver, event_names: ['*'], description: name }
  const subscriptionId = textOf(await ask('POST', '/events/subscriptions', subscription), 'id')
  const eventName = `private.of-${name}`
  const eventId = textOf(await ask('POST', '/events', { event_name: eventName, payload: { name } }), 'id')
  const apiKeyId = textOf(await ask('POST', '/api-keys', { name, scopes: ['events:read'] }), 'id')
  const log = await until('its first attempt has failed', async () => {
    return rowsOf(await ask('GET', '/events/webhook-logs'))[0]
  })
  const things = {
    events: eventId,
    subscriptions: subscriptionId,
    deliveries: String(log['delivery_id']),
    'webhook-logs': String(log['id']),
    'api-keys': apiKeyId,
    companies: id,
    schemas: eventName,
  }
  return { id, key, things }
}

interface World {
  readonly url: string
  readonly database: TestDatabase
  readonly mine: Inhabited
  readonly theirs: Inhabited
}

async function begin(t: TestContext): Promise<World> {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  receiver.answer(() => ({ status: 500 }))
  const { url } = await startDaybook(t, { DATABASE_URL: database.url, DAYBOOK_OPERATOR_KEY: OPERATOR_KEY })
  const mine = await inhabit(url, `${receiver.url}/mine`, 'mine')
  const theirs = await inhabit(url, `${receiver.url}/theirs`, 'theirs')
  await until('every event has its position', async () => {
    const { rows } = await database.pools.engine.query({ name: '', text: 'select 1 from event_outbox', values: [] })
    return rows.length === 0
  })
  return { url, database, mine, theirs }
}

/** Routes whose body must have something in it to be taken. */
const bodies: Readonly<Record<string, unknown>> = {
  updateSubscription: { description: 'taken over' },
  updateCompany: { settings: { disable_after_failures: 1 } },
}

/** The whole answer as text, without the name that was asked for and the id of the request. */
async function answerTo(url: string, { method, path, operation }: Route, name: string, key: string): Promise<string> {
  const body = bodies[operation.operationId] ?? (operation.requestBody === undefined ? undefined : {})
  const response = await fetch(url + BASE + path.replace(/\{\w+\}/, name), {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const headers = [...response.headers].filter(([header]) => header !== 'date' && header !== 'request-id')
  const text = (await response.text()).replaceAll(name, '<name>').replace(/"request_id":"[^"]*"/, '')
  return JSON.stringify([response.status, headers, text])
}

function thingAt({ path, operation }: Route, things: Inhabited['things']): string {
  const collection = /([a-z-]+)\/\{\w+\}/.exec(path)?.[1] ?? ''
  const thing = things[collection]
  assert.ok(thing, `${operation.operationId} names a thing of ${collection}; let inhabit() make one`)
  return thing
}

/** Of the same length and form, and there is none of it. */
function unknownLike(thing: string): string {
  return /^[0-9a-f-]{36}$/.test(thing) ? newId() : thing.replace('theirs', 'nobody')
}

test("[companies-apart] another company's id is answered as one that does not exist, on every route", async (t) => {
  const { url, database, mine, theirs } = await begin(t)
  const named = (await routes()).filter(({ path }) => path.includes('{'))
  assert.ok(named.length >= 15)
  const before = await companyRows(database.pools.engine, theirs.id)
  for (const route of named) {
    const thing = thingAt(route, theirs.things)
    const toTheirs = await answerTo(url, route, thing, mine.key)
    const toNone = await answerTo(url, route, unknownLike(thing), mine.key)
    assert.match(toTheirs, /^\[40[14],/, `${route.method} ${route.path}`)
    assert.equal(toTheirs, toNone, `${route.method} ${route.path}`)
  }
  assert.deepEqual(await companyRows(database.pools.engine, theirs.id), before)
  for (const route of named.filter(({ method, path }) => method === 'GET' && !path.includes('schemas'))) {
    const key = route.path.startsWith('/companies') ? OPERATOR_KEY : theirs.key
    assert.match(await answerTo(url, route, thingAt(route, theirs.things), key), /^\[200,/, 'the ids are real')
  }
})

test("[companies-apart] no list shows another company's things, whatever is filtered by", async (t) => {
  const { url, mine, theirs } = await begin(t)
  const lists = (await routes()).filter(
    ({ method, path, operation }) =>
      method === 'GET' && !path.includes('{') && operation.parameters?.some(({ name }) => name === 'cursor'),
  )
  assert.ok(lists.length >= 6)
  const filters: Readonly<Record<string, string>> = {
    subscription_id: theirs.things['subscriptions'] ?? '',
    event_id: theirs.things['events'] ?? '',
    delivery_id: theirs.things['deliveries'] ?? '',
    event_names: theirs.things['schemas'] ?? '',
  }
  let filtered = 0
  for (const { path, operation } of lists) {
    const own = await call(url, 'GET', path, undefined, mine.key)
    if (path === '/companies') {
      assert.equal(own.status, 401)
      continue
    }
    assert.ok(own.status === 200 && rowsOf(own).length > 0, path)
    for (const id of Object.values(theirs.things)) assert.ok(!JSON.stringify(own.body).includes(id), `${path} ${id}`)
    for (const { name } of operation.parameters ?? []) {
      const value = filters[name]
      if (value === undefined) continue
      filtered++
      const none = await call(url, 'GET', `${path}?${name}=${value}`, undefined, mine.key)
      assert.deepEqual([none.status, rowsOf(none)], [200, []], `${path}?${name}`)
    }
    const theirPage = await call(url, 'GET', `${path}?limit=1`, undefined, theirs.key)
    const cursor = theirPage.body['next_cursor']
    if (typeof cursor !== 'string') continue
    const shown = await call(url, 'GET', `${path}?cursor=${encodeURIComponent(cursor)}`, undefined, mine.key)
    for (const id of Object.values(theirs.things)) assert.ok(!JSON.stringify(shown.body).includes(id), `${path} ${id}`)
  }
  assert.ok(filtered >= 5)
})

test("[companies-apart] publishing under another company's event id or key makes an event of one's own", async (t) => {
  const { url, mine, theirs } = await begin(t)
  const event = { id: newId(), idempotency_key: 'shared', event_name: 'order.placed', payload: { of: 'theirs' } }
  assert.equal((await call(url, 'POST', '/events', event, theirs.key)).status, 201)
  const own = await call(url, 'POST', '/events', { ...event, payload: { of: 'mine' } }, mine.key)
  assert.deepEqual([own.status, own.body['replayed']], [201, false])
  const read = async (key: string) => (await call(url, 'GET', `/events/${event.id}`, undefined, key)).body['payload']
  assert.deepEqual([await read(mine.key), await read(theirs.key)], [{ of: 'mine' }, { of: 'theirs' }])
})
