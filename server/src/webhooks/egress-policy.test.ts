import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { specialAddresses } from '../../test/support/special-addresses.ts'
import { checkWebhookUrl, isPublicUnicast, mayConnectTo, parseEgressAllow } from './egress-policy.ts'

const nothing = parseEgressAllow('')
const noneOwn = (): ReadonlySet<string> => new Set()

const publicAddresses = [
  '93.184.216.34',
  '8.8.8.8',
  '1.1.1.1',
  '2606:4700::1111',
  '2a00:1450:4001::1',
  '::ffff:8.8.8.8',
]

test('no special-purpose address counts as public', () => {
  for (const address of [...specialAddresses, 'fe80::1%eth0']) assert.equal(isPublicUnicast(address), false, address)
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
  assert.equal(mayConnectTo('https:', '10.255.0.1', 'x.example', allow, noneOwn), true)
  assert.equal(mayConnectTo('https:', '169.254.169.254', 'x.example', allow, noneOwn), false)
  assert.equal(mayConnectTo('https:', '192.168.1.7', 'x.example', allow, noneOwn), true)
  assert.equal(mayConnectTo('https:', '192.168.1.8', 'x.example', allow, noneOwn), false)
  assert.equal(mayConnectTo('https:', '::1', 'x.example', allow, noneOwn), true)
  assert.equal(mayConnectTo('https:', 'fd00::1', 'x.example', allow, noneOwn), true)
  assert.equal(mayConnectTo('https:', 'fd00::2', 'x.example', allow, noneOwn), false)
  assert.equal(mayConnectTo('https:', '172.16.0.1', 'hooks.internal', allow, noneOwn), true)
  assert.equal(mayConnectTo('https:', '172.16.0.1', 'other.internal', allow, noneOwn), false)
})

test('a listed IPv4 network holds the same addresses written as IPv6', () => {
  for (const text of ['127.0.0.0/8', '::ffff:127.0.0.0/104']) {
    const allow = parseEgressAllow(text)
    assert.equal(mayConnectTo('https:', '127.9.9.9', 'h', allow, noneOwn), true)
    assert.equal(mayConnectTo('https:', '::ffff:127.9.9.9', 'h', allow, noneOwn), true)
    assert.equal(mayConnectTo('https:', '::1', 'h', allow, noneOwn), false)
    assert.equal(mayConnectTo('https:', '10.0.0.1', 'h', allow, noneOwn), false)
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
  assert.equal(mayConnectTo('http:', '93.184.216.34', 'example.com', allow, noneOwn), false)
  assert.equal(mayConnectTo('https:', '93.184.216.34', 'example.com', allow, noneOwn), true)
  assert.equal(mayConnectTo('http:', '127.0.0.1', 'localhost', allow, noneOwn), true)
  assert.equal(mayConnectTo('http:', '10.0.0.1', 'hooks.internal', allow, noneOwn), true)
  assert.equal(mayConnectTo('https:', '10.0.0.1', 'example.com', allow, noneOwn), false)
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
  for (const address of specialAddresses) {
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
    'kubernetes.default.svc.cluster.local',
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
    'https://127.0.0.1%09/',
    'https://127.0.0.1../',
    'https://localhost../',
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

test('a place after ! is refused, whatever else the list says', () => {
  const allow = parseEgressAllow('10.0.0.0/8 !10.1.0.0/16 !daybook.example.com hooks.internal !hooks.internal')
  assert.equal(refusal('https://DAYBOOK.example.com./api', allow), 'refused_host')
  assert.equal(refusal('https://www.daybook.example.com/', allow), 'ok')
  assert.equal(refusal('http://hooks.internal/', allow), 'refused_host')
  assert.equal(refusal('http://10.1.2.3/', allow), 'refused_host')
  assert.equal(refusal('http://10.2.2.3/', allow), 'ok')
  assert.equal(mayConnectTo('https:', '93.184.216.34', 'daybook.example.com', allow, noneOwn), false)
  assert.equal(mayConnectTo('https:', '10.1.2.3', 'a.example', allow, noneOwn), false)
  assert.throws(() => parseEgressAllow('!10.0.0.0/99'), /10\.0\.0\.0\/99/)
})

test('a public address of this machine is refused unless listed, in any spelling', () => {
  const own = (): ReadonlySet<string> => new Set(['93.184.216.34', '2606:4700::1111'])
  for (const address of ['93.184.216.34', '::ffff:93.184.216.34', '2606:4700:0:0:0:0:0:1111']) {
    assert.equal(mayConnectTo('https:', address, 'a.example', nothing, own), false, address)
    assert.equal(mayConnectTo('https:', address, 'a.example', parseEgressAllow(address), own), true, address)
  }
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
