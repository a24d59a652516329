import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { scriptedReceiver } from '../../test/support/scripted-receiver.ts'
import { testDelivery, testSecret } from '../../test/support/test-delivery.ts'
import { tokenServer } from '../../test/support/token-server.ts'
import type { Clock } from '../lib/clock.ts'
import { systemClock } from '../lib/clock.ts'
import { UnreadableError } from '../vault/sealed.ts'
import { Secret } from '../vault/secret.ts'
import { attemptDelivery } from './attempt.ts'
import type { CallCredentials } from './call-credentials.ts'
import type { DeliverableSubscription } from './deliverables.ts'
import { parseEgressAllow } from './egress-policy.ts'
import type { EndpointAuth } from './endpoint-auth.ts'
import { HttpPoster } from './http-post.ts'
import { OAuthTokens } from './oauth-tokens.ts'
import type { AttemptRecord } from './record-results.ts'
import { decodeSigningSecret, newSigningSecret } from './sign.ts'

const hidden = 'S3cr3t/+%:'

interface Caller {
  /** One attempt of a delivery to the URL. */
  attempt(url: string, wishes?: Partial<DeliverableSubscription> & CallCredentials): Promise<AttemptRecord>
  /** Lets time pass for access tokens. */
  pass(ms: number): void
}

function caller(t: TestContext): Caller {
  const poster = new HttpPoster({ allow: parseEgressAllow('127.0.0.0/8') })
  t.after(() => poster.close())
  let passedMs = 0
  const clock: Clock = { ...systemClock, elapsed: () => performance.now() + passedMs }
  const userAgent = 'Daybook/test'
  const tokens = new OAuthTokens({ clock, poster, userAgent })
  const context = { clock, poster, tokens, userAgent, schedule: [60_000], random: () => 0.5 }
  return {
    attempt: async (url, wishes) => {
      const delivery = testDelivery(url, wishes)
      const body = delivery.event.bodyAs(delivery.subscription.format)
      assert.ok(body)
      return await attemptDelivery(context, delivery, body)
    },
    pass: (ms) => (passedMs += ms),
  }
}

const auth = (given: EndpointAuth) => ({ auth: new Secret(given) })

function recordedHeader(record: AttemptRecord, name: string): string | undefined {
  return record.requestHeaders?.find(([one]) => one === name)?.[1]
}

test('each kind of credential arrives as its standard has it, and the ledger keeps none', async (t) => {
  const receiver = await scriptedReceiver(t)
  const { attempt } = caller(t)
  const cases: readonly [EndpointAuth, header: string, value: string][] = [
    [{ type: 'api_key', header: 'X-Api-Key', value: hidden }, 'x-api-key', hidden],
    [{ type: 'api_key', header: 'Authorization', value: `Key ${hidden}` }, 'authorization', `Key ${hidden}`],
    [{ type: 'bearer', token: hidden }, 'authorization', `Bearer ${hidden}`],
    [
      { type: 'basic', username: 'Zoë', password: hidden },
      'authorization',
      `Basic ${Buffer.from(`Zoë:${hidden}`, 'utf8').toString('base64')}`,
    ],
  ]
  for (const [given, header, value] of cases) {
    const record = await attempt(receiver.url, auth(given))
    assert.equal(record.outcome, 'delivered')
    assert.equal(receiver.calls.at(-1)?.headers[header], value)
    assert.equal(recordedHeader(record, header), '[hidden]')
    assert.ok(!JSON.stringify(record).includes(value) && !JSON.stringify(record).includes(hidden))
    assert.equal(recordedHeader(record, 'webhook-id'), record.eventId)
  }
  await attempt(receiver.url, auth({ type: 'none' }))
  assert.equal(receiver.calls.at(-1)?.headers.authorization, undefined)
})

test('a credential that the endpoint sends back is not kept either, and nothing else of its answer is changed', async (t) => {
  const receiver = await scriptedReceiver(t)
  const { attempt } = caller(t)
  receiver.answer(({ headers }) => {
    const echo = String(headers['x-api-key'] ?? headers.authorization)
    const body = Buffer.concat([Buffer.of(0xff, 0), Buffer.from(`é ${echo} ${echo}`), Buffer.of(0xc3)])
    return { status: 400, headers: { 'x-echo': `<${echo}>` }, body }
  })
  const expect = (shown: string) =>
    Buffer.concat([Buffer.of(0xff, 0), Buffer.from(`é ${shown} ${shown}`), Buffer.of(0xc3)])
  const key = await attempt(receiver.url, auth({ type: 'api_key', header: 'x-api-key', value: hidden }))
  assert.deepEqual(key.responseBody, expect('[hidden]'))
  assert.equal(key.responseHeaders?.find(([name]) => name === 'x-echo')?.[1], '<[hidden]>')
  const basic = await attempt(receiver.url, auth({ type: 'basic', username: 'Zoë', password: hidden }))
  assert.deepEqual(basic.responseBody, expect('Basic [hidden]'))
  // Three letters may stand there by chance.
  const short = await attempt(receiver.url, auth({ type: 'bearer', token: 'abc' }))
  assert.deepEqual(short.responseBody, expect('Bearer abc'))
})

test('what an endpoint made of a credential is not kept: a password, the secret of a client, a key without its scheme', async (t) => {
  const receiver = await scriptedReceiver(t)
  const { attempt } = caller(t)
  receiver.answer(() => ({ status: 401, body: `no: ${hidden}` }))
  const { wishes } = await guarded(t)
  for (const wish of [
    auth({ type: 'basic', username: 'daybook', password: hidden }),
    auth({ type: 'api_key', header: 'Authorization', value: `Key ${hidden}` }),
    wishes,
  ]) {
    const record = await attempt(receiver.url, wish)
    assert.equal(record.responseBody?.toString(), 'no: [hidden]')
  }
})

test('without a secret in force nothing is sent, and the attempt says why', async (t) => {
  const receiver = await scriptedReceiver(t)
  const record = await caller(t).attempt(receiver.url, { secrets: [] })
  assert.deepEqual([record.reason, receiver.calls.length], ['secret_unreadable', 0])
  assert.equal(record.detail, 'The signing secret cannot be opened. It is stored no more')
})

test('custom headers go with each call, and cannot stand in for ours', async (t) => {
  const receiver = await scriptedReceiver(t)
  const { attempt } = caller(t)
  const customHeaders = [
    ['X-Tenant', 'salon 12'],
    ['Webhook-Id', 'forged'],
    ['Content-Type', 'text/plain'],
    ['X-Api-Key', 'forged'],
    ['__proto__', 'x'],
  ] as const
  const record = await attempt(receiver.url, {
    customHeaders,
    ...auth({ type: 'api_key', header: 'x-api-key', value: 'k' }),
  })
  const [call] = receiver.calls
  assert.equal(call?.headers['x-tenant'], 'salon 12')
  assert.deepEqual(
    [call?.headers['webhook-id'], call?.headers['content-type'], call?.headers['x-api-key']],
    [record.eventId, 'application/json', 'k'],
  )
  assert.deepEqual([recordedHeader(record, 'x-tenant'), recordedHeader(record, '__proto__')], ['salon 12', 'x'])
})

test('receivers with the usual libraries verify the calls, in both formats and while a secret is rotated', async (t) => {
  const receiver = await scriptedReceiver(t)
  const { attempt } = caller(t)
  const [newer, older] = [newSigningSecret(), newSigningSecret()]
  const secrets = [newer, older].map((secret) => ({ key: decodeSigningSecret(secret), expiresAtMs: Infinity }))
  for (const format of ['daybook', 'cloudevents'] as const) {
    await attempt(receiver.url, { format, secrets })
    const call = receiver.calls.at(-1)
    assert.ok(call)
    const headers = Object.fromEntries(Object.entries(call.headers).map(([name, value]) => [name, String(value)]))
    for (const Library of [Webhook, SvixWebhook]) {
      for (const secret of [newer, older]) new Library(secret).verify(call.body.toString(), headers)
      assert.throws(() => new Library(newSigningSecret()).verify(call.body.toString(), headers))
    }
  }
  const types = receiver.calls.map(({ headers }) => headers['content-type'])
  assert.deepEqual(types, ['application/json', 'application/cloudevents+json'])
})

test('a call with an Ed25519 signature beside the old HMAC one verifies for who only knows the old secret', async (t) => {
  const receiver = await scriptedReceiver(t)
  const secrets = [newSigningSecret('ed25519'), testSecret].map((secret) => ({
    key: decodeSigningSecret(secret),
    expiresAtMs: Infinity,
  }))
  await caller(t).attempt(receiver.url, { secrets })
  const [call] = receiver.calls
  const headers = Object.fromEntries(Object.entries(call?.headers ?? {}).map(([name, value]) => [name, String(value)]))
  assert.match(headers['webhook-signature'] ?? '', /^v1a,\S+ v1,\S+$/)
  new Webhook(testSecret).verify(call?.body.toString() ?? '', headers)
})

test('credentials that cannot be opened send nothing, and say so', async (t) => {
  const receiver = await scriptedReceiver(t)
  const record = await caller(t).attempt(receiver.url, { auth: new UnreadableError('It is sealed with another key') })
  assert.deepEqual(
    [record.outcome, record.reason, record.requestHeaders],
    ['will_retry', 'secret_unreadable', undefined],
  )
  assert.equal(record.detail, 'The credentials cannot be opened. It is sealed with another key')
  assert.equal(receiver.calls.length, 0)
})

/** A receiver that takes the tokens of a real authorization server while they are in force. */
async function guarded(t: TestContext) {
  const client = { client_id: 'daybook', client_secret: hidden, scope: 'events' }
  const server = await tokenServer(t, [client])
  const receiver = await scriptedReceiver(t)
  const seen: string[] = []
  receiver.answer(async ({ headers }) => {
    const token = headers.authorization?.replace(/^Bearer /, '') ?? ''
    seen.push(token)
    return { status: (await server.find(token)) ? 204 : 401 }
  })
  const { scope: _scope, ...known } = client
  return { server, receiver, seen, wishes: auth({ type: 'oauth2', token_url: server.tokenUrl, ...known }) }
}

test('calls carry a token of the authorization server, one for many of them, and the ledger does not keep it', async (t) => {
  const { server, receiver, seen, wishes } = await guarded(t)
  const { attempt } = caller(t)
  const same = { id: 's', companyId: '01900000-0000-7000-8000-000000000002', ...wishes }
  const records = await Promise.all(Array.from({ length: 20 }, () => attempt(receiver.url, same)))
  assert.deepEqual(new Set(records.map(({ outcome }) => outcome)), new Set(['delivered']))
  assert.deepEqual([new Set(seen).size, server.requests.length], [1, 1])
  assert.equal(records[0] && recordedHeader(records[0], 'authorization'), '[hidden]')
  assert.ok(!JSON.stringify(records).includes(seen[0] ?? 'none'))
})

test('a token that the receiver refuses is fetched anew and the call made once more, in the same attempt', async (t) => {
  const { server, receiver, seen, wishes } = await guarded(t)
  const { attempt, pass } = caller(t)
  const same = { id: 's', companyId: '01900000-0000-7000-8000-000000000002', ...wishes }
  await attempt(receiver.url, same)
  pass(10_000)
  await server.revoke(seen[0] ?? '')
  const record = await attempt(receiver.url, same)
  assert.deepEqual([record.outcome, record.reason, record.responseStatus], ['delivered', 'http_204', 204])
  assert.match(record.detail ?? '', /^The first call was answered with 401; this is a second one/)
  assert.deepEqual([seen.length, server.requests.length], [3, 2])
  const [, first, second] = receiver.calls
  assert.equal(first?.id, second?.id)
  assert.ok(second && first?.body.equals(second.body))
  assert.ok((record.timings.totalMs ?? 0) > 0)
})

test('a receiver that answers 401 to every token is called twice at most in an attempt, and asked for no token each time', async (t) => {
  const { server, receiver, wishes } = await guarded(t)
  receiver.answer(() => ({ status: 401 }))
  const { attempt, pass } = caller(t)
  const same = { id: 's', companyId: '01900000-0000-7000-8000-000000000002', ...wishes }
  const fresh = await attempt(receiver.url, same)
  // The token was just given: another would be no better.
  assert.deepEqual([fresh.outcome, fresh.reason, receiver.calls.length], ['will_retry', 'http_401', 1])
  pass(10_000)
  const later = await attempt(receiver.url, same)
  assert.deepEqual([later.reason, receiver.calls.length, server.requests.length], ['http_401', 3, 2])
  for (let times = 0; times < 5; times++) await attempt(receiver.url, same)
  assert.deepEqual([receiver.calls.length, server.requests.length], [8, 2])
})

test('without a token nothing is sent, and the attempt says why', async (t) => {
  const { server, receiver } = await guarded(t)
  const wrong = { type: 'oauth2' as const, token_url: server.tokenUrl, client_id: 'daybook', client_secret: 'wrong' }
  const record = await caller(t).attempt(receiver.url, auth(wrong))
  assert.deepEqual([record.outcome, record.reason, record.requestHeaders], ['will_retry', 'oauth_refused', undefined])
  assert.match(record.detail ?? '', /The token endpoint gave no token/)
  assert.equal(receiver.calls.length, 0)
})

test('fetching a token and calling share one deadline', async (t) => {
  const receiver = await scriptedReceiver(t)
  const endpoint = await scriptedReceiver(t)
  const given = { type: 'oauth2' as const, token_url: endpoint.url, client_id: 'a', client_secret: 'b' }
  const { attempt, pass } = caller(t)
  endpoint.answer(() => 'hang')
  const silent = await attempt(receiver.url, { timeoutMs: 200, ...auth(given) })
  assert.deepEqual([silent.reason, receiver.calls.length], ['oauth_unreachable', 0])
  endpoint.answer(() => {
    pass(4_900)
    const body = '{"access_token":"t","token_type":"bearer"}'
    return { status: 200, headers: { 'content-type': 'application/json' }, body }
  })
  receiver.answer(() => 'hang')
  const slow = await attempt(receiver.url, { timeoutMs: 5_000, ...auth(given) })
  assert.equal(slow.reason, 'timeout')
  const { totalMs = 0 } = slow.timings
  assert.ok(totalMs > 4_900 && totalMs < 7_000, String(totalMs))
})
