import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { verifyWebhook } from '@daybook/sdk'
import { call, textOf } from '../support/api.ts'
import type { Answer } from '../support/api.ts'
import { startDaybook } from '../support/daybook-process.ts'
import { testDatabase } from '../support/database.ts'
import { scriptedReceiver } from '../support/scripted-receiver.ts'
import { until } from '../support/until.ts'
import { newCompany, OPERATOR_KEY } from './new-company.ts'

const NAME = 'order.placed'
const PATH = `/events/schemas/${NAME}`

const schema = {
  type: 'object',
  properties: {
    order_id: { type: 'string', minLength: 1 },
    total: { type: 'number', minimum: 0 },
    customer: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] },
  },
  required: ['order_id', 'total'],
  'x-entity': { type: 'order', id: '/order_id' },
  'x-related': [{ type: 'customer', id: '/customer/id' }],
}

const order = { order_id: 'o-1', total: 12.5, customer: { id: 'c-1' } }

const faultsOf = ({ body }: Answer) =>
  (body['errors'] as readonly { pointer: string; code: string }[]).map(({ pointer, code }) => [pointer, code])

/** A company that takes declared events only. */
async function begin(t: TestContext) {
  const database = await testDatabase(t)
  const env = { DATABASE_URL: database.url, DAYBOOK_OPERATOR_KEY: OPERATOR_KEY }
  const { url } = await startDaybook(t, env)
  const { key } = await newCompany(url, 'Shop', {})
  const ask = async (method: string, path: string, body?: unknown) => await call(url, method, path, body, key)
  const publish = async (payload: unknown) => await ask('POST', '/events', { event_name: NAME, payload })
  return { env, key, ask, publish }
}

test('a custom event goes from its definition to a signed webhook, through versions to its archive', async (t) => {
  const { ask, publish } = await begin(t)
  const receiver = await scriptedReceiver(t)
  const hook = { webhook_url: `${receiver.url}/hook`, event_names: [NAME] }
  const secret = textOf(await ask('POST', '/events/subscriptions', hook), 'secret')

  assert.equal((await publish(order)).body['code'], 'unknown_event_name')
  assert.equal((await ask('POST', '/events/schemas', { event_name: NAME, schema })).status, 201)
  const unused = await publish(order)
  assert.deepEqual([unused.status, unused.body['code']], [422, 'unknown_event_name'])
  assert.match(textOf(unused, 'detail'), /is a draft/)

  assert.equal((await ask('PUT', PATH, { status: 'active' })).status, 200)
  const published = await publish(order)
  assert.equal(published.status, 201)
  const [received] = await until('the webhook comes', () => receiver.calls.length > 0 && receiver.calls)
  assert.ok(received)
  const { id, body } = await verifyWebhook({ body: received.body, headers: received.headers, secrets: secret })
  assert.equal(id, textOf(published, 'id'))
  assert.partialDeepStrictEqual(body, {
    type: NAME,
    entity: { type: 'order', id: 'o-1' },
    related: [{ type: 'customer', id: 'c-1' }],
    data: order,
  })

  const wrong = await publish({ order_id: '', total: -1, customer: {} })
  assert.deepEqual([wrong.status, wrong.body['code']], [422, 'schema_violation'])
  assert.deepEqual(faultsOf(wrong), [
    ['/payload/order_id', 'minLength'],
    ['/payload/total', 'minimum'],
    ['/payload/customer/id', 'required'],
  ])

  const stricter = { ...schema, required: [...schema.required, 'customer'] }
  const refused = await ask('PUT', PATH, { schema: stricter })
  assert.deepEqual([refused.status, refused.body['code']], [409, 'incompatible_schema'])
  assert.partialDeepStrictEqual(refused.body['errors'], [{ version: 1, breaks: 'producers', pointer: '/required/2' }])
  assert.equal((await ask('PUT', PATH, { schema: { ...schema, description: 'An order' } })).body['version'], 2)
  assert.equal((await ask('PUT', PATH, { schema: stricter, compatibility: 'none' })).body['version'], 3)
  assert.deepEqual(faultsOf(await publish({ order_id: 'o-2', total: 1 })), [['/payload/customer', 'required']])

  await ask('PUT', PATH, { status: 'deprecated' })
  const late = await publish(order)
  assert.equal(late.status, 201)
  assert.partialDeepStrictEqual(late.body['warnings'], [{ code: 'definition_deprecated' }])
  await ask('PUT', PATH, { status: 'archived' })
  assert.equal((await publish(order)).body['code'], 'definition_archived')
  await until('what was deprecated was sent too', () => receiver.calls.length === 2)
  assert.equal((await ask('DELETE', PATH)).body['code'], 'definition_in_use')
})

test('a change that one process made is seen by another within five seconds, while both are published to', async (t) => {
  const { env, key, ask, publish } = await begin(t)
  const other = await startDaybook(t, env)
  const publishThere = async (payload: unknown) =>
    await call(other.url, 'POST', '/events', { event_name: NAME, payload }, key)
  assert.equal((await publishThere(order)).status, 422)
  const change = async (body: object, seen: (there: Answer) => boolean) => {
    const answer = 'event_name' in body ? await ask('POST', '/events/schemas', body) : await ask('PUT', PATH, body)
    assert.ok(answer.status < 300, JSON.stringify(answer.body))
    assert.ok(seen(await publish(order)), 'at once where it was made')
    const startedAt = performance.now()
    await until('the other process sees it', async () => seen(await publishThere(order)), 20_000)
    assert.ok(performance.now() - startedAt < 5_000)
  }
  await change({ event_name: NAME, schema, status: 'active' }, ({ status }) => status === 201)
  await change({ schema: { type: 'string' }, compatibility: 'none' }, ({ body }) => body['code'] === 'schema_violation')
  await change({ status: 'archived' }, ({ body }) => body['code'] === 'definition_archived')
})

test('a hostile schema is refused within seconds, and nobody who publishes meanwhile waits for it', async (t) => {
  const { ask, publish } = await begin(t)
  await ask('POST', '/events/schemas', { event_name: NAME, schema, status: 'active' })
  const levels = Array.from({ length: 30 }, (_, level) => [
    `level${level}`,
    { anyOf: Array.from({ length: 4 }, () => ({ $ref: `#/$defs/level${level + 1}` })) },
  ])
  const bomb = { $ref: '#/$defs/level0', $defs: Object.fromEntries([...levels, ['level30', true]]) }
  const bombs = Array.from({ length: 4 }, async (_, index) => {
    const startedAt = performance.now()
    const answer = await ask('POST', '/events/schemas', { event_name: `bomb.n${index}`, schema: bomb })
    return { code: answer.body['code'], tookMs: performance.now() - startedAt }
  })
  let isOver = false
  const ended = Promise.all(bombs).finally(() => (isOver = true))
  let slowestMs = 0
  do {
    const startedAt = performance.now()
    assert.equal((await publish(order)).status, 201)
    slowestMs = Math.max(slowestMs, performance.now() - startedAt)
  } while (!isOver)
  for (const { code, tookMs } of await ended) {
    assert.equal(code, 'invalid_definition')
    assert.ok(tookMs < 5_000, `${tookMs} ms`)
  }
  assert.ok(slowestMs < 1_000, `${slowestMs} ms`)
})
