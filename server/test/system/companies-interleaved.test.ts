import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { openPools } from '../../src/db/pools.ts'
import { newId } from '../../src/lib/ids.ts'
import { call, rowsOf, textOf } from '../support/api.ts'
import type { TestDatabase } from '../support/database.ts'
import { testDatabase } from '../support/database.ts'
import { sql } from '../support/sql.ts'
import { newCompany } from './new-company.ts'
import { serveApp } from './served-app.ts'
import { withoutKeyPredicates } from './without-key-predicates.ts'

const COMPANIES = 20
const REQUESTS = 1_000
const AT_ONCE = 40
const CONNECTIONS = 2
const QUERY_TIMEOUT_MS = 400

interface Marked {
  readonly key: string
  /** Stands in everything of the company that an answer can show. */
  readonly marker: string
  readonly subscriptionId: string
}

interface World {
  readonly url: string
  readonly database: TestDatabase
  readonly companies: readonly Marked[]
}

/**
 * The statements have forgotten their company, so an answer is right only when its transaction had the right one: whatever
 * a connection kept of the transaction before would show.
 */
async function begin(t: TestContext): Promise<World> {
  const database = await testDatabase(t)
  const few = openPools({
    url: database.url,
    apiConnectionsMax: CONNECTIONS,
    queryTimeoutMs: QUERY_TIMEOUT_MS,
    onError: () => {},
  })
  database.closeFirst(few.close)
  const { url, node } = await serveApp(t, database, () => withoutKeyPredicates(few.api))
  const companies: Marked[] = []
  for (let index = 0; index < COMPANIES; index++) {
    const marker = `marker-${String(index).padStart(2, '0')}-of-one-company`
    const { key } = await newCompany(url, marker)
    const subscription = { webhook_url: 'https://example.com/hook', event_names: ['none.such'], description: marker }
    const made = await call(url, 'POST', '/events/subscriptions', subscription, key)
    await call(url, 'POST', '/events', { event_name: 'order.placed', source: marker, payload: { marker } }, key)
    await call(url, 'POST', '/api-keys', { name: marker, scopes: ['events:read'] }, key)
    companies.push({ key, marker, subscriptionId: textOf(made, 'id') })
  }
  await node.route()
  return { url, database, companies }
}

type Kind = 'read' | 'refused' | 'changed' | 'left' | 'blocked'

/** What the request number `n` does: mostly reads, and among them transactions that end in every way there is. */
function kindOf(n: number): Kind {
  if (n % 97 === 0) return 'blocked'
  if (n % 11 === 0) return 'left'
  if (n % 7 === 0) return 'refused'
  return n % 5 === 0 ? 'changed' : 'read'
}

const lists = ['/events?event_names=order.placed', '/events/subscriptions', '/api-keys']

/** Sends the request; gives the answer's status and text, or nothing when the caller did not wait for it. */
async function ask(world: World, n: number, company: Marked): Promise<{ status: number; text: string } | undefined> {
  const { url } = world
  const { key, marker, subscriptionId } = company
  const own = `/events/subscriptions/${subscriptionId}`
  const send = async (method: string, path: string, body?: unknown) => {
    const { status, body: answer } = await call(url, method, path, body, key)
    return { status, text: JSON.stringify(answer) }
  }
  switch (kindOf(n)) {
    case 'refused': // ends in a rollback, after the company's head was locked
      return await send('POST', `/events/subscriptions/${newId()}/disable`)
    case 'changed':
      return await send('PATCH', own, { description: marker })
    case 'blocked':
      return await whileBlocked(world, company, async () => await send('PATCH', own, { description: marker }))
    case 'left':
      await leave(`${url}/api/v1${lists[n % lists.length]}`, key)
      return undefined
    case 'read':
      return await send('GET', lists[n % lists.length] ?? '')
  }
}

/** Goes away before the answer comes. */
async function leave(url: string, key: string): Promise<void> {
  const leaving = new AbortController()
  const request = fetch(url, { headers: { authorization: `Bearer ${key}` }, signal: leaving.signal })
  setImmediate(() => leaving.abort())
  await request.then((response) => response.body?.cancel()).catch(() => {})
}

/** Somebody else holds the row that the change begins by locking, for longer than the change waits. */
async function whileBlocked<Result>(
  { database }: World,
  { subscriptionId }: Marked,
  work: () => Promise<Result>,
): Promise<Result> {
  const client = await database.pools.owner.connect()
  try {
    await client.query('begin')
    await client.query(
      `select 1 from company_heads where company_id = (select company_id from event_subscriptions where id = $1)
         for update`,
      [subscriptionId],
    )
    return await work()
  } finally {
    await client.query('rollback')
    client.release()
  }
}

test('[companies-apart] twenty companies over two connections, with transactions that fail, time out and are left: every answer is the right one', async (t) => {
  const world = await begin(t)
  const { companies } = world
  const statuses = new Map<string, number>()
  let next = 0
  const work = async (): Promise<void> => {
    for (let n = next++; n < REQUESTS; n = next++) {
      const company = companies[(n * 7) % COMPANIES]
      assert.ok(company)
      const answer = await ask(world, n, company)
      const told = `${kindOf(n)} ${answer?.status ?? 'left'}`
      statuses.set(told, (statuses.get(told) ?? 0) + 1)
      if (!answer) continue
      for (const { marker } of companies) {
        if (marker !== company.marker) assert.ok(!answer.text.includes(marker), `${n}: ${told} shows ${marker}`)
      }
      if (answer.status === 200) assert.ok(answer.text.includes(company.marker), `${n}: ${told} ${answer.text}`)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  const count = (told: string): number => statuses.get(told) ?? 0
  const seen = JSON.stringify([...statuses])
  assert.ok(count('read 200') > 300 && count('changed 200') > 50 && count('refused 404') > 50, seen)
  assert.ok(count('blocked 503') > 3 && count('left left') > 50, seen)
  for (const told of statuses.keys())
    assert.match(told, /^(read|changed|blocked) (200|503)$|^refused (404|503)$|^left/, seen)
  for (const { key, marker } of companies) {
    const [subscription, ...others] = rowsOf(await call(world.url, 'GET', '/events/subscriptions', undefined, key))
    assert.deepEqual([subscription?.['description'], others], [marker, []])
  }
  const changed = `select count(*) as rows from event_subscriptions s join companies c on c.id = s.company_id
      where s.description <> c.name`
  assert.deepEqual(await sql(world.database.pools.engine, changed), [{ rows: 0 }])
})
