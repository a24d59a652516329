import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { call, rowsOf, textOf } from '../support/api.ts'
import type { Answer } from '../support/api.ts'
import { startDaybook } from '../support/daybook-process.ts'
import type { TestDatabase } from '../support/database.ts'
import { testDatabase } from '../support/database.ts'
import { sql } from '../support/sql.ts'
import { until } from '../support/until.ts'
import { settledRows } from './company-rows.ts'
import { newCompany, OPERATOR_KEY } from './new-company.ts'
import type { NewCompany } from './new-company.ts'

interface World {
  readonly database: TestDatabase
  readonly url: string
  readonly company: NewCompany
}

async function begin(t: TestContext): Promise<World> {
  const database = await testDatabase(t)
  const env = { DATABASE_URL: database.url, DAYBOOK_OPERATOR_KEY: OPERATOR_KEY, DAYBOOK_EGRESS_ALLOW: '' }
  const { url } = await startDaybook(t, env)
  return { database, url, company: await newCompany(url, 'Changing') }
}

/** One administrative change, on things that changes before it in the list have made. */
interface Change {
  readonly eventName: string
  readonly method: string
  /** `{subscription}`, `{key}` and `{company}` stand for ids. */
  readonly path: string
  readonly body?: object
  readonly byOperator?: boolean
  /** Members of the event's payload, and what they have in them at least. */
  readonly tells: Readonly<Record<string, unknown>>
}

const GIVEN_SECRET = `whsec_${Buffer.from('a-secret-that-nobody-must-be-told-of').toString('base64')}`
const hook = 'https://example.com/hook'
const other = 'https://example.com/other'

const changes: readonly Change[] = [
  {
    eventName: 'daybook.subscription.created',
    method: 'POST',
    path: '/events/subscriptions',
    body: { webhook_url: hook, event_names: ['order.*'], secret: GIVEN_SECRET },
    tells: { after: { webhook_url: hook, event_names: ['order.*'], status: 'active' } },
  },
  {
    eventName: 'daybook.subscription.updated',
    method: 'PATCH',
    path: '/events/subscriptions/{subscription}',
    body: { webhook_url: other },
    tells: { before: { webhook_url: hook }, after: { webhook_url: other } },
  },
  {
    eventName: 'daybook.subscription.disabled',
    method: 'POST',
    path: '/events/subscriptions/{subscription}/disable',
    tells: { before: { status: 'active' }, after: { status: 'inactive' }, reason: 'by_request' },
  },
  {
    eventName: 'daybook.subscription.enabled',
    method: 'POST',
    path: '/events/subscriptions/{subscription}/enable',
    tells: { before: { status: 'inactive' }, after: { status: 'active' } },
  },
  {
    eventName: 'daybook.subscription.secret_rotated',
    method: 'POST',
    path: '/events/subscriptions/{subscription}/rotate-secret',
    body: { overlap_seconds: 60 },
    tells: { overlap_seconds: 60 },
  },
  {
    eventName: 'daybook.subscription.deleted',
    method: 'DELETE',
    path: '/events/subscriptions/{subscription}',
    tells: { before: { webhook_url: other, status: 'active' } },
  },
  {
    eventName: 'daybook.definition.created',
    method: 'POST',
    path: '/events/schemas',
    body: { event_name: 'order.placed', schema: { type: 'object' } },
    tells: { event_name: 'order.placed', after: { status: 'draft', version: 1 } },
  },
  {
    eventName: 'daybook.definition.updated',
    method: 'PUT',
    path: '/events/schemas/order.placed',
    body: { status: 'active' },
    tells: { before: { status: 'draft' }, after: { status: 'active' } },
  },
  {
    eventName: 'daybook.definition.version_added',
    method: 'PUT',
    path: '/events/schemas/order.placed',
    body: { examples: [{}] },
    tells: { before: { version: 1 }, after: { version: 2 } },
  },
  {
    eventName: 'daybook.definition.deprecated',
    method: 'PUT',
    path: '/events/schemas/order.placed',
    body: { status: 'deprecated' },
    tells: { before: { status: 'active' }, after: { status: 'deprecated' } },
  },
  {
    eventName: 'daybook.definition.archived',
    method: 'PUT',
    path: '/events/schemas/order.placed',
    body: { status: 'archived' },
    tells: { before: { status: 'deprecated' }, after: { status: 'archived' } },
  },
  {
    eventName: 'daybook.definition.deleted',
    method: 'DELETE',
    path: '/events/schemas/order.placed',
    tells: { before: { status: 'archived' } },
  },
  {
    eventName: 'daybook.api_key.created',
    method: 'POST',
    path: '/api-keys',
    body: { name: 'Reader', scopes: ['events:read'] },
    tells: { after: { name: 'Reader', scopes: ['events:read'] } },
  },
  {
    eventName: 'daybook.api_key.revoked',
    method: 'DELETE',
    path: '/api-keys/{key}',
    tells: { before: { revoked_at: null }, after: { name: 'Reader' } },
  },
  {
    eventName: 'daybook.retention.changed',
    method: 'PUT',
    path: '/retention',
    body: { payload_retention_days: 400, ledger_retention_days: null, rules: [] },
    tells: { before: { payload_retention_days: null }, after: { payload_retention_days: 400 } },
  },
  {
    eventName: 'daybook.company.updated',
    method: 'PATCH',
    path: '/companies/{company}',
    body: { settings: { disable_after_failures: 3 } },
    byOperator: true,
    tells: { before: { settings: { disable_after_failures: 10 } }, after: { settings: { disable_after_failures: 3 } } },
  },
]

/** Makes one change after another; remembers what was made, and each secret that was given out. */
class Administrator {
  readonly secrets: string[]
  readonly #world: World
  readonly #made: Map<string, string>

  constructor(world: World) {
    this.#world = world
    this.#made = new Map([['company', world.company.id]])
    this.secrets = [world.company.key, OPERATOR_KEY, GIVEN_SECRET]
  }

  async make(change: Change): Promise<Answer> {
    const { url, company } = this.#world
    const path = change.path.replace(/\{(\w+)\}/, (_, name: string) => this.#made.get(name) ?? '')
    const answer = await call(url, change.method, path, change.body, change.byOperator ? OPERATOR_KEY : company.key)
    if (answer.status === 201 && path !== '/events/schemas') {
      this.#made.set(path === '/api-keys' ? 'key' : 'subscription', textOf(answer, 'id'))
    }
    for (const member of ['secret', 'key']) {
      const secret = answer.body[member]
      if (typeof secret === 'string') this.secrets.push(secret)
    }
    return answer
  }

  /** Of the thing that the change is about. */
  idOf(change: Change): string {
    if (change.eventName.includes('definition')) return 'order.placed'
    if (change.eventName.includes('retention')) return this.#made.get('company') ?? ''
    const name = change.eventName.includes('api_key') ? 'key' : change.eventName.split('.')[1]
    return this.#made.get(name ?? '') ?? ''
  }
}

async function administrativeEvents({ url, company }: World): Promise<ReturnType<typeof rowsOf>> {
  const path = '/events?event_names=daybook.*&order=asc&limit=100'
  return rowsOf(await call(url, 'GET', path, undefined, company.key))
}

test('[change-with-event] every administrative change leaves one event: who, before, after, and no secret', async (t) => {
  const world = await begin(t)
  const administrator = new Administrator(world)
  const [key] = rowsOf(await call(world.url, 'GET', '/api-keys', undefined, world.company.key))
  const first = await until('the company and its key are told of', async () => {
    const events = await administrativeEvents(world)
    return events.length === 2 && events
  })
  assert.deepEqual(
    new Set(first.map((event) => event['event_name'])),
    new Set(['daybook.api_key.created', 'daybook.company.created']),
  )
  for (const [index, change] of changes.entries()) {
    const { status } = await administrator.make(change)
    assert.ok(status < 300, `${change.eventName}: ${status}`)
    const events = await until(`${change.eventName} is routed`, async () => {
      const found = await administrativeEvents(world)
      return found.length > 2 + index && found
    })
    assert.equal(events.length, 3 + index, `${change.eventName}: one event`)
    const event = events.at(-1) ?? {}
    assert.equal(event['event_name'], change.eventName)
    assert.equal(event['entity_id'], administrator.idOf(change))
    assert.deepEqual(
      event['actor'],
      change.byOperator
        ? { type: 'operator', id: 'operator' }
        : { type: 'api_key', id: key?.['id'], name: key?.['name'] },
    )
    assert.partialDeepStrictEqual(event['payload'], change.tells)
  }
  assert.ok(administrator.secrets.length >= 6)
  const text = JSON.stringify(await administrativeEvents(world))
  for (const secret of administrator.secrets) assert.ok(!text.includes(secret.replace('whsec_', '')))
})

test('[change-with-event] a change whose event cannot be written is not made', async (t) => {
  const world = await begin(t)
  const { database, company, url } = world
  const { engine, owner } = database.pools
  const administrator = new Administrator(world)
  /** But for the company's key, which is made beside the transaction that needs it and tells of nothing. */
  const rowsNow = async () => ({ ...(await settledRows(engine, company.id)), company_keys: [] })
  const settled = async () => {
    await until('all is routed', async () => (await sql(engine, 'select 1 from event_outbox')).length === 0)
    return await rowsNow()
  }
  const grants = async (text: string): Promise<void> => {
    for (const role of ['daybook_api', 'daybook_engine']) {
      await sql(owner, text.replace('ROLE', role))
    }
  }
  for (const change of changes) {
    const before = await settled()
    const [settings] = await sql<object>(engine, 'select * from companies where id = $1', [company.id])
    await grants('revoke insert on event_outbox from ROLE')
    const refused = await administrator.make(change)
    assert.deepEqual([refused.status, refused.body['code']], [500, 'internal_error'], change.eventName)
    assert.deepEqual(await rowsNow(), before, change.eventName)
    assert.deepEqual(await sql(engine, 'select * from companies where id = $1', [company.id]), [settings])
    await grants('grant insert on event_outbox to ROLE')
    assert.ok((await administrator.make(change)).status < 300, change.eventName)
  }
  await grants('revoke insert on event_outbox from ROLE')
  const before = await sql(engine, 'select id from companies')
  assert.equal((await call(url, 'POST', '/companies', { name: 'Never' }, OPERATOR_KEY)).status, 500)
  assert.deepEqual(await sql(engine, 'select id from companies'), before)
})

test('a revoked key is refused within five seconds, by another process too', async (t) => {
  const { database, url, company } = await begin(t)
  const second = await startDaybook(t, { DATABASE_URL: database.url })
  const made = await call(url, 'POST', '/api-keys', { name: 'Leaving', scopes: ['events:read'] }, company.key)
  const use = async (at: string) => (await call(at, 'GET', '/events?limit=1', undefined, textOf(made, 'key'))).status
  assert.deepEqual([await use(url), await use(second.url)], [200, 200])
  const revokedAt = performance.now()
  const revoked = await call(url, 'DELETE', `/api-keys/${textOf(made, 'id')}`, undefined, company.key)
  assert.ok(revoked.status < 300)
  await until('both refuse it', async () => (await use(url)) === 401 && (await use(second.url)) === 401, 10_000)
  assert.ok(performance.now() - revokedAt < 5_000)
})
