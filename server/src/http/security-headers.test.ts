import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { bearer, buildTestApp } from './test-app.ts'

test('every answer of the interface forbids caching, sniffing, framing and referring', async (t) => {
  const { app } = await buildTestApp(t)
  for (const [method, url] of [
    ['GET', '/api/v1/events/schemas'],
    ['GET', '/api/v1/events'],
    ['GET', '/nowhere'],
    ['PUT', '/healthz'],
    ['POST', '/api/v1/events'],
  ] as const) {
    const response = await app.inject({ method, url, headers: url.endsWith('schemas') ? bearer('*') : {} })
    assert.equal(response.headers['cache-control'], 'no-store')
    assert.equal(response.headers['x-content-type-options'], 'nosniff')
    assert.equal(response.headers['referrer-policy'], 'no-referrer')
    assert.match(String(response.headers['content-security-policy']), /^default-src 'none'; frame-ancestors 'none'$/)
    assert.match(String(response.headers['request-id']), /^[0-9a-f-]{36}$/)
    assert.equal(response.headers['x-powered-by'], undefined)
    assert.equal(response.headers['server'], undefined)
  }
})

test('the portal page comes with a policy of its own; without the page there is a 404', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'daybook-portal-'))
  t.after(() => rm(directory, { recursive: true }))
  await writeFile(join(directory, 'index.html'), '<!doctype html><title>Daybook</title>')
  const { app } = await buildTestApp(t, { portalDirectory: directory })
  const response = await app.inject({ url: '/' })
  assert.equal(response.statusCode, 200)
  assert.equal(response.headers['content-type'], 'text/html; charset=utf-8')
  assert.match(String(response.headers['content-security-policy']), /script-src 'self';.*frame-ancestors 'none'/)
  const { app: without } = await buildTestApp(t, { portalDirectory: join(directory, 'none') })
  assert.equal((await without.inject({ url: '/' })).statusCode, 404)
})
