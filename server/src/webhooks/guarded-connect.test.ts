import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { listenRaw } from '../../test/support/raw-receiver.ts'
import { parseEgressAllow } from './egress-policy.ts'
import { HttpPoster, type HttpPosterOptions } from './http-post.ts'
import type { PostResult } from './post-result.ts'

const okAnswer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
const closingAnswer = 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok'

function newPoster(t: TestContext, allow: string, options: Partial<HttpPosterOptions> = {}): HttpPoster {
  const poster = new HttpPoster({ allow: parseEgressAllow(allow), ...options })
  t.after(() => poster.close())
  return poster
}

function post(poster: HttpPoster, url: string, timeoutMs = 5_000): Promise<PostResult> {
  return poster.post({ url: new URL(url), headers: {}, body: Buffer.from('{}'), timeoutMs })
}

function summary(result: PostResult): string {
  if (result.kind === 'response') return String(result.status)
  assert.equal(result.sent, false)
  assert.doesNotMatch(result.message, /\d+\.\d+\.\d+\.\d+|::/)
  return result.errorClass
}

test('no spelling of this machine is connected to unless the operator lists it', async (t) => {
  const canary = await listenRaw(t, { host: '::', onRequest: (socket) => socket.write(okAnswer) })
  const poster = newPoster(t, '')
  const hosts = [
    '127.0.0.1',
    'localhost',
    'LOCALHOST.',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '2130706433',
    '0x7f.1',
    '127.1',
    '0',
    '0.0.0.0',
    '[::]',
  ]
  for (const host of hosts) {
    for (const scheme of ['http', 'https']) {
      assert.equal(summary(await post(poster, `${scheme}://${host}:${canary.port}/`)), 'blocked_address', host)
    }
  }
  const listed = newPoster(t, '127.0.0.0/8 ::1')
  assert.equal(summary(await post(listed, `http://127.0.0.1:${canary.port}/`)), '200')
  assert.equal(canary.accepted.length, 1)
})

test('plain http to localhost works under a listed network', async (t) => {
  const receiver = await listenRaw(t, { onRequest: (socket) => socket.write(okAnswer) })
  const poster = newPoster(t, '127.0.0.0/8', { resolve: async () => ['127.0.0.1'] })
  const result = await post(poster, `http://localhost:${receiver.port}/`)
  assert.equal(summary(result), '200')
  assert.ok((result.timings.dnsMs ?? -1) >= 0)
})

test('a name may resolve to listed addresses only, if it is called on plain http', async (t) => {
  const resolve = async (): Promise<string[]> => ['93.184.216.34']
  assert.equal(summary(await post(newPoster(t, '127.0.0.0/8', { resolve }), 'http://receiver/')), 'blocked_address')
})

test('a listed name may resolve to any address', async (t) => {
  const receiver = await listenRaw(t, { onRequest: (socket) => socket.write(okAnswer) })
  const poster = newPoster(t, 'hooks.internal', { resolve: async () => ['127.0.0.1'] })
  assert.equal(summary(await post(poster, `http://hooks.internal:${receiver.port}/`)), '200')
  assert.equal(summary(await post(poster, `http://other.internal:${receiver.port}/`)), 'blocked_address')
})

test('a public name that resolves to a private address is not connected to', async (t) => {
  const canary = await listenRaw(t, {})
  for (const addresses of [
    ['127.0.0.1'],
    ['::ffff:127.0.0.1'],
    ['93.184.216.34', '127.0.0.1'],
    ['127.0.0.1', '93.184.216.34'],
    ['not an address'],
  ]) {
    const poster = newPoster(t, '', { resolve: async () => addresses })
    assert.equal(summary(await post(poster, `https://example.com:${canary.port}/`)), 'blocked_address')
  }
  assert.equal(canary.accepted.length, 0)
})

// The sandboxed stand-in for "public": 127.0.0.2 is listed and 127.0.0.1 is not.
test('a name that changes to a private address after its first answer is not followed there', async (t) => {
  const good = await listenRaw(t, { host: '127.0.0.2', onRequest: (socket) => socket.end(closingAnswer) })
  const canary = await listenRaw(t, { host: '127.0.0.1', port: good.port })
  const answers = [['127.0.0.2'], ['127.0.0.1'], ['127.0.0.2', '127.0.0.1'], ['127.0.0.2']]
  const poster = newPoster(t, '127.0.0.2', { resolve: async () => answers.shift() ?? [] })
  const seen: string[] = []
  for (let round = 0; round < 5; round++) seen.push(summary(await post(poster, `http://rebind.internal:${good.port}/`)))
  assert.deepEqual(seen, ['200', 'blocked_address', 'blocked_address', '200', 'dns_error'])
  assert.equal(good.accepted.length, 2)
  assert.equal(canary.accepted.length, 0)
})

test('the next of several addresses is tried when one refuses', async (t) => {
  const receiver = await listenRaw(t, { host: '127.0.0.3', onRequest: (socket) => socket.write(okAnswer) })
  const poster = newPoster(t, '127.0.0.0/8', { resolve: async () => ['127.0.0.2', '127.0.0.3'] })
  assert.equal(summary(await post(poster, `http://receiver:${receiver.port}/`)), '200')
})

test('a name without an address and a failing look-up are the same error', async (t) => {
  const failing = newPoster(t, '', { resolve: () => Promise.reject(new Error('SERVFAIL 10.0.0.53')) })
  assert.equal(summary(await post(failing, 'https://example.com/')), 'dns_error')
  const empty = newPoster(t, '', { resolve: async () => [] })
  assert.equal(summary(await post(empty, 'https://example.com/')), 'dns_error')
})

test('a look-up that never ends is given up at the deadline', async (t) => {
  const poster = newPoster(t, '', { resolve: () => new Promise(() => {}) })
  assert.equal(summary(await post(poster, 'https://example.com/', 100)), 'dns_error')
})

const tlsFolder = new URL('../../test/support/tls/', import.meta.url)
const authority = readFileSync(new URL('authority.pem', tlsFolder), 'utf8')
const receiverTls = {
  cert: readFileSync(new URL('receiver-cert.pem', tlsFolder)),
  key: readFileSync(new URL('receiver-key.pem', tlsFolder)),
}
const toLoopback = { resolve: async (): Promise<string[]> => ['127.0.0.1'] }

test('a certificate of an unknown authority is refused before the request is sent', async (t) => {
  const receiver = await listenRaw(t, { tls: receiverTls, onRequest: (socket) => socket.write(okAnswer) })
  const result = await post(newPoster(t, '127.0.0.0/8'), `https://127.0.0.1:${receiver.port}/`)
  assert.equal(summary(result), 'tls_error')
  assert.equal(receiver.requests.length, 0)
})

test('the environment cannot switch verification off', async (t) => {
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  t.after(() => delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'])
  const receiver = await listenRaw(t, { tls: receiverTls, onRequest: (socket) => socket.write(okAnswer) })
  assert.equal(summary(await post(newPoster(t, '127.0.0.0/8'), `https://127.0.0.1:${receiver.port}/`)), 'tls_error')
})

test('with the operator’s authority, a name and an address of the certificate verify and keep their socket', async (t) => {
  const receiver = await listenRaw(t, { tls: receiverTls, onRequest: (socket) => socket.write(okAnswer) })
  const poster = newPoster(t, '127.0.0.0/8', { ca: authority, ...toLoopback })
  for (const host of ['receiver.test', 'receiver.test', '127.0.0.1']) {
    assert.equal(summary(await post(poster, `https://${host}:${receiver.port}/`)), '200', host)
  }
  assert.equal(receiver.accepted.length, 2)
})

test('a certificate for another name is refused', async (t) => {
  const receiver = await listenRaw(t, { tls: receiverTls, onRequest: (socket) => socket.write(okAnswer) })
  const poster = newPoster(t, '127.0.0.0/8', { ca: authority, ...toLoopback })
  for (let round = 0; round < 2; round++) {
    assert.equal(summary(await post(poster, `https://other.test:${receiver.port}/`)), 'tls_error')
  }
  assert.equal(receiver.requests.length, 0)
})

test('TLS older than 1.2 is refused', async (t) => {
  const old = { ...receiverTls, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  const receiver = await listenRaw(t, { tls: old, onRequest: (socket) => socket.write(okAnswer) })
  const poster = newPoster(t, '127.0.0.0/8', { ca: authority, ...toLoopback })
  assert.equal(summary(await post(poster, `https://receiver.test:${receiver.port}/`)), 'tls_error')
})

test('a receiver that does not speak TLS, or hangs up on it, is a TLS error', async (t) => {
  const plain = await listenRaw(t, { onSocket: (socket) => socket.write(okAnswer) })
  const hangingUp = await listenRaw(t, { onSocket: (socket) => socket.once('data', () => socket.destroy()) })
  const poster = newPoster(t, '127.0.0.0/8', { ca: authority })
  assert.equal(summary(await post(poster, `https://127.0.0.1:${plain.port}/`)), 'tls_error')
  assert.equal(summary(await post(poster, `https://127.0.0.1:${hangingUp.port}/`)), 'tls_error')
})

test('a handshake that stalls ends at the connect timeout, or at the deadline if that is sooner', async (t) => {
  const silent = await listenRaw(t, { onSocket: (socket) => socket.resume() })
  const url = `https://127.0.0.1:${silent.port}/`
  assert.equal(summary(await post(newPoster(t, '127.0.0.0/8', { connectTimeoutMs: 100 }), url)), 'connect_timeout')
  assert.equal(summary(await post(newPoster(t, '127.0.0.0/8'), url, 100)), 'connect_timeout')
  for (const socket of silent.accepted) {
    if (!socket.closed) await once(socket, 'close', { signal: AbortSignal.timeout(3_000) })
  }
})

test('a proxy named in the environment is not used', async (t) => {
  const proxy = await listenRaw(t, {})
  for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY']) {
    process.env[name] = `http://127.0.0.1:${proxy.port}`
    t.after(() => delete process.env[name])
  }
  const receiver = await listenRaw(t, { onRequest: (socket) => socket.write(okAnswer) })
  assert.equal(summary(await post(newPoster(t, '127.0.0.0/8'), `http://127.0.0.1:${receiver.port}/`)), '200')
  assert.equal(proxy.accepted.length, 0)
})
