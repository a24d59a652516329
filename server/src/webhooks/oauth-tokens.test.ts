import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { listenRaw } from '../../test/support/raw-receiver.ts'
import { scriptedReceiver } from '../../test/support/scripted-receiver.ts'
import { tokenServer } from '../../test/support/token-server.ts'
import type { Clock } from '../lib/clock.ts'
import { systemClock } from '../lib/clock.ts'
import { parseEgressAllow } from './egress-policy.ts'
import type { OAuth2Auth } from './endpoint-auth.ts'
import { HttpPoster } from './http-post.ts'
import { type AccessToken, OAuthTokens } from './oauth-tokens.ts'
import { PostFailure } from './post-result.ts'

/** All that a form, a URL and basic authentication would read as something else. */
const secret = 'a/b+c%d:e&f=g h"~'
const clients = [
  { client_id: 'daybook:1', client_secret: secret, scope: 'events' },
  { client_id: 'posting', client_secret: secret, token_endpoint_auth_method: 'client_secret_post' as const },
]
const owner = { companyId: '01900000-0000-7000-8000-000000000002', id: 's', version: 1 }
const patient = new AbortController().signal

function credentials(token_url: string, more: Partial<OAuth2Auth> = {}): OAuth2Auth {
  return { type: 'oauth2', token_url, client_id: 'daybook:1', client_secret: secret, ...more }
}

interface TestTokens {
  readonly tokens: OAuthTokens
  /** Lets time pass. */
  pass(ms: number): void
}

function tokensOf(t: TestContext, allow = '127.0.0.0/8', timeoutMs = 5_000): TestTokens {
  const poster = new HttpPoster({ allow: parseEgressAllow(allow), resolve: async () => ['127.0.0.1'] })
  t.after(() => poster.close())
  let elapsedMs = 0
  const clock: Clock = { ...systemClock, elapsed: () => elapsedMs }
  return {
    tokens: new OAuthTokens({ clock, poster, userAgent: 'Daybook/test', timeoutMs }),
    pass: (ms) => (elapsedMs += ms),
  }
}

/** The text that a call would carry. */
function textOf(outcome: AccessToken | PostFailure): string {
  if (outcome instanceof PostFailure) throw outcome
  return outcome.value
}

function assertFailed(outcome: AccessToken | PostFailure, errorClass: string, what: RegExp): void {
  assert.ok(outcome instanceof PostFailure)
  assert.equal(outcome.errorClass, errorClass)
  assert.match(outcome.message, what)
  assert.ok(!outcome.message.includes(secret))
}

/** A token endpoint that answers with this, each time. */
async function answering(t: TestContext, body: unknown, status = 200) {
  const receiver = await scriptedReceiver(t)
  receiver.answer(() => ({ status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }))
  return receiver
}

test('a real server gives a token, whichever way the client is known, whatever signs are in its secret', async (t) => {
  const server = await tokenServer(t, clients)
  const { tokens } = tokensOf(t)
  const ways = [
    credentials(server.tokenUrl),
    credentials(server.tokenUrl, { client_id: 'posting', client_auth: 'post' }),
  ]
  for (const [version, auth] of ways.entries()) {
    const token = await tokens.token({ ...owner, version }, { ...auth, scope: 'events' }, patient)
    assert.equal((await server.find(textOf(token)))?.scope, 'events')
  }
  assert.deepEqual(server.requests, ['granted', 'granted'])
})

test('five hundred deliveries at once make one token request', async (t) => {
  const server = await tokenServer(t, clients)
  const { tokens } = tokensOf(t)
  const auth = credentials(server.tokenUrl)
  const given = await Promise.all(Array.from({ length: 500 }, () => tokens.token(owner, auth, patient)))
  assert.equal(new Set(given.map(textOf)).size, 1)
  assert.equal(server.requests.length, 1)
})

test('a wrong secret and a scope that is not granted are refused, with the code of the server', async (t) => {
  const server = await tokenServer(t, clients)
  const { tokens } = tokensOf(t)
  const wrong = await tokens.token(owner, credentials(server.tokenUrl, { client_secret: `${secret}x` }), patient)
  assertFailed(wrong, 'oauth_refused', /It answered 401/)
  const scope = await tokens.token(
    { ...owner, version: 2 },
    credentials(server.tokenUrl, { scope: 'billing' }),
    patient,
  )
  assertFailed(scope, 'oauth_refused', /It answered 400: invalid_scope/)
})

test('a token is used until a tenth of its life is left, then replaced while deliveries go on with it', async (t) => {
  const server = await tokenServer(t, clients, 600)
  const { tokens, pass } = tokensOf(t)
  const auth = credentials(server.tokenUrl)
  const first = await tokens.token(owner, auth, patient)
  pass(539_000)
  assert.equal(await tokens.token(owner, auth, patient), first)
  assert.equal(server.requests.length, 1)
  pass(2_000)
  assert.equal(await tokens.token(owner, auth, patient), first)
  pass(60_000)
  const second = await tokens.token(owner, auth, patient)
  assert.notEqual(textOf(second), textOf(first))
  assert.equal(server.requests.length, 2)
})

test('a token that ends sooner than the early replacement would begin is replaced in the middle of its life', async (t) => {
  const endpoint = await answering(t, { access_token: 't', token_type: 'Bearer', expires_in: 20 })
  const { tokens, pass } = tokensOf(t)
  for (const [ms, requests] of [
    [0, 1],
    [9_999, 1],
    [10_001, 2],
  ] as const) {
    pass(ms)
    assert.equal(textOf(await tokens.token(owner, credentials(endpoint.url), patient)), 't')
    assert.equal(endpoint.calls.length, requests)
  }
})

test('a dropped token is replaced, once for all who had it; one that was just given is not dropped', async (t) => {
  const server = await tokenServer(t, clients)
  const { tokens, pass } = tokensOf(t)
  const auth = credentials(server.tokenUrl)
  const first = await tokens.token(owner, auth, patient)
  assert.ok(!(first instanceof PostFailure))
  assert.equal(tokens.drop(owner, first), false)
  assert.equal(await tokens.token(owner, auth, patient), first)
  pass(10_000)
  assert.deepEqual([tokens.drop(owner, first), tokens.drop(owner, first)], [true, true])
  const again = await Promise.all([tokens.token(owner, auth, patient), tokens.token(owner, auth, patient)])
  assert.equal(new Set([first, ...again].map(textOf)).size, 2)
  // Somebody whose call with the first token is answered only now: the second token stays.
  assert.equal(tokens.drop(owner, first), true)
  assert.equal(await tokens.token(owner, auth, patient), again[0])
  assert.equal(server.requests.length, 2)
})

test('subscriptions, companies and versions of credentials have tokens of their own', async (t) => {
  const server = await tokenServer(t, clients)
  const { tokens } = tokensOf(t)
  const owners = [owner, { ...owner, companyId: 'b' }, { ...owner, id: 'b' }, { ...owner, version: 2 }]
  const given = await Promise.all(owners.map((one) => tokens.token(one, credentials(server.tokenUrl), patient)))
  assert.equal(new Set(given.map(textOf)).size, 4)
})

test('a failure stands for a few seconds, however many deliveries ask', async (t) => {
  const endpoint = await answering(t, {}, 503)
  const { tokens, pass } = tokensOf(t)
  const ask = () => tokens.token(owner, credentials(endpoint.url), patient)
  for (const outcome of [...(await Promise.all(Array.from({ length: 50 }, ask))), await ask()]) {
    assertFailed(outcome, 'oauth_unreachable', /It answered 503/)
  }
  assert.equal(endpoint.calls.length, 1)
  pass(5_000)
  endpoint.answer(() => ({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: '{"access_token":"t","token_type":"bearer"}',
  }))
  assert.equal(textOf(await ask()), 't')
})

test('a token in force is used on while its endpoint is in trouble', async (t) => {
  const endpoint = await answering(t, { access_token: 't', token_type: 'bearer', expires_in: 600 })
  const { tokens, pass } = tokensOf(t)
  const ask = () => tokens.token(owner, credentials(endpoint.url), patient)
  assert.equal(textOf(await ask()), 't')
  endpoint.answer(() => ({ status: 500 }))
  pass(595_000)
  for (let times = 0; times < 3; times++) assert.equal(textOf(await ask()), 't')
  pass(6_000)
  assertFailed(await ask(), 'oauth_unreachable', /It answered 500/)
})

test('a token endpoint at an address that may not be called is never connected to', async (t) => {
  const endpoint = await answering(t, { access_token: 't', token_type: 'bearer' })
  const { tokens } = tokensOf(t, '10.0.0.0/8')
  assertFailed(
    await tokens.token(owner, credentials(endpoint.url), patient),
    'oauth_unreachable',
    /\(blocked_address\)/,
  )
  // A public name that leads inside passes the check of the URL.
  const inside = credentials(`https://token.example.com:${new URL(endpoint.url).port}/`)
  assertFailed(await tokens.token({ ...owner, id: 'b' }, inside, patient), 'oauth_unreachable', /\(blocked_address\)/)
  assert.equal(endpoint.calls.length, 0)
})

test('what is no token is told apart from a refusal', async (t) => {
  const answers: readonly [body: unknown, status?: number][] = [
    [{}],
    [{ access_token: 't' }],
    [{ access_token: 't', token_type: 'mac' }],
    [{ access_token: 't', token_type: 'dpop' }],
    [{ access_token: 'a\r\nb: c', token_type: 'bearer' }],
    [{ access_token: 'x'.repeat(9_000), token_type: 'bearer' }],
    [{ access_token: 'x'.repeat(20_000), token_type: 'bearer' }],
    [{ access_token: 't', token_type: 'bearer', expires_in: 'soon' }],
    [{ access_token: 't', token_type: 'bearer', expires_in: -1 }],
    [{ access_token: 't', token_type: 'bearer' }, 201],
    [{}, 302],
    [[]],
  ]
  const { tokens } = tokensOf(t)
  for (const [version, answer] of answers.entries()) {
    const { url } = await answering(t, ...answer)
    assertFailed(
      await tokens.token({ ...owner, version }, credentials(url), patient),
      'oauth_invalid_answer',
      /gave no token/,
    )
  }
})

test('no failure repeats what the endpoint says beyond a plain error code', async (t) => {
  const { tokens } = tokensOf(t)
  const { url } = await answering(t, { error: secret, error_description: secret }, 400)
  assertFailed(await tokens.token(owner, credentials(url), patient), 'oauth_refused', /It answered 400$/)
})

test('a silent endpoint costs who waits no more than the own deadline, and the request ends by its own', async (t) => {
  const silent = await listenRaw(t, { onRequest: () => {} })
  const { tokens } = tokensOf(t, '127.0.0.0/8', 300)
  const auth = credentials(`http://127.0.0.1:${silent.port}/`)
  assertFailed(await tokens.token(owner, auth, AbortSignal.timeout(50)), 'oauth_unreachable', /before the deadline/)
  assertFailed(await tokens.token(owner, auth, patient), 'oauth_unreachable', /\(timeout\)/)
  assert.equal(silent.requests.length, 1)
})

test('a token lasts a second at least, so that one that ends at once is not asked for with each delivery', async (t) => {
  const endpoint = await answering(t, { access_token: 't', token_type: 'bearer', expires_in: 0 })
  const { tokens } = tokensOf(t)
  for (let times = 0; times < 3; times++)
    assert.equal(textOf(await tokens.token(owner, credentials(endpoint.url), patient)), 't')
  assert.equal(endpoint.calls.length, 1)
})
