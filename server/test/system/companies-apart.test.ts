import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { call, rowsOf } from '../support/api.ts'
import type { TestDatabase } from '../support/database.ts'
import { sql } from '../support/sql.ts'
import type { ApiRoute, TextPlace } from './api-routes.ts'
import { readRoutes, textPlaces } from './api-routes.ts'
import { companyRows } from './company-rows.ts'
import type { FullRequest } from './full-requests.ts'
import { fullRequest, withText } from './full-requests.ts'
import { OPERATOR_KEY } from './new-company.ts'
import type { Inhabited, TwoCompanies } from './two-companies.ts'
import { twoCompanies } from './two-companies.ts'
import { forgetfulStatements, withoutCompany, withoutKeyPredicates } from './without-key-predicates.ts'

/**
 * Two walls keep companies apart: the company in every statement, and row level security behind it. Each has to be enough,
 * so the matrix below is run with both, and with either of them taken down; and once with both down, to see that it
 * would tell.
 *
 * What the engine's role runs (the look-up of keys, the commit of publishes, the operator's routes) has one wall, its
 * statements, because that role works for all companies; the matrix holds for it in every run.
 */
const walls = [
  { standing: 'both walls', statements: true, policies: true },
  { standing: 'the statements alone, without row level security', statements: true, policies: false },
  {
    standing: 'row level security alone, under statements that forgot their company',
    statements: false,
    policies: true,
  },
]

async function begin(t: TestContext, wall: { statements: boolean; policies: boolean }): Promise<TwoCompanies> {
  const world = await twoCompanies(t, wall.statements ? undefined : withoutKeyPredicates)
  if (!wall.policies) await dropPolicies(world.database)
  return world
}

/** In this test's own database. The api role then sees every row. */
async function dropPolicies({ pools }: TestDatabase): Promise<void> {
  const tables = await sql<{ name: string }>(
    pools.owner,
    `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relrowsecurity`,
  )
  for (const { name } of tables) await sql(pools.owner, `alter table ${name} disable row level security`)
  assert.ok((await sql(pools.api, 'select 1 from event_logs')).length >= 2)
}

/** Sends it with a key. Gives the whole answer as text. */
async function send(url: string, request: FullRequest, key: string): Promise<{ status: number; text: string }> {
  const { method, path, headers, body } = request
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: {
      ...headers,
      authorization: `Bearer ${key}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const kept = [...response.headers].filter(([name]) => name !== 'date' && name !== 'request-id')
  return { status: response.status, text: `${response.status} ${JSON.stringify(kept)} ${await response.text()}` }
}

/** What differs between any two answers: ids, times and signatures that were made for them, and new secrets. */
function withoutNews(text: string): string {
  const isTest = text.includes('"webhook_log_id"')
  return (isTest ? text.replaceAll(/\["content-length","\d+"\]/g, '') : text)
    .replaceAll(/(timestamp\\?"[:,]\\?"|\.)\d{10}(?=[."\\])/g, '$1<seconds>')
    .replaceAll(/v1a?,[\w+/]+=*/g, '<signature>')
    .replaceAll(/^(\d+ .* retry: )\d+$/gm, '$1<ms>') // of a stream; each client's is another one
    .replaceAll(/"(\w+_ms)":[\d.]+/g, '"$1":"<ms>"')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<id>')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replaceAll(/"(key|secret|hint|next_cursor)":"[^"]*"/g, '"$1":"<new>"')
    .replaceAll(/\["etag","\\"\d+\\""\]/g, '["etag"]')
}

/** Whether a text has anything of the company in it, but for the name that was asked for. */
function traceOf(company: Inhabited, text: string, asked = ''): string | undefined {
  const rest = asked === '' ? text : text.replaceAll(asked, '<asked>')
  return [...Object.values(company.things), 'theirs', company.key].find((thing) => rest.includes(thing))
}

function nameFrom(things: Inhabited['things'], route: ApiRoute) {
  return (collection: string): string => {
    const thing = things[collection]
    assert.ok(thing, `${route.operationId} names a thing of ${collection}; let inhabit() make one`)
    return thing
  }
}

/** What is different between asking for a thing of theirs and asking for nothing. */
async function faultsOfPlace(world: TwoCompanies, route: ApiRoute, place: TextPlace): Promise<string[]> {
  const { url, mine, theirs, nothing } = world
  const faults: string[] = []
  for (const [collection, thing] of Object.entries(theirs.things)) {
    const where = `${route.operationId} ${place.part} ${place.steps.join('.')} = a name of ${collection}`
    const other = nothing[collection] ?? ''
    const ask = async (name: string) =>
      await send(url, withText(route, fullRequest(route, nameFrom(mine.things, route)), place, name), mine.key)
    const toTheirs = await ask(thing)
    const toNone = await ask(other)
    const trace = traceOf(theirs, toTheirs.text, thing)
    if (trace !== undefined) faults.push(`${where}: shows ${trace}`)
    if (
      withoutNews(toTheirs.text.replaceAll(thing, '<asked>')) !== withoutNews(toNone.text.replaceAll(other, '<asked>'))
    )
      faults.push(`${where}:\n  ${toTheirs.text}\n  ${toNone.text}`)
    if (toTheirs.status >= 500) faults.push(`${where}: ${toTheirs.text}`)
    const isTaken = toTheirs.status < 400 && !takesAnyName.has(route.operationId)
    if (place.part === 'path' && isTaken) faults.push(`${where}: is taken`)
  }
  return faults
}

/** What can be asked of a name that nothing has. */
const takesAnyName: ReadonlySet<string> = new Set(['checkDefinition'])

async function faultsOfRoute(world: TwoCompanies, route: ApiRoute): Promise<string[]> {
  const { url, mine, theirs, database } = world
  const before = await companyRows(database.pools.engine, theirs.id)
  const faults: string[] = []
  for (const place of textPlaces(route)) faults.push(...(await faultsOfPlace(world, route, place)))
  if (!route.path.includes(':')) {
    const { text } = await send(url, fullRequest(route, nameFrom(mine.things, route)), mine.key)
    const trace = traceOf(theirs, text)
    if (trace !== undefined) faults.push(`${route.operationId}: shows ${trace}`)
    faults.push(...(await faultsOfCursor(world, route)))
  }
  try {
    assert.deepEqual(await companyRows(database.pools.engine, theirs.id), before)
  } catch {
    faults.push(`${route.operationId}: changes their rows`)
  }
  return faults
}

/** A cursor that was given out to them shows mine, or is refused as none of mine. */
async function faultsOfCursor({ url, mine, theirs }: TwoCompanies, route: ApiRoute): Promise<string[]> {
  if (!route.query.properties?.['cursor'] || route.isOperators) return []
  const page = await call(url, 'GET', `${route.path}?limit=1`, undefined, theirs.key)
  const cursor = page.body['next_cursor']
  if (typeof cursor !== 'string') return []
  const shown = await call(url, 'GET', `${route.path}?cursor=${encodeURIComponent(cursor)}`, undefined, mine.key)
  const trace = traceOf(theirs, JSON.stringify(shown.body))
  const isRefused = shown.status === 400 && shown.body['code'] === 'invalid_cursor'
  return trace === undefined && (shown.status === 200 || isRefused)
    ? []
    : [`${route.operationId}: their cursor gives ${shown.status} ${trace}`]
}

/** What belongs to them they reach themselves, so the names are real and the places are looked at. */
async function assertNamesAreReal({ url, theirs, parts }: TwoCompanies): Promise<void> {
  const routes = (await readRoutes(parts)).filter(({ method, isPublic }) => method === 'GET' && !isPublic)
  for (const route of routes.filter(({ path }) => path.includes(':'))) {
    const request = fullRequest(route, nameFrom(theirs.things, route))
    assert.equal((await send(url, request, route.isOperators ? OPERATOR_KEY : theirs.key)).status, 200, route.path)
  }
  let filtered = 0
  for (const route of routes) {
    for (const name of Object.keys(route.query.properties ?? {}).filter((one) => one.endsWith('_id'))) {
      const thing = theirs.things[collectionOf[name] ?? '']
      if (thing === undefined || route.operationId === 'getStats') continue // counts, and no rows
      filtered++
      const own = await call(url, 'GET', `${route.path}?${name}=${thing}`, undefined, theirs.key)
      assert.ok(rowsOf(own).length > 0, `${route.path}?${name}`)
    }
  }
  assert.ok(filtered >= 5)
}

const collectionOf: Readonly<Record<string, string>> = {
  subscription_id: 'subscriptions',
  event_id: 'events',
  delivery_id: 'deliveries',
}

/**
 * What only reads comes first; then what changes a named thing, and what ends one; last what makes things, since mine may
 * then have the same ids as theirs.
 */
function inOrder(routes: readonly ApiRoute[]): readonly ApiRoute[] {
  const rank = ({ method, path }: ApiRoute): number =>
    method === 'GET' ? 0 : path.includes(':') ? (method === 'DELETE' ? 2 : 1) : 3
  return routes.filter(({ isPublic }) => !isPublic).toSorted((one, other) => rank(one) - rank(other))
}

for (const wall of walls) {
  test(`[companies-apart] on every route a name of another company's is answered like none, behind ${wall.standing}`, async (t) => {
    const world = await begin(t, wall)
    const routes = await readRoutes(world.parts)
    assert.ok(routes.length >= 28)
    await assertNamesAreReal(world)
    for (const route of inOrder(routes)) {
      assert.deepEqual(await faultsOfRoute(world, route), [], route.operationId)
    }
    await assertNamesAreReal(world)
    if (!wall.statements) assert.ok(forgetfulStatements.size >= 15, [...forgetfulStatements].join(' '))
  })
}

test('with both walls down every route that reads or changes by a name gives the other company away', async (t) => {
  const world = await begin(t, { statements: false, policies: false })
  const routes = inOrder(await readRoutes(world.parts)).filter(({ isOperators }) => !isOperators)
  const leaking: string[] = []
  const tight: string[] = []
  for (const route of routes) {
    const reads = route.method === 'GET' || route.path.includes(':')
    if (!reads) continue
    const target = (await faultsOfRoute(world, route)).length > 0 ? leaking : tight
    target.push(route.operationId)
  }
  assert.deepEqual(tight, [])
  assert.ok(leaking.length >= 17, leaking.join(' '))
})

test('a statement that asks for its company in a new form has to be looked at', () => {
  assert.equal(
    withoutCompany('select 1 from t where t.company_id = $1 and id = $12'),
    'select 1 from t where $1::uuid is not null and id = $12',
  )
  for (const text of ['company_id = any($1)', 'company_id=$1', 'company_id in ($1)', 'join t using (company_id, id)']) {
    assert.throws(() => withoutCompany(`select 1 from t where ${text}`), /not known here/)
  }
})

test("[companies-apart] publishing under another company's event id or key makes an event of one's own", async (t) => {
  const { url, mine, theirs } = await twoCompanies(t)
  const event = { id: newId(), idempotency_key: 'shared', event_name: 'order.placed', payload: { of: 'theirs' } }
  assert.equal((await call(url, 'POST', '/events', event, theirs.key)).status, 201)
  const own = await call(url, 'POST', '/events', { ...event, payload: { of: 'mine' } }, mine.key)
  assert.deepEqual([own.status, own.body['replayed']], [201, false])
  const read = async (key: string) => (await call(url, 'GET', `/events/${event.id}`, undefined, key)).body['payload']
  assert.deepEqual([await read(mine.key), await read(theirs.key)], [{ of: 'mine' }, { of: 'theirs' }])
})
