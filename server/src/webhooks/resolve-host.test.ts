import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dnsServer } from '../../test/support/dns-server.ts'
import { until } from '../../test/support/until.ts'
import { parseEgressAllow } from './egress-policy.ts'
import { HostResolver } from './resolve-host.ts'

const allow = parseEgressAllow('')

test('the addresses of both families are found, and one family is enough', async (t) => {
  const dns = await dnsServer(t, ({ name }) => ({
    addresses: name === 'both.test' ? ['93.184.216.34', '2606:4700::1'] : name === 'six.test' ? ['2606:4700::2'] : [],
  }))
  const { resolve } = new HostResolver({ allow, servers: [dns.address] })
  assert.deepEqual(await resolve('both.test'), ['93.184.216.34', '2606:4700::1'])
  assert.deepEqual(await resolve('six.test'), ['2606:4700::2'])
  assert.deepEqual(await resolve('neither.test'), [])
})

test('an answer is remembered as long as its records say, and a minute at most', async (t) => {
  let nowMs = 0
  const dns = await dnsServer(t, ({ name }) => ({
    addresses: ['93.184.216.34'],
    ttl: name === 'long.test' ? 3_600 : 7,
  }))
  const { resolve } = new HostResolver({ allow, servers: [dns.address], now: () => nowMs })
  const askedAt = async (host: string, atMs: number): Promise<boolean> => {
    nowMs = atMs
    const before = dns.questions.length
    assert.deepEqual(await resolve(host), ['93.184.216.34'])
    return dns.questions.length > before
  }
  assert.deepEqual([await askedAt('short.test', 0), await askedAt('short.test', 6_999)], [true, false])
  assert.equal(await askedAt('short.test', 7_000), true)
  assert.deepEqual([await askedAt('long.test', 10_000), await askedAt('long.test', 69_999)], [true, false])
  assert.equal(await askedAt('long.test', 70_000), true)
})

test('an answer with a TTL of 0 is not remembered', async (t) => {
  const dns = await dnsServer(t, () => ({ addresses: ['93.184.216.34'], ttl: 0 }))
  const { resolve } = new HostResolver({ allow, servers: [dns.address] })
  await resolve('a.test')
  dns.answer(() => ({ addresses: ['127.0.0.1'], ttl: 0 }))
  assert.deepEqual(await resolve('a.test'), ['127.0.0.1'])
})

test('that a name has no address is remembered for five seconds, however it came about', async (t) => {
  let nowMs = 0
  const dns = await dnsServer(t)
  const { resolve } = new HostResolver({ allow, servers: [dns.address], now: () => nowMs })
  for (const failure of ['NXDOMAIN', 'SERVFAIL'] as const) {
    dns.answer(() => failure)
    assert.deepEqual(await resolve('flaps.test'), [])
    dns.answer(() => ({ addresses: ['93.184.216.34'], ttl: 1 }))
    nowMs += 4_999
    assert.deepEqual(await resolve('flaps.test'), [])
    nowMs += 1
    assert.deepEqual(await resolve('flaps.test'), ['93.184.216.34'])
    nowMs += 60_000
  }
})

test('callers who want a name at once share one look-up', async (t) => {
  const dns = await dnsServer(t, () => ({ addresses: ['93.184.216.34'], ttl: 0, delayMs: 50 }))
  const { resolve } = new HostResolver({ allow, servers: [dns.address] })
  const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => resolve('a.test', `company ${n}`)))
  assert.ok(answers.every((addresses) => addresses[0] === '93.184.216.34'))
  assert.deepEqual(dns.questions.map(({ type }) => type).sort(), ['A', 'AAAA'])
})

test('a name server that never answers is given up at the limit', async (t) => {
  const dns = await dnsServer(t, () => 'silent')
  const { resolve } = new HostResolver({ allow, servers: [dns.address], limitMs: 100 })
  const startedAt = performance.now()
  assert.deepEqual(await resolve('hangs.test'), [])
  assert.ok(performance.now() - startedAt < 2_000)
})

test('one family that never answers does not keep the other from being used', async (t) => {
  const dns = await dnsServer(t, ({ type }) => (type === 'A' ? { addresses: ['93.184.216.34'] } : 'silent'))
  const { resolve } = new HostResolver({ allow, servers: [dns.address], limitMs: 60_000 })
  assert.deepEqual(await resolve('half.test'), ['93.184.216.34'])
})

test('hosts whose name servers hang hold up their own company, within its bound, and no other', async (t) => {
  const dns = await dnsServer(t, ({ name }) =>
    name.endsWith('hangs.test') ? 'silent' : { addresses: ['93.184.216.34'] },
  )
  const { resolve } = new HostResolver({ allow, servers: [dns.address], limitMs: 2_000 })
  const hanging = Array.from({ length: 100 }, (_, n) => resolve(`h${n}.hangs.test`, 'slow'))
  const asked = (): number => new Set(dns.questions.map(({ name }) => name)).size
  await until('the bound is reached', () => asked() === 16)
  let waited = true
  const own = resolve('good.test', 'slow').then(() => (waited = false))
  for (let n = 0; n < 50; n++) assert.deepEqual(await resolve(`g${n}.test`, 'quick'), ['93.184.216.34'])
  assert.deepEqual([asked(), waited], [66, true])
  assert.ok((await Promise.all(hanging)).every((addresses) => addresses.length === 0))
  await own
})

test('of two hundred addresses thirty-two are taken', async (t) => {
  const addresses = Array.from({ length: 200 }, (_, n) => `93.184.216.${n}`)
  const dns = await dnsServer(t, () => ({ addresses }))
  const { resolve } = new HostResolver({ allow, servers: [dns.address] })
  assert.deepEqual(new Set(await resolve('many.test')).size, 32)
})

test('localhost is asked of nobody, and means what the operator opened of it', async (t) => {
  const dns = await dnsServer(t, () => ({ addresses: ['93.184.216.34'] }))
  const localhost = async (list: string): Promise<readonly string[]> =>
    await new HostResolver({ allow: parseEgressAllow(list), servers: [dns.address] }).resolve('localhost')
  assert.deepEqual(await localhost(''), ['127.0.0.1', '::1'])
  assert.deepEqual(await localhost('127.0.0.0/8'), ['127.0.0.1'])
  assert.deepEqual(await localhost('::1'), ['::1'])
  assert.deepEqual(await localhost('localhost'), ['127.0.0.1', '::1'])
  assert.equal(dns.questions.length, 0)
})

test('only for a name that the operator listed does the system’s resolver count', async (t) => {
  const dns = await dnsServer(t, () => 'NXDOMAIN')
  // Every system takes an address for a name of itself; our name server does not know it.
  const resolver = new HostResolver({
    allow: parseEgressAllow('hooks.test'),
    servers: [dns.address],
    systemNames: ['127.0.0.9'],
  })
  assert.deepEqual(await resolver.resolve('127.0.0.9'), ['127.0.0.9'])
  assert.deepEqual(await resolver.resolve('127.0.0.8'), [])
  assert.ok(dns.questions.some(({ name }) => name === '127.0.0.9'))
})
