import assert from 'node:assert/strict'
import test from 'node:test'
import { bearer, buildTestApp } from './test-app.ts'

test('a path that no route has is a 404 problem, with or without a key', async (t) => {
  const { app } = await buildTestApp(t)
  for (const url of [
    '/nowhere',
    '/api/v1',
    '/api/v1/nowhere?x=1',
    '/api/v2/events',
    '/api/v1/events/',
    `/api/v1/events/${'a'.repeat(300)}`,
  ]) {
    const response = await app.inject({ url, headers: bearer('*') })
    assert.deepEqual([response.statusCode, response.json().code], [404, 'not_found'], url)
    assert.equal(response.headers['content-type'], 'application/problem+json')
  }
})

test('a method that a path does not take is a 405 that names the others', async (t) => {
  const { app } = await buildTestApp(t)
  for (const [method, url, allow] of [
    ['DELETE', '/api/v1/events', 'GET, HEAD, POST, OPTIONS'],
    ['PUT', '/api/v1/companies/x?y=1', 'GET, HEAD, PATCH, OPTIONS'],
    ['GET', '/api/v1/events/subscriptions/x/enable', 'POST, OPTIONS'],
    ['POST', '/healthz', 'GET, HEAD, OPTIONS'],
  ] as const) {
    const response = await app.inject({ method, url })
    assert.deepEqual([response.statusCode, response.json().code], [405, 'method_not_allowed'], url)
    assert.equal(response.headers['allow'], allow)
  }
})

test('OPTIONS tells the methods and allows no other site anything', async (t) => {
  const { app } = await buildTestApp(t)
  const headers = { origin: 'https://example.com', 'access-control-request-method': 'POST' }
  const response = await app.inject({ method: 'OPTIONS', url: '/api/v1/events', headers })
  assert.equal(response.statusCode, 204)
  assert.equal(response.headers['allow'], 'GET, HEAD, POST, OPTIONS')
  assert.equal(response.headers['access-control-allow-origin'], undefined)
})

test('HEAD answers like GET, without the body', async (t) => {
  const { app } = await buildTestApp(t)
  const got = await app.inject({ method: 'GET', url: '/healthz' })
  const headed = await app.inject({ method: 'HEAD', url: '/healthz' })
  assert.deepEqual([headed.statusCode, headed.body], [200, ''])
  assert.equal(headed.headers['content-length'], got.headers['content-length'])
  assert.equal((await app.inject({ method: 'HEAD', url: '/api/v1/events' })).statusCode, 401)
})

test('a path that is not percent-encoded properly is a 400 problem', async (t) => {
  const { app } = await buildTestApp(t)
  const response = await app.inject({ url: '/api/v1/events/%zz', headers: bearer('*') })
  assert.deepEqual([response.statusCode, response.json().code], [400, 'invalid_request'])
  assert.equal(response.headers['request-id'], response.json().request_id)
})

test('what no route takes is told so whatever its body is, also by methods that have to have one', async (t) => {
  const { app } = await buildTestApp(t)
  for (const headers of [{}, { 'content-type': 'text/plain' }, { 'content-type': '' }]) {
    for (const method of ['PUT', 'QUERY'] as const) {
      const response = await app.inject({ method, url: '/api/v1/events', headers, payload: 'x' })
      assert.deepEqual([response.statusCode, response.json().code], [405, 'method_not_allowed'], method)
    }
  }
})
