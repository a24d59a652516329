import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import test from 'node:test'
import { fastify } from 'fastify'
import type { HTTPMethods } from 'fastify'
import { systemClock } from '../lib/clock.ts'
import { guardRoutes } from './access.ts'
import { BASE_PATH } from './app.ts'
import { createStreams } from './create-streams.ts'
import { describeApi } from './describe-api.ts'
import { apiRoutes, rootRoutes } from './routes.ts'
import { asOperator, bearer, buildTestApp } from './test-app.ts'
import { TestWebhooks } from './test-webhooks.ts'

const id = '01890000-0000-7000-8000-0000000000ff'

/** Every route with who may call it. A route that is added has to be added here. */
const routes: readonly (readonly [HTTPMethods, string, string])[] = [
  ['GET', '/api/v1/events/:id/routing', 'events:read'],
  ['GET', '/api/v1/events/jobs', 'deliveries:read'],
  ['GET', '/api/v1/events/jobs/:id', 'deliveries:read'],
  ['POST', '/api/v1/events/deliveries/:id/skip', 'deliveries:write'],
  ['POST', '/api/v1/events/deliveries/cancel', 'deliveries:write'],
  ['POST', '/api/v1/events/deliveries/retry', 'deliveries:write'],
  ['POST', '/api/v1/events/jobs/:id/cancel', 'deliveries:write'],
  ['GET', '/api/v1/events/replays', 'deliveries:read'],
  ['POST', '/api/v1/events/replays', 'replays:write'],
  ['GET', '/api/v1/events/replays/:id', 'deliveries:read'],
  ['POST', '/api/v1/events/replays/:id/cancel', 'replays:write'],
  ['POST', '/api/v1/events/replays/:id/pause', 'replays:write'],
  ['POST', '/api/v1/events/replays/:id/resume', 'replays:write'],
  ['POST', '/api/v1/events/jobs/:id/pause', 'deliveries:write'],
  ['POST', '/api/v1/events/jobs/:id/resume', 'deliveries:write'],
  ['POST', '/api/v1/events/schemas/import', 'definitions:write'],
  ['POST', '/api/v1/events/subscriptions/:id/recover', 'subscriptions:write'],
  ['POST', '/api/v1/events/subscriptions/:id/reveal-secrets', 'secrets:read'],
  ['POST', '/api/v1/events/subscriptions/:id/test', 'subscriptions:write'],
  ['POST', '/api/v1/events/subscriptions/preview', 'events:read'],
  ['POST', '/api/v1/events/test-webhook', 'subscriptions:write'],
  ['PUT', '/api/v1/events/subscriptions/:id', 'subscriptions:write'],
  ['POST', '/api/v1/events', 'events:write'],
  ['POST', '/api/v1/events/batch', 'events:write'],
  ['GET', '/api/v1/events', 'events:read'],
  ['GET', '/api/v1/events/:id', 'events:read'],
  ['GET', '/api/v1/events/export', 'events:read'],
  ['GET', '/api/v1/events/facets', 'events:read'],
  ['GET', '/api/v1/events/stats', 'events:read'],
  ['GET', '/api/v1/events/stream', 'events:read'],
  ['GET', '/api/v1/events/timeline', 'events:read'],
  ['GET', '/api/v1/audit', 'audit:read'],
  ['GET', '/api/v1/audit/export', 'audit:read'],
  ['GET', '/api/v1/events/schemas', 'events:read'],
  ['POST', '/api/v1/events/schemas', 'definitions:write'],
  ['GET', '/api/v1/events/schemas/:event_name', 'events:read'],
  ['PUT', '/api/v1/events/schemas/:event_name', 'definitions:write'],
  ['DELETE', '/api/v1/events/schemas/:event_name', 'definitions:write'],
  ['GET', '/api/v1/events/schemas/:event_name/versions', 'events:read'],
  ['POST', '/api/v1/events/schemas/:event_name/check', 'definitions:write'],
  ['GET', '/api/v1/events/schemas/:event_name/sample', 'events:read'],
  ['GET', '/api/v1/events/subscriptions', 'subscriptions:read'],
  ['POST', '/api/v1/events/subscriptions', 'subscriptions:write'],
  ['GET', '/api/v1/events/subscriptions/:id', 'subscriptions:read'],
  ['PATCH', '/api/v1/events/subscriptions/:id', 'subscriptions:write'],
  ['DELETE', '/api/v1/events/subscriptions/:id', 'subscriptions:write'],
  ['POST', '/api/v1/events/subscriptions/:id/enable', 'subscriptions:write'],
  ['POST', '/api/v1/events/subscriptions/:id/disable', 'subscriptions:write'],
  ['POST', '/api/v1/events/subscriptions/:id/rotate-secret', 'subscriptions:write'],
  ['GET', '/api/v1/events/deliveries', 'deliveries:read'],
  ['GET', '/api/v1/events/deliveries/:id', 'deliveries:read'],
  ['POST', '/api/v1/events/deliveries/:id/retry', 'deliveries:write'],
  ['POST', '/api/v1/events/deliveries/:id/cancel', 'deliveries:write'],
  ['GET', '/api/v1/events/webhook-logs', 'deliveries:read'],
  ['GET', '/api/v1/events/webhook-logs/:id', 'deliveries:read'],
  ['GET', '/api/v1/retention', 'retention:read'],
  ['PUT', '/api/v1/retention', 'retention:write'],
  ['POST', '/api/v1/retention/preview', 'retention:read'],
  ['GET', '/api/v1/api-keys', 'keys:read'],
  ['POST', '/api/v1/api-keys', 'keys:write'],
  ['DELETE', '/api/v1/api-keys/:id', 'keys:write'],
  ['GET', '/api/v1/companies', 'operator'],
  ['POST', '/api/v1/companies', 'operator'],
  ['GET', '/api/v1/companies/:id', 'operator'],
  ['PATCH', '/api/v1/companies/:id', 'operator'],
  ['GET', '/api/v1/openapi.json', 'public'],
  ['GET', '/healthz', 'public'],
  ['GET', '/readyz', 'public'],
  ['GET', '/metrics', 'public'],
  ['GET', '/', 'public'],
]

const urlOf = (pattern: string) => pattern.replace(':id', id).replace(':event_name', 'appointment.created')

test('every route says who may call it, and this list is all of them', async (t) => {
  const { parts } = await buildTestApp(t)
  const found: string[] = []
  const app = fastify({ exposeHeadRoutes: false })
  t.after(() => app.close())
  app.addHook('onRoute', ({ method, url, config = {} }) => {
    const access = config.scope ?? (config.operator ? 'operator' : config.public ? 'public' : 'nobody')
    found.push(`${[method].flat().join()} ${url} ${access}`)
  })
  app.setValidatorCompiler(() => () => true)
  await describeApi(app, '0.0.0')
  const shared = { ...parts, tests: new TestWebhooks(parts), streams: createStreams(parts) }
  for (const route of rootRoutes) await app.register(route(shared))
  for (const route of apiRoutes) await app.register(route(shared), { prefix: BASE_PATH })
  assert.deepEqual(found.toSorted(), routes.map((route) => route.join(' ')).toSorted())
})

test('a route that does not say who may call it cannot be registered', async (t) => {
  const app = fastify()
  t.after(() => app.close())
  guardRoutes(app, { clock: systemClock, keyRing: { authenticate: async () => undefined } })
  assert.throws(() => app.get('/open', async () => 'open'), /must say who may call it/)
  assert.throws(
    () => app.get('/open', { config: { public: true, scope: 'events:read' } }, async () => 'open'),
    /must say/,
  )
})

test('without a key, with a bad one or with another kind of one every guarded route is a 401', async (t) => {
  const { app, queries, published } = await buildTestApp(t)
  const headers = [
    {},
    { authorization: 'Bearer wrong' },
    { authorization: 'Basic a2V5Og==' },
    { authorization: 'key:*' },
    { authorization: `Bearer ${'k'.repeat(600)}` },
  ]
  const guarded = routes.filter(([, , access]) => access !== 'public')
  for (const [index, [method, pattern, access]] of guarded.entries()) {
    const remoteAddress = `127.0.1.${index}` // one address may not fail so often
    const otherKind = access === 'operator' ? bearer('*') : asOperator
    for (const one of [...headers, otherKind]) {
      const response = await app.inject({ method, url: urlOf(pattern), headers: one, remoteAddress })
      assert.equal(response.statusCode, 401, `${method} ${pattern}`)
      assert.equal(response.headers['www-authenticate'], 'Bearer')
      assert.equal(response.json().code, 'unauthenticated')
    }
  }
  assert.deepEqual([queries, published], [[], []])
})

test('a key without the scope is a 403 on every route with another one', async (t) => {
  const { app, queries } = await buildTestApp(t)
  for (const [method, pattern, access] of routes.filter(([, , access]) => access.includes(':'))) {
    const other = access === 'keys:read' ? 'keys:write' : 'keys:read'
    const response = await app.inject({ method, url: urlOf(pattern), headers: bearer(other) })
    assert.deepEqual([response.statusCode, response.json().code], [403, 'forbidden'], `${method} ${pattern}`)
  }
  assert.deepEqual(queries, [])
})

test('without an operator key configured its routes refuse everybody', async (t) => {
  const { app } = await buildTestApp(t, { operatorKey: undefined })
  for (const headers of [
    asOperator,
    bearer('*'),
    { authorization: 'Bearer undefined' },
    { authorization: 'Bearer ' },
  ]) {
    const response = await app.inject({ method: 'GET', url: '/api/v1/companies', headers })
    assert.equal(response.statusCode, 401)
  }
})

test('the scheme is named in any case, and * is every scope', async (t) => {
  const { app } = await buildTestApp(t)
  const response = await app.inject({ url: '/api/v1/events/schemas', headers: { authorization: 'bearer key:*' } })
  assert.equal(response.statusCode, 200)
  assert.equal(response.json().data[0].event_name, 'appointment.created')
})

test('a key can give no scope that it lacks itself', async (t) => {
  const { app, queries } = await buildTestApp(t)
  const payload = { name: 'More', scopes: ['keys:write', 'events:read', '*'] }
  const response = await app.inject({ method: 'POST', url: '/api/v1/api-keys', headers: bearer('keys:write'), payload })
  assert.equal(response.statusCode, 403)
  assert.deepEqual(
    response.json().errors.map((one: { pointer: string }) => one.pointer),
    ['/scopes/1', '/scopes/2'],
  )
  assert.deepEqual(queries, [])
})

test('a refusal before the body is read does not wait for the body', async (t) => {
  const { app } = await buildTestApp(t)
  const headers = { 'content-type': 'application/json' }
  const response = await app.inject({ method: 'POST', url: '/api/v1/events', headers, payload: '{"broken' })
  assert.equal(response.statusCode, 401)
})

test('a wrong key whose caller goes while it is looked up is refused like others, and is no fault of ours', async (t) => {
  const asked = Promise.withResolvers<void>()
  const gone = Promise.withResolvers<void>()
  const authenticate = async () => {
    asked.resolve()
    await gone.promise
    return undefined
  }
  const { app, lines } = await buildTestApp(t, { keyRing: { authenticate } })
  app.server.on('connection', (socket) => socket.on('close', () => gone.resolve()))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const caller = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  caller.write('GET /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer wrong\r\n\r\n')
  await asked.promise
  caller.destroy()
  await gone.promise
  await app.close()
  assert.ok(!lines.some((line) => line.includes('request failed')), lines.join(''))
})
