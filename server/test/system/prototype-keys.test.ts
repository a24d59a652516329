import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { call, rowsOf, textOf } from '../support/api.ts'
import { testDatabase } from '../support/database.ts'
import { scriptedReceiver } from '../support/scripted-receiver.ts'
import { readRoutes, valueAt } from './api-routes.ts'
import { newCompany, OPERATOR_KEY } from './new-company.ts'
import type { ServedApp } from './served-app.ts'
import { serveApp } from './served-app.ts'

/**
 * Keys that name what every object inherits. The server runs in this process, so what it did to the prototypes would be
 * seen here.
 */
const keys = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__']

const poisons = [
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '{"a":{"__proto__":{"__proto__":{"polluted":1}}}}',
  '[{"__proto__":["polluted"]},{"constructor":null}]',
  String.raw`{"\u005f_proto__":{"polluted":1}}`,
  '{"__proto__":null,"toString":1,"hasOwnProperty":2,"length":3}',
]

const prototypes = [Object.prototype, Array.prototype, Function.prototype, String.prototype, Map.prototype]

/** Names of what they have, and whether each is still what it was. */
function contentOfPrototypes(): Map<string, unknown> {
  const entries = prototypes.flatMap((prototype, index) =>
    Reflect.ownKeys(prototype).map((key) => {
      const { value, get } = Reflect.getOwnPropertyDescriptor(prototype, key) ?? {}
      return [`${index} ${String(key)}`, value ?? get] as const
    }),
  )
  return new Map(entries)
}

function assertPrototypesAre(before: ReadonlyMap<string, unknown>): void {
  const now = contentOfPrototypes()
  assert.deepEqual([...now.keys()], [...before.keys()])
  for (const [name, value] of before) assert.ok(Object.is(now.get(name), value), name)
}

interface World extends ServedApp {
  readonly key: string
  ask(method: string, path: string, body?: unknown): ReturnType<typeof call>
}

async function begin(t: TestContext): Promise<World> {
  const before = contentOfPrototypes()
  t.after(() => assertPrototypesAre(before))
  const app = await serveApp(t, await testDatabase(t))
  const { key } = await newCompany(app.url, 'Prototypes')
  return { ...app, key, ask: async (method, path, body) => await call(app.url, method, path, body, key) }
}

test('[bytes-arrive] keys of prototypes in a payload are ordinary keys, from publish to receiver', async (t) => {
  const { ask, node } = await begin(t)
  const receiver = await scriptedReceiver(t)
  await ask('POST', '/events/subscriptions', { webhook_url: receiver.url, event_names: ['*'] })
  const published = new Map<string, string>()
  for (const payload of poisons) {
    const id = newId()
    published.set(id, payload)
    const made = await ask('POST', '/events', `{"event_name":"a.b","id":"${id}","payload":${payload}}`)
    assert.equal(made.status, 201, payload)
    const read = await ask('GET', `/events/${id}`)
    assert.equal(JSON.stringify(read.body['payload']), JSON.stringify(JSON.parse(payload)))
  }
  await node.route()
  await node.dispatch()
  assert.equal(receiver.calls.length, poisons.length)
  for (const { id, body } of receiver.calls) assert.ok(body.toString().endsWith(`,"data":${published.get(id)}}`))
})

test('keys of prototypes are members that no route knows, at any depth of a body', async (t) => {
  const { ask, url } = await begin(t)
  const bodies: readonly (readonly [method: string, path: string, body: (member: string) => string])[] = [
    ['POST', '/events', (member) => `{"event_name":"a.b","payload":1,${member}}`],
    ['POST', '/events', (member) => `{"event_name":"a.b","payload":1,"actor":{"type":"a","id":"b",${member}}}`],
    ['POST', '/events', (member) => `{"event_name":"a.b","payload":1,"related":[{"type":"a","id":"b",${member}}]}`],
    ['POST', '/events/batch', (member) => `{"events":[{"event_name":"a.b","payload":1,${member}}]}`],
    ['POST', '/events/batch', (member) => `{"events":[{"event_name":"a.b","payload":1}],${member}}`],
    [
      'POST',
      '/events/subscriptions',
      (member) => `{"webhook_url":"https://example.com","event_names":["*"],${member}}`,
    ],
    ['POST', '/api-keys', (member) => `{"name":"a","scopes":["events:read"],${member}}`],
    ['POST', '/companies', (member) => `{"name":"a",${member}}`],
    ['POST', '/companies', (member) => `{"name":"a","settings":{${member}}}`],
  ]
  for (const [method, path, body] of bodies) {
    for (const key of keys) {
      for (const value of ['{"polluted":1}', '{"prototype":{"polluted":1}}', 'null', '1']) {
        const sent = body(`${JSON.stringify(key)}:${value}`)
        const answer = await (path === '/companies'
          ? call(url, method, path, sent, OPERATOR_KEY)
          : ask(method, path, sent))
        assert.deepEqual([answer.status, answer.body['code']], [400, 'invalid_request'], sent)
        assert.equal(valueAt(answer.body, ['errors', 0, 'code']), 'additionalProperties', sent)
      }
    }
  }
})

test('what an object inherits does not stand in for a member that is missing', async (t) => {
  const { ask } = await begin(t)
  const inherits = '{"__proto__":{"event_name":"a.b","payload":1}}'
  const answer = await ask('POST', '/events', inherits)
  assert.equal(answer.status, 400)
  assert.equal(
    (await ask('POST', '/events/subscriptions', '{"__proto__":{"webhook_url":"https://a.example"}}')).status,
    400,
  )
})

test('keys of prototypes are no filters, and no names of things', async (t) => {
  const { ask, parts } = await begin(t)
  const routes = (await readRoutes(parts)).filter(({ isPublic, isOperators }) => !isPublic && !isOperators)
  for (const { path } of routes.filter(({ query }) => query.properties)) {
    for (const key of keys) {
      for (const name of [
        key,
        `${key}[polluted]`,
        `${key}.polluted`,
        `limit[${key}]`,
        `constructor[prototype][${key}]`,
      ]) {
        assert.equal((await ask('GET', `${path}?${encodeURIComponent(name)}=1`)).status, 400, `${path} ${name}`)
        assert.equal((await ask('GET', `${path}?${name}=1&${name}=2`)).status, 400, `${path} ${name}`)
      }
      if (path.includes(':')) continue // what it is a list of is looked for first
      const cursor = Buffer.from(`["events",{"${key}":1}]`).toString('base64url')
      assert.equal((await ask('GET', `${path}?cursor=${cursor}`)).status, 400)
    }
  }
  for (const { method, path } of routes.filter((route) => route.path.includes(':') && route.method === 'GET')) {
    for (const key of keys) assert.equal((await ask(method, path.replace(/:\w+/, key))).status, 404, `${path} ${key}`)
  }
})

test('names of prototypes are names like others: of events, entities, actors and idempotency keys', async (t) => {
  const { ask, node, url } = await begin(t)
  const receiver = await scriptedReceiver(t)
  const names = ['__proto__', 'constructor', 'prototype', 'constructor.prototype', '__proto__.tostring']
  await ask('POST', '/events/subscriptions', { webhook_url: receiver.url, event_names: [...names, '__proto__.*'] })
  for (const name of names) {
    const entity = { type: 'constructor', id: '__proto__' }
    const event = { event_name: name, payload: { name }, related: [entity], idempotency_key: name, source: '__proto__' }
    const made = await ask('POST', '/events', { ...event, actor: entity, entity_type: 'valueof', entity_id: name })
    assert.equal(made.status, 201, JSON.stringify(made.body))
    await node.route()
    const listed = await ask('GET', `/events?event_names=${name}`)
    assert.deepEqual(
      rowsOf(listed).map((row) => row['id']),
      [textOf(made, 'id')],
    )
    const ofEntity = await ask('GET', `/events?entity_type=valueof&entity_id=${name}`)
    assert.deepEqual(
      rowsOf(ofEntity).map((row) => row['id']),
      [textOf(made, 'id')],
    )
  }
  await node.dispatch()
  assert.equal(receiver.calls.length, names.length)
  const strict = await newCompany(url, 'Strict', { allow_undeclared_events: false })
  for (const name of names) {
    const refused = await call(url, 'POST', '/events', { event_name: name, payload: {} }, strict.key)
    assert.deepEqual([refused.status, refused.body['code']], [422, 'unknown_event_name'])
  }
})
