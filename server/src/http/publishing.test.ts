import assert from 'node:assert/strict'
import test from 'node:test'
import { gzipSync } from 'node:zlib'
import type { TestApp } from './test-app.ts'
import { bearer, buildTestApp } from './test-app.ts'

const json = { ...bearer('events:write'), 'content-type': 'application/json' }

async function post({ app }: TestApp, url: string, payload: string | Buffer, headers: Record<string, string> = {}) {
  return await app.inject({ method: 'POST', url: `/api/v1${url}`, headers: { ...json, ...headers }, payload })
}

const faultsOf = (response: { json(): { errors: { pointer: string; code: string }[] } }) =>
  response.json().errors.map(({ pointer, code }) => [pointer, code])

test('a published event is recorded with the bytes of its payload and answered with 201', async (t) => {
  const testApp = await buildTestApp(t)
  const payload = '{ "price": 1.0, "big": 12345678901234567890,\n "text": "\\u00e9" }'
  const response = await post(testApp, '/events', `{"event_name":"appointment.created", "payload" : ${payload} }`)
  assert.equal(response.statusCode, 201)
  assert.deepEqual(Object.keys(response.json()), ['id', 'event_name', 'recorded_at', 'replayed'])
  const [event] = testApp.published[0] ?? []
  assert.equal(event?.payload, payload)
  assert.equal(response.json().id, event?.id)
  assert.deepEqual(event?.actor, { type: 'api_key', id: 'k1', name: 'Tests' })
})

test('each event of a batch keeps the bytes of its own payload, and their order', async (t) => {
  const testApp = await buildTestApp(t)
  const body =
    '{"events":[{"payload":1.50,"event_name":"appointment.created"},{"event_name":"appointment.created","payload":[ ]}]}'
  const response = await post(testApp, '/events/batch', body)
  assert.equal(response.statusCode, 201)
  assert.equal(response.json().data.length, 2)
  assert.deepEqual(
    testApp.published[0]?.map((event) => event.payload),
    ['1.50', '[ ]'],
  )
})

test('every fault of the form is listed with its pointer', async (t) => {
  const testApp = await buildTestApp(t)
  const event = {
    event_name: 7,
    entity_id: 1.5,
    entity_type: 'Upper',
    actor: { type: 'user', id: 1, role: 'x' },
    colour: 'red',
    source: '',
  }
  const response = await post(testApp, '/events', JSON.stringify(event))
  assert.equal(response.statusCode, 400)
  assert.equal(response.headers['content-type'], 'application/problem+json')
  assert.equal(response.json().code, 'invalid_request')
  assert.deepEqual(
    faultsOf(response).toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)),
    [
      ['/actor/role', 'additionalProperties'],
      ['/colour', 'additionalProperties'],
      ['/entity_id', 'type'],
      ['/entity_type', 'pattern'],
      ['/event_name', 'type'],
      ['/payload', 'required'],
      ['/source', 'minLength'],
    ],
  )
})

test('nothing in a body is turned into another type', async (t) => {
  const testApp = await buildTestApp(t)
  for (const member of [
    '"source":null',
    '"source":5',
    '"entity_id":true',
    '"related":{}',
    '"event_name":["appointment.created"]',
  ]) {
    const response = await post(testApp, '/events', `{"payload":{},${member}}`)
    assert.equal(response.statusCode, 400, member)
  }
  assert.equal(testApp.published.length, 0)
})

test('ids of entities may be whole numbers, and are recorded as text', async (t) => {
  const testApp = await buildTestApp(t)
  await post(
    testApp,
    '/events',
    '{"event_name":"appointment.created","payload":{},"entity_type":"appointment","entity_id":123}',
  )
  assert.deepEqual(testApp.published[0]?.[0]?.entity, { type: 'appointment', id: '123' })
  const unsafe = await post(
    testApp,
    '/events',
    '{"event_name":"appointment.created","payload":{},"entity_type":"a","entity_id":9007199254740993}',
  )
  assert.deepEqual(faultsOf(unsafe), [['/entity_id', 'maximum']])
})

test('faults of meaning have their own codes, below the event of the batch', async (t) => {
  const testApp = await buildTestApp(t)
  const response = await post(
    testApp,
    '/events/batch',
    '{"events":[{"event_name":"appointment.created","payload":{}},{"event_name":"appointment.created","payload":{"bad":1},"id":"x"}]}',
  )
  assert.equal(response.statusCode, 422)
  assert.equal(response.json().code, 'schema_violation')
  assert.deepEqual(faultsOf(response), [
    ['/events/1/payload/bad', 'not'],
    ['/events/1/id', 'id_not_v7'],
  ])
  const unknown = await post(testApp, '/events', '{"event_name":"appointment.create","payload":{}}')
  assert.deepEqual(
    [unknown.json().code, faultsOf(unknown)],
    ['unknown_event_name', [['/event_name', 'unknown_event_name']]],
  )
})

test('the header idempotency-key stands for the member, and must not differ from it', async (t) => {
  const testApp = await buildTestApp(t)
  const plain = '{"event_name":"appointment.created","payload":{}}'
  const keyed = '{"event_name":"appointment.created","payload":{},"idempotency_key":"a"}'
  await post(testApp, '/events', plain, { 'idempotency-key': 'a' })
  await post(testApp, '/events', keyed, { 'idempotency-key': 'a' })
  await post(testApp, '/events', keyed)
  assert.deepEqual(
    testApp.published.map(([event]) => event?.idempotencyKey),
    ['a', 'a', 'a'],
  )
  const different = await post(testApp, '/events', keyed, { 'idempotency-key': 'b' })
  assert.deepEqual([different.statusCode, faultsOf(different)], [400, [['/idempotency_key', 'invalid_request']]])
  const long = await post(testApp, '/events', plain, { 'idempotency-key': 'k'.repeat(201) })
  assert.deepEqual([long.statusCode, faultsOf(long)], [400, [['/idempotency-key', 'maxLength']]])
})

test('bodies that are not strict JSON are refused by code', async (t) => {
  const testApp = await buildTestApp(t)
  const cases: readonly (readonly [string | Buffer, string])[] = [
    ['{"event_name":', 'malformed_json'],
    ['{"a":1,"a":2}', 'duplicate_key'],
    ['['.repeat(65) + ']'.repeat(65), 'nesting_too_deep'],
    ['{"a":"\\u0000"}', 'unstorable_text'],
    ['{"a":"\\ud800"}', 'unstorable_text'],
    [Buffer.from([0x22, 0xff, 0x22]), 'malformed_json'],
    ['', 'malformed_json'],
    ['null', 'invalid_request'],
    ['[]', 'invalid_request'],
  ]
  for (const url of ['/events', '/events/batch']) {
    for (const [body, code] of cases) {
      const response = await post(testApp, url, body, { 'content-length': String(Buffer.byteLength(body)) })
      assert.deepEqual([response.statusCode, response.json().code], [400, code], `${url} ${String(body).slice(0, 20)}`)
      assert.notEqual(response.headers.connection, 'close')
    }
  }
})

test('a key __proto__ is a member like others and pollutes nothing', async (t) => {
  const testApp = await buildTestApp(t)
  const inPayload = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'
  await post(testApp, '/events', `{"event_name":"appointment.created","payload":${inPayload}}`)
  assert.equal(testApp.published[0]?.[0]?.payload, inPayload)
  const response = await post(
    testApp,
    '/events',
    '{"event_name":"appointment.created","payload":{},"__proto__":{"source":"x"}}',
  )
  assert.deepEqual(faultsOf(response), [['/__proto__', 'additionalProperties']])
  assert.equal(Reflect.get({}, 'polluted'), undefined)
})

test('each route has its own limit of body bytes', async (t) => {
  const testApp = await buildTestApp(t)
  const body = (bytes: number) => `{"x":"${'a'.repeat(bytes)}"}`
  for (const [url, bytes, status] of [
    ['/events', 512 * 1024, 413],
    ['/events', 400 * 1024, 400],
    ['/events/batch', 600 * 1024, 400],
    ['/events/batch', 16 * 1024 * 1024, 413],
  ] as const) {
    const response = await post(testApp, url, body(bytes))
    assert.equal(response.statusCode, status, `${url} ${bytes}`)
    if (status === 413) assert.equal(response.json().code, 'body_too_large')
  }
})

test('only plain application/json is read', async (t) => {
  const testApp = await buildTestApp(t)
  const body = '{"event_name":"appointment.created","payload":{}}'
  const withType = (type: string) => post(testApp, '/events', body, { 'content-type': type })
  assert.equal((await withType('application/json; charset=utf-8')).statusCode, 201)
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json-seq',
    'application/cloudevents+json',
    'nonsense',
  ]) {
    const response = await withType(type)
    assert.deepEqual([response.statusCode, response.json().code], [415, 'unsupported_media_type'], type)
  }
  const compressed = await post(testApp, '/events', gzipSync(body), { 'content-encoding': 'gzip' })
  assert.deepEqual([compressed.statusCode, compressed.json().code], [415, 'unsupported_media_type'])
  assert.equal((await post(testApp, '/events', body, { 'content-encoding': 'identity' })).statusCode, 201)
})
