/**
 * Every form of an address or a host that must not be called, against the code that sends: by canaries that listen on
 * this machine, and by counting how often a socket is told to connect at all.
 */
import assert from 'node:assert/strict'
import { Socket, type SocketConnectOpts } from 'node:net'
import { test, type TestContext } from 'node:test'
import { countConnects } from '../../test/support/count-connects.ts'
import { type DnsServer, dnsServer } from '../../test/support/dns-server.ts'
import { listenRaw } from '../../test/support/raw-receiver.ts'
import { specialAddresses } from '../../test/support/special-addresses.ts'
import { parseEgressAllow } from './egress-policy.ts'
import { HttpPoster, type HttpPosterOptions } from './http-post.ts'

function newPoster(t: TestContext, list: string, options: Partial<HttpPosterOptions> = {}): HttpPoster {
  const poster = new HttpPoster({ allow: parseEgressAllow(list), ...options })
  t.after(() => poster.close())
  return poster
}

async function classOf(poster: HttpPoster, url: string): Promise<string> {
  const result = await poster.post({ url: new URL(url), headers: {}, body: Buffer.from('{}'), timeoutMs: 5_000 })
  if (result.kind === 'response') return String(result.status)
  assert.equal(result.sent, false, url)
  assert.doesNotMatch(result.message, /\d+\.\d+\.\d+\.\d+|::|\[/, url)
  return result.errorClass
}

const spellings = String.raw`
  2130706433 0x7f000001 017700000001 0177.0.0.1 127.1 127.0.1 0 0x7f.1 127。0。0。1 ①②⑦.⓪.⓪.① %31%32%37.0.0.1 127.0.0.1.
  localhost LOCALHOST localhost. a.localhost ip6-localhost [::ffff:127.0.0.1] [0:0:0:0:0:ffff:127.0.0.1] [::1] [::] 0.0.0.0
  127.255.255.254 ⓛocalhost`
  .trim()
  .split(/\s+/)

test('[public-addresses-only] no spelling of this machine reaches a listener on it', async (t) => {
  const four = await listenRaw(t, { host: '0.0.0.0' })
  const six = await listenRaw(t, { host: '::', port: four.port, ipv6Only: true })
  const poster = newPoster(t, '')
  for (const host of spellings) {
    for (const scheme of ['http', 'https']) {
      assert.equal(await classOf(poster, `${scheme}://${host}:${four.port}/`), 'blocked_address', host)
    }
  }
  for (const start of ['http:', 'http:///', String.raw`http:\\`]) {
    assert.equal(await classOf(poster, `${start}127.0.0.1:${four.port}/`), 'blocked_address', start)
  }
  assert.equal(await classOf(poster, `http://127.0.0.1:${four.port}#@evil.example/`), 'blocked_address')
  assert.deepEqual([four.accepted.length, six.accepted.length], [0, 0])
})

test('no socket is told to connect to any special address, written in a URL', async (t) => {
  const connects = countConnects(t)
  const poster = newPoster(t, '')
  for (const address of specialAddresses) {
    const host = address.includes(':') ? `[${address}]` : address
    for (const scheme of ['http', 'https']) {
      assert.equal(await classOf(poster, `${scheme}://${host}/`), 'blocked_address', address)
    }
  }
  assert.equal(connects(), 0)
})

test('no socket is told to connect to any special address that a name leads to, alone or among public ones', async (t) => {
  const connects = countConnects(t)
  let answer: readonly string[] = []
  const poster = newPoster(t, '', { resolve: async () => answer })
  for (const address of specialAddresses) {
    for (answer of [[address], ['93.184.216.34', address], [address, '2606:4700::1111']]) {
      assert.equal(await classOf(poster, 'https://hooks.example.com/'), 'blocked_address', address)
    }
  }
  assert.equal(connects(), 0)
  answer = ['93.184.216.34']
  assert.equal(await classOf(poster, 'https://hooks.example.com/'), 'connect_failed')
  assert.equal(connects(), 1)
})

test('what is not a web URL, has a user or a port of another service is refused when it is sent', async (t) => {
  const connects = countConnects(t)
  const poster = newPoster(t, '127.0.0.0/8')
  const urls = [
    'https://user@127.0.0.1/',
    'https://evil.example@127.0.0.1/',
    'file:///etc/passwd',
    'gopher://a.example/',
    'ftp://a.example/',
    'data:,x',
    'javascript:1',
    'ws://a.example/',
    'unix:/run/x.sock',
    'http+unix://run/x.sock',
    ...[0, 22, 25, 53, 5432, 6379, 9200, 11211].map((port) => `https://a.example:${port}/`),
  ]
  for (const url of urls) assert.equal(await classOf(poster, url), 'invalid_url', url)
  assert.equal(connects(), 0)
})

test('an address of this machine is not called though it is public, unless the operator lists it', async (t) => {
  const connects = countConnects(t)
  const ownAddresses = (): ReadonlySet<string> => new Set(['93.184.216.34', '2606:4700::1111'])
  const poster = newPoster(t, '', { ownAddresses })
  for (const host of ['93.184.216.34', '[2606:4700:0:0::1111]', '[::ffff:93.184.216.34]']) {
    assert.equal(await classOf(poster, `https://${host}/`), 'blocked_address', host)
  }
  assert.equal(connects(), 0)
  assert.equal(await classOf(poster, 'https://93.184.216.35/'), 'connect_failed')
  assert.equal(
    await classOf(newPoster(t, '93.184.216.34', { ownAddresses }), 'https://93.184.216.34/'),
    'connect_failed',
  )
  assert.equal(connects(), 2)
})

test('a host or a network that the operator refuses is not called, listed or public as it may be', async (t) => {
  const connects = countConnects(t)
  const resolve = async (): Promise<readonly string[]> => ['2001:67c:2b0::a00:1']
  const poster = newPoster(t, 'daybook.example.com 10.0.0.0/8 !daybook.example.com !10.1.0.0/16 !2001:67c:2b0::/96', {
    resolve,
  })
  for (const url of [
    'https://daybook.example.com/api/v1/events',
    'https://DAYBOOK.example.com./',
    'http://10.1.2.3/',
    'https://[2001:67c:2b0::a00:1]/',
    'https://hooks.example.com/',
  ]) {
    assert.equal(await classOf(poster, url), 'blocked_address', url)
  }
  assert.equal(connects(), 0)
})

test('a peer that turns out to be another than was dialled is left before a byte is sent', async (t) => {
  const canary = await listenRaw(t, { onRequest: (socket) => socket.end() })
  const poster = newPoster(t, '127.0.0.2')
  const connect: (this: Socket, to: SocketConnectOpts) => Socket = Socket.prototype.connect
  // Whatever is dialled: the connection goes to 127.0.0.1.
  t.mock.method(Socket.prototype, 'connect', function divert(this: Socket) {
    return connect.call(this, { host: '127.0.0.1', port: canary.port })
  })
  assert.equal(await classOf(poster, `http://127.0.0.2:${canary.port}/`), 'blocked_address')
  assert.equal(await classOf(poster, `https://127.0.0.2:${canary.port}/`), 'blocked_address')
  assert.deepEqual([canary.accepted.length, canary.requests.length], [2, 0])
})

/** A poster that asks this name server. 127.0.0.2 stands for what is public, 127.0.0.1 for what is not. */
async function behindDns(
  t: TestContext,
): Promise<{ dns: DnsServer; poster: HttpPoster; canary: number[]; port: number }> {
  const { port, heard } = await listenOnOnePort(t)
  const dns = await dnsServer(t)
  const poster = newPoster(t, '127.0.0.2', { dnsServers: [dns.address] })
  return { dns, poster, canary: heard, port }
}

/** A good receiver, and at its port on the loopback addresses one that nobody may reach. */
async function listenOnOnePort(t: TestContext, triesLeft = 10): Promise<{ port: number; heard: number[] }> {
  const closing = 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'
  const { port } = await listenRaw(t, { host: '127.0.0.2', onRequest: (socket) => socket.end(closing) })
  const heard: number[] = []
  try {
    for (const host of ['127.0.0.1', '::1']) {
      await listenRaw(t, { host, port, onSocket: (socket) => heard.push(socket.remotePort ?? 0) })
    }
    return { port, heard }
  } catch (error) {
    // Another test has the port there.
    if (triesLeft === 0) throw error
    return await listenOnOnePort(t, triesLeft - 1)
  }
}

test('[public-addresses-only] a name that turns from a public to a private address is not followed there', async (t) => {
  const { dns, poster, canary, port } = await behindDns(t)
  const seen: string[] = []
  for (const address of ['127.0.0.2', '127.0.0.1', '127.0.0.2']) {
    dns.answer(() => ({ addresses: [address], ttl: 0 }))
    seen.push(await classOf(poster, `http://rebinds.internal:${port}/`))
  }
  assert.deepEqual(seen, ['200', 'blocked_address', '200'])
  assert.equal(canary.length, 0)
})

test('[public-addresses-only] an answer with one private address, under an alias or in the other family, is refused', async (t) => {
  const { dns, poster, canary, port } = await behindDns(t)
  const answers = [
    { addresses: ['127.0.0.2', '127.0.0.1'] },
    { addresses: ['127.0.0.1', '127.0.0.2'] },
    { addresses: ['127.0.0.1'], alias: 'inside.internal' },
    { addresses: ['127.0.0.2', '::1'] },
    { addresses: ['::ffff:127.0.0.1', '127.0.0.2'] },
    { addresses: ['::1'] },
  ]
  for (const [index, answer] of answers.entries()) {
    dns.answer(() => answer)
    assert.equal(await classOf(poster, `http://n${index}.internal:${port}/`), 'blocked_address', JSON.stringify(answer))
  }
  dns.answer(() => ({ addresses: ['127.0.0.2'], alias: 'outside.internal' }))
  assert.equal(await classOf(poster, `http://aliased.internal:${port}/`), '200')
  assert.equal(canary.length, 0)
})

test('trouble with name servers is an error of its own, and passes', async (t) => {
  const { dns, poster, port } = await behindDns(t)
  const many = Array.from({ length: 200 }, () => '127.0.0.2')
  const cases = [
    ['SERVFAIL', 'dns_error'],
    ['NXDOMAIN', 'dns_error'],
    [{ addresses: [] }, 'dns_error'],
    [{ addresses: ['127.0.0.2'], delayMs: 200 }, '200'],
    [{ addresses: many }, '200'],
  ] as const
  for (const [index, [reply, expected]] of cases.entries()) {
    dns.answer(() => reply)
    assert.equal(await classOf(poster, `http://t${index}.internal:${port}/`), expected)
  }
})

test('[neighbours-apart] hosts whose name server hangs do not delay calls to others', async (t) => {
  const { dns, poster, port } = await behindDns(t)
  dns.answer(({ name }) => (name.endsWith('hangs.internal') ? 'silent' : { addresses: ['127.0.0.2'] }))
  const call = async (host: string, companyId: string, timeoutMs: number) => {
    const url = new URL(`http://${host}:${port}/`)
    return await poster.post({ url, headers: {}, body: Buffer.from('{}'), timeoutMs, companyId })
  }
  let hung = 0
  const hanging = Array.from({ length: 200 }, async (_, n) => {
    const result = await call(`h${n}.hangs.internal`, 'slow', 1_500)
    hung++
    return result.kind === 'error' && result.errorClass
  })
  for (let n = 0; n < 30; n++) assert.equal((await call(`g${n}.internal`, 'quick', 1_000)).kind, 'response')
  assert.equal(hung, 0)
  assert.deepEqual(new Set(await Promise.all(hanging)), new Set(['dns_error']))
})
