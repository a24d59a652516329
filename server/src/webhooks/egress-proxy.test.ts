import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { connectProxy } from '../../test/support/connect-proxy.ts'
import { dnsServer } from '../../test/support/dns-server.ts'
import { listenRaw } from '../../test/support/raw-receiver.ts'
import { testAuthority } from '../../test/support/tls/test-authority.ts'
import { until } from '../../test/support/until.ts'
import { parseEgressAllow } from './egress-policy.ts'
import { parseEgressProxy } from './egress-proxy.ts'
import { HttpPoster, type HttpPosterOptions } from './http-post.ts'
import type { PostResult } from './post-result.ts'

const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
const authority = testAuthority('Proxy tests')

interface Through extends Partial<HttpPosterOptions> {
  readonly list?: string
  readonly credentials?: string
}

function newPoster(
  t: TestContext,
  proxyPort: number,
  { list = '', credentials = '', ...options }: Through = {},
): HttpPoster {
  const poster = new HttpPoster({
    allow: parseEgressAllow(list),
    ca: authority.pem,
    proxy: parseEgressProxy(`http://${credentials}127.0.0.1:${proxyPort}`),
    ...options,
  })
  t.after(() => poster.close())
  return poster
}

async function post(poster: HttpPoster, url: string, timeoutMs = 5_000): Promise<PostResult> {
  return await poster.post({ url: new URL(url), headers: {}, body: Buffer.from('{}'), timeoutMs })
}

function summary(result: PostResult): string {
  if (result.kind === 'response') return String(result.status)
  assert.equal(result.sent, false)
  assert.doesNotMatch(result.message, /\d+\.\d+\.\d+\.\d+/)
  return result.errorClass === 'proxy_error' ? result.message.replace(/.*: /, '') : result.errorClass
}

test('a proxy is host and port, with user and password if need be', () => {
  assert.deepEqual(parseEgressProxy('http://proxy.internal:3128'), { host: 'proxy.internal', port: 3_128 })
  assert.deepEqual(parseEgressProxy('http://[fd00::1]/'), { host: 'fd00::1', port: 80 })
  const authorization = `Basic ${Buffer.from('a:b c').toString('base64')}`
  assert.deepEqual(parseEgressProxy('http://a:b%20c@10.0.0.1:1'), { host: '10.0.0.1', port: 1, authorization })
  for (const bad of [
    '',
    'proxy:3128',
    'https://s3cret@proxy:1',
    'socks5://proxy:1',
    'http://proxy/s3cret',
    'http://proxy:1?s3cret',
  ]) {
    assert.throws(
      () => parseEgressProxy(bad),
      ({ message }: Error) => !message.includes('s3cret'),
      bad,
    )
  }
})

test('a call over TLS goes through a tunnel to the address that was checked here, and keeps it', async (t) => {
  const tls = authority.issue({ names: ['receiver.test'] })
  const receiver = await listenRaw(t, { tls, onRequest: (socket) => socket.write(answer) })
  const proxy = await connectProxy(t, receiver.port)
  const dns = await dnsServer(t, () => ({ addresses: ['93.184.216.34'] }))
  const poster = newPoster(t, proxy.port, { dnsServers: [dns.address] })
  for (let round = 0; round < 2; round++) {
    const result = await post(poster, 'https://receiver.test/hook')
    assert.equal(summary(result), '200')
  }
  assert.deepEqual(proxy.destinations, ['93.184.216.34:443'])
  assert.match(receiver.requests[1]?.head ?? '', /^POST \/hook HTTP\/1\.1\r\nhost: receiver\.test\r\n/)
})

test('a plain call goes through a tunnel as well, with the credentials for the proxy and not for the receiver', async (t) => {
  const receiver = await listenRaw(t, { onRequest: (socket) => socket.write(answer) })
  const proxy = await connectProxy(t, receiver.port)
  const poster = newPoster(t, proxy.port, { list: '10.0.0.0/8 fd00::/8', credentials: 'us%40er:pass@' })
  assert.equal(summary(await post(poster, 'http://10.1.2.3:8080/')), '200')
  assert.equal(summary(await post(poster, 'http://[fd00::7]/')), '200')
  assert.deepEqual(proxy.destinations, ['10.1.2.3:8080', '[fd00::7]:80'])
  const authorization = `proxy-authorization: Basic ${Buffer.from('us@er:pass').toString('base64')}\r\n`
  assert.ok(proxy.requests[0]?.head.includes(authorization))
  assert.doesNotMatch(receiver.requests[0]?.head ?? '', /proxy/)
})

test('[public-addresses-only] the proxy is asked for nothing that may not be called', async (t) => {
  const proxy = await connectProxy(t, 1)
  const dns = await dnsServer(t, ({ name }) => ({
    addresses: name === 'mixed.test' ? ['93.184.216.34', '10.0.0.1'] : ['10.0.0.1'],
  }))
  const poster = newPoster(t, proxy.port, { dnsServers: [dns.address] })
  for (const host of ['127.0.0.1', '[::ffff:10.0.0.1]', 'inside.internal', 'private.test', 'mixed.test']) {
    assert.equal(summary(await post(poster, `https://${host}/`)), 'blocked_address', host)
  }
  dns.answer(() => 'SERVFAIL')
  assert.equal(summary(await post(poster, 'https://unknown.test/')), 'dns_error')
  assert.equal(proxy.accepted.length, 0)
})

test('where names are left to the proxy it is asked for the name, and addresses are still checked here', async (t) => {
  const tls = authority.issue({ names: ['receiver.test'] })
  const receiver = await listenRaw(t, { tls, onRequest: (socket) => socket.write(answer) })
  const proxy = await connectProxy(t, receiver.port)
  const poster = newPoster(t, proxy.port, { dnsServers: 'proxy', list: '10.0.0.0/8' })
  assert.equal(summary(await post(poster, 'https://receiver.test/')), '200')
  // A network of the list opens addresses, and nobody here sees to which of them this name leads.
  for (const url of ['https://127.0.0.1/', 'https://[fd00::1]/', 'https://inside.internal/', 'http://inside/']) {
    assert.equal(summary(await post(poster, url)), 'blocked_address', url)
  }
  assert.deepEqual(proxy.destinations, ['receiver.test:443'])
})

test('names cannot be left to a proxy that is not there', () => {
  assert.throws(() => new HttpPoster({ allow: parseEgressAllow(''), dnsServers: 'proxy' }), /no/)
})

test('what the proxy does wrong is an error of its own', async (t) => {
  const answers: readonly [string, string][] = [
    ['HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n', 'it answered 407'],
    ['HTTP/1.0 503 Service Unavailable\r\n\r\n', 'it answered 503'],
    ['SSH-2.0-OpenSSH\r\n\r\n', 'its answer is not valid HTTP'],
    [`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}`, 'its answer has no end'],
  ]
  for (const [text, expected] of answers) {
    const proxy = await listenRaw(t, { onRequest: (socket) => socket.write(text) })
    assert.equal(summary(await post(newPoster(t, proxy.port), 'https://93.184.216.34/')), expected)
    await until('the connection to the proxy is closed', () => proxy.accepted.every((socket) => socket.closed))
  }
  const hangingUp = await listenRaw(t, { onRequest: (socket) => socket.end('HTTP/1.1 200') })
  const broken = 'it closed the connection, or cannot be reached'
  assert.equal(summary(await post(newPoster(t, hangingUp.port), 'https://93.184.216.34/')), broken)
  assert.equal(summary(await post(newPoster(t, 1), 'https://93.184.216.34/')), broken)
})

test('a proxy that does not answer ends at the connect timeout, or at the deadline if that is sooner', async (t) => {
  const silent = await listenRaw(t, { onRequest: () => {} })
  const quick = newPoster(t, silent.port, { connectTimeoutMs: 100 })
  assert.equal(summary(await post(quick, 'https://93.184.216.34/')), 'it did not answer in time')
  const late = await post(newPoster(t, silent.port), 'https://93.184.216.34/', 100)
  assert.equal(late.kind === 'error' && late.errorClass, 'proxy_error')
})

test('behind the proxy, a handshake that fails or stalls is the receiver’s, and the tunnel is closed', async (t) => {
  const other = await listenRaw(t, { tls: authority.issue({ names: ['other.test'] }) })
  const silent = await listenRaw(t, { onSocket: (socket) => socket.resume() })
  const closing = await listenRaw(t, { onSocket: (socket) => socket.destroy() })
  for (const [receiver, expected] of [
    [other, 'tls_error'],
    [closing, 'tls_error'],
    [silent, 'connect_timeout'],
  ] as const) {
    const proxy = await connectProxy(t, receiver.port)
    const resolve = async (): Promise<readonly string[]> => ['93.184.216.34']
    const poster = newPoster(t, proxy.port, { resolve, connectTimeoutMs: 300 })
    assert.equal(summary(await post(poster, 'https://receiver.test/')), expected)
    await until('the connection to the proxy is closed', () => proxy.accepted.every((socket) => socket.closed))
  }
})
