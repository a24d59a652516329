import assert from 'node:assert/strict'
import test from 'node:test'
import { DatabaseError } from 'pg'
import { bearer, buildTestApp } from './test-app.ts'

const canary = 'CANARY-4f1d'

function databaseError(code: string, message = `Failed`): DatabaseError {
  const error = new DatabaseError(message, 1, 'error')
  return Object.assign(error, {
    code,
    detail: `Key (secret)=(${canary}) already exists.`,
    hint: canary,
    where: `COPY t, line 1: "${canary}"`,
    internalQuery: `select '${canary}'`,
    parameters: [canary],
    constraint: 'a_constraint',
  })
}

const list = { method: 'GET', url: '/api/v1/events/subscriptions', headers: bearer('*') } as const

function failing(error: unknown): () => never {
  return () => {
    throw error
  }
}

test('an unknown error is a 500 that tells nothing but the request id, under which the log tells more', async (t) => {
  const answerQuery = failing(databaseError('23505', 'duplicate key value violates unique constraint "a_constraint"'))
  const { app, lines } = await buildTestApp(t, { answerQuery })
  const response = await app.inject(list)
  assert.equal(response.statusCode, 500)
  const { request_id, code, detail } = response.json()
  assert.equal(code, 'internal_error')
  assert.doesNotMatch(detail, /duplicate/)
  assert.equal(request_id, response.headers['request-id'])
  const logged = lines.map((line) => JSON.parse(line)).find((line) => line.msg === 'request failed')
  assert.equal(logged.request_id, request_id)
  assert.deepEqual([logged.err.code, logged.err.constraint], ['23505', 'a_constraint'])
  assert.match(logged.err.stack, /answer-errors\.test\.ts/)
})

test('[no-secret-in-logs] no value of a row, parameter or payload comes into the log or an answer, whatever error holds it', async (t) => {
  const errors = [
    databaseError('23505'),
    databaseError('22P02', `invalid input syntax for type uuid: "${canary}"`),
    databaseError('57014'),
    new Error('Wrapped', { cause: databaseError('22P02', canary) }),
    new SyntaxError(`Unexpected token, "${canary}" is not valid JSON`),
    canary,
    { message: canary },
  ]
  for (const error of errors) {
    const { app, lines } = await buildTestApp(t, { answerQuery: failing(error) })
    const response = await app.inject(list)
    assert.ok(response.statusCode >= 500)
    assert.ok(lines.length >= 2)
    assert.ok(!(response.body + JSON.stringify(response.headers) + lines.join('')).includes(canary))
  }
})

test('[no-secret-in-logs] keys, query values, ids in paths and bodies are in no line of the log', async (t) => {
  const { app, lines } = await buildTestApp(t)
  const payload = JSON.stringify({ event_name: 'appointment.created', payload: { bad: canary }, source: canary })
  const headers = { ...bearer('*'), 'content-type': 'application/json', 'idempotency-key': canary, cookie: canary }
  await app.inject({ method: 'POST', url: '/api/v1/events', headers, payload })
  await app.inject({ method: 'POST', url: '/api/v1/events', headers, payload: payload.replace('"bad"', '"ok"') })
  await app.inject({ url: `/api/v1/events?source=${canary}`, headers: { authorization: `Bearer ${canary}` } })
  await app.inject({ url: `/api/v1/events?${canary}=1`, headers: bearer('*') })
  await app.inject({ url: `/api/v1/events/${canary}`, headers: bearer('*') })
  await app.inject({ url: `/${canary}` })
  assert.equal(lines.length, 6)
  assert.ok(!lines.join('').includes(canary))
  const first = JSON.parse(lines[0] ?? '')
  assert.deepEqual(
    [first.method, first.route, first.status, typeof first.ms],
    ['POST', '/api/v1/events', 422, 'number'],
  )
})

test('a refusal quotes nothing of a payload', async (t) => {
  const { app } = await buildTestApp(t)
  for (const payload of [
    `{"event_name":"appointment.created","payload":{"bad":"${canary}"}}`,
    `{"event_name":"appointment.created","payload":{"text":"${canary}\\u0000"}}`,
    `{"event_name":"appointment.created","payload":{"text":"${canary}`,
    `{"event_name":"appointment.created","payload":"${canary}","entity_type":"${canary}","source":["${canary}"]}`,
  ]) {
    const headers = { ...bearer('*'), 'content-type': 'application/json' }
    const response = await app.inject({ method: 'POST', url: '/api/v1/events', headers, payload })
    assert.ok(response.statusCode >= 400)
    assert.ok(!response.body.includes(canary), response.body)
  }
})

test('trouble with the database is a 503 that asks to try again in a second', async (t) => {
  const troubles = [
    Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' }),
    Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }),
    Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }),
    new Error('timeout exceeded when trying to connect'),
    new Error('Connection terminated unexpectedly'),
    new Error('Query read timeout'),
    databaseError('57P01'),
    databaseError('57P03'),
    databaseError('53300'),
    databaseError('40P01'),
  ]
  for (const connectError of troubles) {
    const { app } = await buildTestApp(t, { connectError })
    const response = await app.inject(list)
    assert.equal(response.statusCode, 503, connectError.message)
    assert.equal(response.json().code, 'unavailable')
    assert.equal(response.headers['retry-after'], '1')
  }
})

test('a publish whose key cannot be looked up is a 503, not a 401', async (t) => {
  const authenticate = async () => {
    throw new Error('Connection terminated unexpectedly')
  }
  const { app } = await buildTestApp(t, { keyRing: { authenticate } })
  const response = await app.inject(list)
  assert.equal(response.statusCode, 503)
})

test('what is unknown, malformed or gone is answered in the same words', async (t) => {
  const { app } = await buildTestApp(t)
  for (const [noun, method, url] of [
    ['subscription', 'GET', '/events/subscriptions/ID'],
    ['subscription', 'DELETE', '/events/subscriptions/ID'],
    ['event', 'GET', '/events/ID'],
    ['delivery', 'GET', '/events/deliveries/ID'],
    ['log', 'GET', '/events/webhook-logs/ID'],
  ] as const) {
    const bodies = await Promise.all(
      ['01890000-0000-7000-8000-0000000000aa', 'no-id', '0'].map(async (id) => {
        const answerQuery = (query: { name: string }) =>
          query.name === 'subscription.begin_change' ? [{ version: 1, last_position: 0 }] : []
        const { app: own } = await buildTestApp(t, { answerQuery })
        const response = await own.inject({ method, url: `/api/v1${url.replace('ID', id)}`, headers: bearer('*') })
        assert.equal(response.statusCode, 404, `${noun} ${id}`)
        return JSON.stringify({ ...response.json(), request_id: '' }).replace(` ${id}"`, ' ID"')
      }),
    )
    assert.equal(new Set(bodies).size, 1, bodies.join('\n'))
  }
  assert.equal((await app.inject({ url: '/api/v1/events/schemas/none', headers: bearer('*') })).statusCode, 404)
})

test('a refusal ends the connection where the caller asked for that, and says so', async (t) => {
  const { app } = await buildTestApp(t)
  const refused = { method: 'POST', url: '/api/v1/events', payload: '{' } as const
  const headers = { ...bearer('*'), 'content-type': 'application/json' }
  const kept = await app.inject({ ...refused, headers })
  assert.deepEqual([kept.statusCode, kept.headers.connection], [400, 'keep-alive'])
  const ended = await app.inject({ ...refused, headers: { ...headers, connection: 'close' } })
  assert.deepEqual([ended.statusCode, ended.headers.connection], [400, 'close'])
})
