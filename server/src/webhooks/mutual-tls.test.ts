import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { TLSSocket, type TlsOptions } from 'node:tls'
import { connectProxy } from '../../test/support/connect-proxy.ts'
import { listenRaw, type RawReceiver } from '../../test/support/raw-receiver.ts'
import { selfSigned, testAuthority } from '../../test/support/tls/test-authority.ts'
import { toClientTls } from './client-certificate.ts'
import { parseEgressAllow } from './egress-policy.ts'
import { parseEgressProxy } from './egress-proxy.ts'
import { HttpPoster, type HttpPosterOptions } from './http-post.ts'
import type { PostResult } from './post-result.ts'
import type { ClientTls } from './webhook-tls.ts'

const companyId = '01900000-0000-7000-8000-000000000002'
const otherCompanyId = '01900000-0000-7000-8000-000000000003'
const names = ['receiver.test', '127.0.0.1']
const privateAuthority = testAuthority('Private authority of receivers')
const clientAuthority = testAuthority('Authority of clients')

/** Wants a certificate of `clientAuthority`, and answers with the name in it and the port it came from. */
async function receiver(t: TestContext, options: TlsOptions = {}): Promise<RawReceiver> {
  const tls = {
    ...privateAuthority.issue({ names }),
    ca: clientAuthority.pem,
    requestCert: true,
    rejectUnauthorized: true,
    ...options,
  }
  return await listenRaw(t, {
    tls,
    onRequest: (socket) => {
      assert.ok(socket instanceof TLSSocket)
      const told = `${String(socket.getPeerCertificate().subject?.CN)} ${socket.remotePort} ${socket.isSessionReused()}`
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${told.length}\r\n\r\n${told}`)
    },
  })
}

function posterOf(t: TestContext, options: Partial<HttpPosterOptions> = {}): HttpPoster {
  const poster = new HttpPoster({
    allow: parseEgressAllow('127.0.0.0/8'),
    resolve: async () => ['127.0.0.1'],
    ...options,
  })
  t.after(() => poster.close())
  return poster
}

function client(name: string, company = companyId): ClientTls {
  const { cert, key } = clientAuthority.issue({ names: [name] })
  return toClientTls(company, { certificate: cert, private_key: key, ca: privateAuthority.pem })
}

async function call(poster: HttpPoster, { port }: RawReceiver, tls?: ClientTls): Promise<PostResult> {
  const url = new URL(`https://receiver.test:${port}/`)
  return await poster.post({ url, headers: {}, body: Buffer.from('{}'), timeoutMs: 5_000, tls, companyId })
}

/** Who the receiver took us for, and over which of our ports. */
async function told(poster: HttpPoster, to: RawReceiver, tls: ClientTls) {
  const result = await call(poster, to, tls)
  assert.ok(result.kind === 'response', JSON.stringify(result))
  const [name, port, isResumed] = result.body.toString().split(' ')
  assert.equal(isResumed, 'false')
  return { name, port }
}

const eachVersion = (['TLSv1.2', 'TLSv1.3'] as const).map((version) => ({ minVersion: version, maxVersion: version }))

test('a receiver behind a private authority that wants a certificate gets the subscription’s', async (t) => {
  for (const versions of eachVersion) {
    const to = await receiver(t, versions)
    assert.equal((await told(posterOf(t), to, client('subscription-1'))).name, 'subscription-1')
  }
})

test('without the certificate, or with one of another authority, no request is taken', async (t) => {
  const stranger = testAuthority('Nobody knows').issue({ names: ['subscription-1'] })
  const alone = { ca: privateAuthority.pem }
  const wrong = { ...alone, certificate: stranger.cert, private_key: stranger.key }
  for (const versions of eachVersion) {
    for (const given of [alone, wrong]) {
      const to = await receiver(t, versions)
      const result = await call(posterOf(t), to, toClientTls(companyId, given))
      assert.ok(result.kind === 'error')
      // The alert may be overtaken by the end of the connection.
      assert.match(result.errorClass, /^(tls_error|reset)$/)
      assert.equal(to.requests.length, 0)
    }
  }
})

test('the private authority of one subscription vouches for nobody else’s receiver, and the public ones not for its own', async (t) => {
  const poster = posterOf(t, { ca: testAuthority('The operator’s').pem })
  const to = await receiver(t, { requestCert: false })
  const unknown = await call(poster, to)
  assert.ok(unknown.kind === 'error')
  assert.match(unknown.message, /of an unknown authority/)
  const operators = testAuthority('The operator’s too')
  const known = await receiver(t, { ...operators.issue({ names }), requestCert: false })
  const trusting = posterOf(t, { ca: operators.pem })
  assert.equal((await call(trusting, known)).kind, 'response')
  const pinned = await call(trusting, known, toClientTls(companyId, { ca: privateAuthority.pem }))
  assert.ok(pinned.kind === 'error')
  assert.deepEqual([pinned.errorClass, pinned.sent], ['tls_error', false])
})

test('a private authority verifies names and dates like any other', async (t) => {
  const bad: readonly TlsOptions[] = [
    privateAuthority.issue({ names: ['other.test'] }),
    privateAuthority.issue({ names, notAfter: new Date(Date.now() - 3_600_000) }),
    selfSigned({ names }),
  ]
  for (const options of bad) {
    const to = await receiver(t, options)
    const result = await call(posterOf(t), to, client('subscription-1'))
    assert.ok(result.kind === 'error')
    assert.deepEqual([result.errorClass, result.sent, to.requests.length], ['tls_error', false, 0])
  }
})

test('two subscriptions on one origin with certificates of their own never share a socket or a session', async (t) => {
  const to = await receiver(t)
  const poster = posterOf(t, { maxIdleMs: 60_000 })
  const tls = [client('subscription-1'), client('subscription-2'), client('subscription-3', otherCompanyId)]
  const ports = new Map<string | undefined, Set<string | undefined>>()
  for (let round = 0; round < 5; round++) {
    const answers = await Promise.all(tls.map((one) => told(poster, to, one)))
    assert.deepEqual(
      answers.map(({ name }) => name),
      ['subscription-1', 'subscription-2', 'subscription-3'],
    )
    for (const { name, port } of answers) ports.set(name, (ports.get(name) ?? new Set()).add(port))
  }
  // One socket each, used again and again.
  assert.equal(to.accepted.length, 3)
  assert.deepEqual(
    [...ports.values()].map(({ size }) => size),
    [1, 1, 1],
  )
  assert.equal(new Set([...ports.values()].flatMap((own) => [...own])).size, 3)
})

test('the same certificate shares sockets within its company, and with no other company', async (t) => {
  const to = await receiver(t)
  const poster = posterOf(t, { maxIdleMs: 60_000 })
  const { cert, key } = clientAuthority.issue({ names: ['shared'] })
  const given = { certificate: cert, private_key: key, ca: privateAuthority.pem }
  for (const company of [companyId, companyId, otherCompanyId]) await told(poster, to, toClientTls(company, given))
  assert.equal(to.accepted.length, 2)
})

test('a socket that was opened with a certificate carries no call without one, and the other way round', async (t) => {
  const to = await receiver(t, { rejectUnauthorized: false })
  const poster = posterOf(t, { maxIdleMs: 60_000, ca: privateAuthority.pem })
  await told(poster, to, client('subscription-1'))
  const plain = await call(poster, to)
  assert.ok(plain.kind === 'response')
  assert.match(plain.body.toString(), /^undefined /)
  assert.equal((await told(poster, to, client('subscription-1'))).name, 'subscription-1')
  assert.equal(to.accepted.length, 3)
})

test('the certificate goes through the tunnel of an egress proxy', async (t) => {
  const to = await receiver(t)
  const proxy = await connectProxy(t, to.port)
  const poster = posterOf(t, { proxy: parseEgressProxy(`http://127.0.0.1:${proxy.port}`) })
  assert.equal((await told(poster, to, client('subscription-1'))).name, 'subscription-1')
  assert.deepEqual(proxy.destinations, [`127.0.0.1:${to.port}`])
})

test('a key that does not fit ends the call, not the process', async (t) => {
  const to = await receiver(t)
  const { cert } = clientAuthority.issue({ names: ['a'] })
  const { key } = clientAuthority.issue({ names: ['b'] })
  const result = await call(posterOf(t), to, toClientTls(companyId, { certificate: cert, private_key: key }))
  assert.ok(result.kind === 'error')
  assert.deepEqual([result.errorClass, result.sent, to.accepted.length], ['invalid_request', false, 0])
  assert.doesNotMatch(result.message, /BEGIN/)
})
