import assert from 'node:assert/strict'
import test from 'node:test'
import type { FastifyInstance } from 'fastify'
import { systemClock } from '../lib/clock.ts'
import { asOperator, bearer, buildTestApp, COMPANY_ID } from './test-app.ts'
import { FailureLimit, KeyLimit } from './rate-limits.ts'

/** A clock that is turned by hand. */
function handClock() {
  const clock = { ...systemClock, ms: 1_000, elapsed: () => clock.ms }
  return clock
}

const reply = { header: () => {} }

const get = async (app: FastifyInstance, authorization: string, remoteAddress = '192.0.2.7') =>
  await app.inject({ url: '/api/v1/events/schemas', headers: { authorization }, remoteAddress })

test('a key that sends more than its limit is told so, and for how long, and others are not', async (t) => {
  const clock = handClock()
  const { app, queries } = await buildTestApp(t, { clock, requestsPerSecondMax: 10 })
  const { authorization } = bearer('*')
  const first = await get(app, authorization)
  assert.equal(first.headers['ratelimit-policy'], '"key";q=20;w=2')
  assert.equal(first.headers['ratelimit'], '"key";r=19;t=1')
  for (let sent = 1; sent < 20; sent++) assert.equal((await get(app, authorization)).statusCode, 200)
  const refused = await get(app, authorization)
  assert.deepEqual([refused.statusCode, refused.json().code], [429, 'rate_limited'])
  assert.equal(refused.headers['content-type'], 'application/problem+json')
  assert.equal(refused.headers['retry-after'], '1')
  assert.equal(refused.headers['ratelimit'], '"key";r=0;t=2')
  clock.ms += 100
  assert.equal((await get(app, authorization)).statusCode, 200)
  assert.equal((await get(app, authorization)).statusCode, 429)
  assert.equal(queries.length, 21, 'one each of those that were let in')
})

test("the operator's key is limited, and what is public is not", async (t) => {
  const { app } = await buildTestApp(t, { clock: handClock(), requestsPerSecondMax: 1 })
  const list = async () => (await app.inject({ url: '/api/v1/companies', headers: asOperator })).statusCode
  assert.deepEqual([await list(), await list(), await list()], [200, 200, 429])
  for (let sent = 0; sent < 10; sent++) {
    const response = await app.inject({ url: '/healthz' })
    assert.deepEqual([response.statusCode, response.headers['ratelimit']], [200, undefined])
  }
})

test('a limit of 0 is none', async (t) => {
  const { app } = await buildTestApp(t, { clock: handClock(), requestsPerSecondMax: 0 })
  for (let sent = 0; sent < 50; sent++) {
    const response = await get(app, bearer('*').authorization)
    assert.deepEqual([response.statusCode, response.headers['ratelimit-policy']], [200, undefined])
  }
})

test('an address that sends many wrong keys is told so, and a right key from there is let in, known or new', async (t) => {
  const clock = handClock()
  const right = ['first', 'second'].map((name) => `Bearer dbk_right-${name}-${'r'.repeat(40)}`)
  const [first = '', second = ''] = right
  const { app } = await buildTestApp(t, {
    clock,
    keyRing: {
      authenticate: async (text) => {
        const settings = { allow_undeclared_events: true, disable_after_failures: 10, daily_metrics: false }
        if (!right.includes(`Bearer ${text}`)) return undefined
        return { companyId: COMPANY_ID, keyId: 'k', keyName: 'Right', scopes: ['*'], settings }
      },
    },
  })
  assert.equal((await get(app, first)).statusCode, 200)
  for (let sent = 0; sent < 100; sent++) assert.equal((await get(app, `Bearer wrong-${sent}`)).statusCode, 401)
  const refused = await get(app, 'Bearer wrong-again')
  assert.deepEqual([refused.statusCode, refused.json().code], [429, 'rate_limited'])
  assert.equal(refused.headers['ratelimit-policy'], '"failures";q=100;w=20')
  assert.equal(refused.headers['retry-after'], '1')
  assert.equal((await get(app, first)).statusCode, 200)
  assert.equal((await get(app, second)).statusCode, 200)
  const likeness = `${first.slice(0, 20)}-${first.slice(-4)}`
  assert.equal((await get(app, likeness)).statusCode, 429, 'what only looks like a right key is a wrong one')
  assert.equal((await get(app, 'Bearer wrong-elsewhere', '192.0.2.8')).statusCode, 401)
  assert.equal((await app.inject({ url: '/api/v1/events/schemas' })).statusCode, 401, 'no key is no guess')
  clock.ms += 200
  assert.equal((await get(app, 'Bearer wrong-later')).statusCode, 401)
  assert.equal((await get(app, 'Bearer wrong-later')).statusCode, 429)
})

test("of the operator's key as well only wrong ones are refused for their address", async (t) => {
  const { app } = await buildTestApp(t, { clock: handClock() })
  const list = async (headers: Record<string, string>) =>
    (await app.inject({ url: '/api/v1/companies', headers })).statusCode
  for (let sent = 0; sent < 100; sent++) assert.equal(await list({ authorization: `Bearer wrong-${sent}` }), 401)
  assert.equal(await list({ authorization: 'Bearer wrong' }), 429)
  assert.equal(await list(asOperator), 200)
})

test('the addresses of one IPv6 network count as one, and an IPv4 address is one in either form', () => {
  const cases = [
    ['2001:db8:0:7::1', '2001:db8:0:7:8::', true],
    ['2001:db8::1', '2001:db8:0:0:ffff::9', true],
    ['2001:db8:0:7::1', '2001:db8:0:8::1', false],
    ['::1', '::2', true],
    ['192.0.2.7', '::ffff:192.0.2.7', true],
    ['192.0.2.7', '192.0.2.8', false],
  ] as const
  for (const [from, other, isSame] of cases) {
    const limit = new FailureLimit({ elapsed: () => 0 })
    for (let sent = 0; sent < 100; sent++) limit.count(from, reply)
    const check = (): void => limit.count(other, reply)
    if (isSame) assert.throws(check, { code: 'rate_limited' }, `${from} ${other}`)
    else assert.doesNotThrow(check, `${from} ${other}`)
  }
})

test('however many keys there are, what is remembered of them has a bound', () => {
  const limit = new KeyLimit({ elapsed: () => 0 }, 1)
  const before = process.memoryUsage().heapUsed
  for (let key = 0; key < 300_000; key++) limit.count(`key-${key}`, reply)
  assert.ok(process.memoryUsage().heapUsed - before < 100e6)
  limit.count('key-299999', reply)
  assert.throws(() => limit.count('key-299999', reply), { code: 'rate_limited' })
})
