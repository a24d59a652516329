import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { checkWebhookUrl, isPublicUnicast, mayConnect, mayConnectTo, parseEgressAllow } from './egress-policy.ts'

const nothing = parseEgressAllow('')

const specialAddresses = `
  127.0.0.1 127.255.255.254 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 169.254.170.2
  100.100.100.200 100.64.0.1 0.0.0.0 0.1.2.3 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 198.18.0.1 198.19.255.255
  198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 168.63.129.16
  :: ::1 ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:a9fe:a9fe ::127.0.0.1 ::ffff:0:127.0.0.1 ::5efe:7f00:1
  64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::7f00:1 2002:7f00:1:: 2002:a9fe:a9fe:: 2001:0:7f00:1:: 2001:20::1
  2001:2::1 2001:db8::1 3fff::1 100::1 100:0:0:1::1 5f00::1 fc00::1 fd00:ec2::254 fd20:ce::254 fe80::1 febf::1
  fec0::1 ff02::1 2620:4f:8000::1 4000::1 fe80::1%eth0`
  .trim()
  .split(/\s+/)

const publicAddresses = [
  '93.184.216.34',
  '8.8.8.8',
  '1.1.1.1',
  '2606:4700::1111',
  '2a00:1450:4001::1',
  '::ffff:8.8.8.8',
]

test('no special-purpose address counts as public', () => {
  for (const address of specialAddresses) assert.equal(isPublicUnicast(address), false, address)
})

test('ordinary addresses of the internet are public', () => {
  for (const address of publicAddresses) assert.equal(isPublicUnicast(address), true, address)
})

test('text that is not an address in its usual form is not public', () => {
  for (const text of [
    '',
    '8.8.8',
    '8.8.8.8.',
    '010.8.8.8',
    '0x8.8.8.8',
    '134744072',
    '8.8.8.8:80',
    '8.8.8.8/32',
    'a.example',
  ]) {
    assert.equal(isPublicUnicast(text), false, text)
  }
})

test('an IPv4 address is judged the same inside IPv6', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => isPublicUnicast(`::ffff:${address}`) === isPublicUnicast(address)),
    { numRuns: 500 },
  )
})

test('no IPv6 address outside 2000::/3 is public', () => {
  const parts = fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 })
  fc.assert(
    fc.property(parts, ([first = 0, ...rest]) => {
      fc.pre((first & 0xe000) !== 0x2000 && first !== 0)
      return !isPublicUnicast([first, ...rest].map((part) => part.toString(16)).join(':'))
    }),
    { numRuns: 500 },
  )
})

test('the operator’s list takes networks, addresses and host names', () => {
  const allow = parseEgressAllow('10.0.0.0/8, ::1 [fd00::1]\n192.168.1.7,Hooks.Internal. localhost')
  assert.equal(mayConnect('10.255.0.1', 'x.example', allow), true)
  assert.equal(mayConnect('169.254.169.254', 'x.example', allow), false)
  assert.equal(mayConnect('192.168.1.7', 'x.example', allow), true)
  assert.equal(mayConnect('192.168.1.8', 'x.example', allow), false)
  assert.equal(mayConnect('::1', 'x.example', allow), true)
  assert.equal(mayConnect('fd00::1', 'x.example', allow), true)
  assert.equal(mayConnect('fd00::2', 'x.example', allow), false)
  assert.equal(mayConnect('172.16.0.1', 'hooks.internal', allow), true)
  assert.equal(mayConnect('172.16.0.1', 'other.internal', allow), false)
})

test('a listed IPv4 network holds the same addresses written as IPv6', () => {
  for (const text of ['127.0.0.0/8', '::ffff:127.0.0.0/104']) {
    const allow = parseEgressAllow(text)
    assert.equal(mayConnect('127.9.9.9', 'h', allow), true)
    assert.equal(mayConnect('::ffff:127.9.9.9', 'h', allow), true)
    assert.equal(mayConnect('::1', 'h', allow), false)
    assert.equal(mayConnect('10.0.0.1', 'h', allow), false)
  }
})

test('a wrong entry of the list is named', () => {
  for (const entry of [
    '10.0.0.0/33',
    '300.1.1.1',
    '10.1',
    '::1/129',
    'ho st!',
    '-a.example',
    'http://x',
    '[fe80',
    '::ffff:1.2.3.4/95',
  ]) {
    const bad = entry.split(' ').at(-1) ?? ''
    assert.throws(
      () => parseEgressAllow(`10.0.0.0/8, ${entry}`),
      (error) => error instanceof Error && error.message.includes(`"${bad}"`),
    )
  }
})

test('plain http reaches only listed addresses and names, TLS also public addresses', () => {
  const allow = parseEgressAllow('127.0.0.0/8 hooks.internal')
  assert.equal(mayConnectTo('http:', '93.184.216.34', 'example.com', allow), false)
  assert.equal(mayConnectTo('https:', '93.184.216.34', 'example.com', allow), true)
  assert.equal(mayConnectTo('http:', '127.0.0.1', 'localhost', allow), true)
  assert.equal(mayConnectTo('http:', '10.0.0.1', 'hooks.internal', allow), true)
  assert.equal(mayConnectTo('https:', '10.0.0.1', 'example.com', allow), false)
})

function refusal(url: string, allow = nothing): string {
  const check = checkWebhookUrl(url, allow)
  return check.ok ? 'ok' : check.code
}

test('an https URL of a public host is accepted in its parsed form', () => {
  const check = checkWebhookUrl(' https://EXAMPLE.com:443/a/../hook?x=1 ', nothing)
  assert.equal(check.ok && check.url.href, 'https://example.com/hook?x=1')
  assert.equal(refusal('https://93.184.216.34/hook'), 'ok')
  assert.equal(refusal('https://[2606:4700::1111]:8443/'), 'ok')
  assert.equal(refusal('https://bücher.example./x'), 'ok')
})

test('every spelling of a special address is refused', () => {
  const spellings =
    `2130706433 0x7f000001 017700000001 0177.0.0.1 127.1 127.0.1 0 0x7f.1 127。0。0。1 ①②⑦.⓪.⓪.① %31%32%37.0.0.1
    127.0.0.1. [::ffff:127.0.0.1] [0:0:0:0:0:ffff:127.0.0.1] 127.0.0.1#@evil.com`.split(/\s+/)
  for (const spelling of spellings) {
    assert.equal(refusal(`https://${spelling}`), 'blocked_address', spelling)
    assert.equal(refusal(`http://${spelling}`), 'blocked_address', spelling)
  }
  for (const text of ['https:127.0.0.1', 'https:///127.0.0.1', String.raw`https:\\127.0.0.1`]) {
    assert.equal(refusal(text), 'blocked_address', text)
  }
  for (const address of specialAddresses.filter((address) => !address.includes('%'))) {
    assert.equal(refusal(`https://${address.includes(':') ? `[${address}]` : address}/`), 'blocked_address', address)
  }
})

test('names that exist only inside a network are refused', () => {
  for (const host of [
    'localhost',
    'LOCALHOST',
    'localhost.',
    'ip6-localhost',
    'a.localhost',
    'printer.local',
    'metadata.google.internal',
    'kubernetes.default.svc',
    'intranet',
    'router.home.arpa',
  ]) {
    assert.equal(refusal(`https://${host}/`), 'local_host_name', host)
  }
})

test('what is not a URL of the web is refused with its reason', () => {
  for (const text of [
    '',
    'example.com',
    'https://',
    'https://[::1%25eth0]/',
    'https://256.256.256.256/',
    'https://:99999/',
    'https://a.example:65536/',
    'https://a..example/',
    'https://-a.example/',
  ]) {
    assert.equal(refusal(text), 'malformed', text)
  }
  for (const text of [
    'file:///etc/passwd',
    'gopher://a.example',
    'ftp://a.example',
    'data:,x',
    'javascript:1',
    'ws://a.example',
    'unix:/x',
    'http+unix://a',
  ]) {
    assert.equal(refusal(text), 'scheme_not_allowed', text)
  }
  assert.equal(refusal('https://user@example.com/'), 'userinfo_not_allowed')
  assert.equal(refusal('https://:pw@example.com/'), 'userinfo_not_allowed')
  assert.equal(refusal('https://example.com@127.0.0.1/'), 'userinfo_not_allowed')
  assert.equal(refusal('http://example.com/'), 'https_required')
  for (const port of [0, 22, 25, 53, 110, 143, 445, 3306, 5432, 6379, 9200, 11211, 27017]) {
    assert.equal(refusal(`https://example.com:${port}/`), 'port_not_allowed', String(port))
  }
  assert.equal(refusal(`https://example.com/${'a'.repeat(2029)}`), 'too_long')
  assert.equal(refusal(`https://example.com/${'a'.repeat(2028)}`), 'ok')
  assert.equal(refusal(`https://example.com/${'ü'.repeat(400)}`), 'too_long')
})

test('a listed network opens its literals and inside names to plain http, and no public name', () => {
  const allow = parseEgressAllow('127.0.0.0/8')
  for (const text of [
    'http://127.0.0.1:1234/',
    'http://[::ffff:127.0.0.1]:1234/',
    'http://2130706433/',
    'http://localhost:3000/',
    'https://localhost/',
    'http://receiver:3000/',
  ]) {
    assert.equal(refusal(text, allow), 'ok', text)
  }
  assert.equal(refusal('http://10.0.0.1/', allow), 'blocked_address')
  assert.equal(refusal('http://[::1]/', allow), 'blocked_address')
  assert.equal(refusal('http://example.com/', allow), 'https_required')
  assert.equal(refusal('http://93.184.216.34/', allow), 'https_required')
  assert.equal(refusal('http://localhost/', parseEgressAllow('10.0.0.0/8')), 'local_host_name')
  assert.equal(refusal('http://127.0.0.1:6379/', allow), 'port_not_allowed')
})

test('a listed name opens itself to plain http and nothing else', () => {
  const allow = parseEgressAllow('hooks.internal, api.example.com')
  assert.equal(refusal('http://hooks.internal/', allow), 'ok')
  assert.equal(refusal('http://HOOKS.internal./', allow), 'ok')
  assert.equal(refusal('http://api.example.com/', allow), 'ok')
  assert.equal(refusal('http://sub.api.example.com/', allow), 'https_required')
  assert.equal(refusal('http://other.internal/', allow), 'local_host_name')
})

test('the check answers for any text', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.webUrl(),
        fc.string().map((text) => `https://${text}`),
      ),
      (text) => {
        const check = checkWebhookUrl(text, nothing)
        if (!check.ok) return
        assert.equal(check.url.protocol, 'https:')
        assert.deepEqual(checkWebhookUrl(check.url.href, nothing), check)
      },
    ),
  )
})
