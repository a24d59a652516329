import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { listenRaw } from '../../test/support/raw-receiver.ts'
import { checkCustomHeaders } from './custom-headers.ts'
import { parseEgressAllow } from './egress-policy.ts'
import { HttpPoster } from './http-post.ts'

const codesOf = (headers: Readonly<Record<string, string>>, taken: readonly string[] = []) =>
  checkCustomHeaders(headers, '/headers', taken).map(({ pointer, code }) => `${pointer} ${code}`)

test('usual headers are fine, and names beyond ASCII are none', () => {
  assert.deepEqual(
    codesOf({ 'X-Tenant': 'salon 12', Accept: '*/*', 'x_y.z~1': 'Zoë', Origin: 'https://a.example' }),
    [],
  )
  assert.deepEqual(codesOf({ 'x-été': 'y', '': 'y', 'x y': 'y', 'x:': 'y' }).length, 4)
})

test('what frames the request, is ours, is a credential or says who calls cannot be set, in any case of letters', () => {
  const refused = `
    Host Connection Keep-Alive TE Trailer Transfer-Encoding Upgrade Expect Proxy-Authorization Proxy-Connection HTTP2-Settings
    Max-Forwards Content-Length Content-Type Content-Encoding Accept-Encoding User-Agent Traceparent Tracestate Webhook-Id
    Webhook-Anything Daybook-Event Authorization Cookie Forwarded X-Forwarded-For X-Forwarded-Host X-Real-IP Via True-Client-IP
    X-HTTP-Method-Override X-Original-URL X-Cluster-Client-IP Client-IP Fastly-Client-IP X-Envoy-External-Address
    X-HTTP-Host-Override Metadata Metadata-Flavor X-AWS-EC2-Metadata-Token`
  for (const name of refused.trim().split(/\s+/)) {
    for (const spelt of [name, name.toLowerCase(), name.toUpperCase()]) {
      assert.deepEqual(codesOf({ [spelt]: 'x' }), [`/headers/${spelt} reserved_header`])
    }
  }
})

test('a receiver that reads headers as variables cannot be told by other signs what may not be set', () => {
  const names = [
    'X_Forwarded_For',
    'webhook_signature',
    'Content_Type',
    'x_real.ip',
    'X-FORWARDED_HOST',
    'daybook~test',
  ]
  for (const name of names)
    assert.deepEqual(codesOf({ [name]: 'x' }), [`/headers/${name.replaceAll('~', '~0')} reserved_header`])
  assert.deepEqual(codesOf({ X_Api_Key: '1' }, ['X-Api-Key']), ['/headers/X_Api_Key duplicate_header'])
  assert.deepEqual(codesOf({ 'X-A': '1', X_A: '2' }), ['/headers/X_A duplicate_header'])
})

test('the refusal of a credential says where it belongs', () => {
  assert.match(checkCustomHeaders({ Authorization: 'Bearer x' })[0]?.message ?? '', /give it as `auth`/)
})

test('a header is named once, whatever the case of letters, and not where `auth` has named it', () => {
  assert.deepEqual(codesOf({ 'X-A': '1', 'x-a': '2' }), ['/headers/x-a duplicate_header'])
  assert.deepEqual(codesOf({ 'x-api-key': '1' }, ['X-Api-Key']), ['/headers/x-api-key duplicate_header'])
})

test('there are bounds for their number, names and values', () => {
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, 'y']))
  assert.deepEqual(codesOf(many(20)), [])
  assert.deepEqual(codesOf(many(21)), ['/headers too_many_headers'])
  assert.deepEqual(codesOf({ ['x'.repeat(100)]: 'y'.repeat(2_000) }), [])
  assert.equal(codesOf({ ['x'.repeat(101)]: 'y' }).length, 1)
  assert.deepEqual(codesOf({ x: 'y'.repeat(2_001) }), ['/headers/x invalid_header_value'])
})

test('values that would end the header or cannot be sent as they are, are refused', () => {
  for (const value of [
    '',
    ' ',
    'a\r\nb: c',
    'a\nb',
    'a\0b',
    'a\tb',
    ' a',
    'a ',
    'ł',
    '\u{1f600}',
    '\u0085',
    '\u007f',
  ]) {
    assert.deepEqual(codesOf({ x: value }), ['/headers/x invalid_header_value'], JSON.stringify(value))
  }
})

test('names with signs of pointers are told by their pointer', () => {
  assert.deepEqual(codesOf({ 'a/b': 'x', '~c': '' }), [
    '/headers/a~1b invalid_header_name',
    '/headers/~0c invalid_header_value',
  ])
})

test('whatever passes arrives as it was given, and nothing else does', async (t) => {
  const receiver = await listenRaw(t, { onRequest: (socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\n') })
  const poster = new HttpPoster({ allow: parseEgressAllow('127.0.0.0/8') })
  t.after(() => poster.close())
  const url = new URL(`http://127.0.0.1:${receiver.port}/`)
  const name = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,12}$/)
  const latin1 = fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code))
  const value = fc.string({ minLength: 1, maxLength: 8, unit: latin1 })
  await fc.assert(
    fc.asyncProperty(fc.dictionary(name, value, { minKeys: 1, maxKeys: 3 }), async (headers) => {
      fc.pre(checkCustomHeaders(headers).length === 0)
      const result = await poster.post({ url, headers, body: Buffer.from('{}'), timeoutMs: 5_000 })
      assert.equal(result.kind === 'response' && result.status, 204)
      const lines = receiver.requests.at(-1)?.head.trimEnd().split('\r\n') ?? []
      const ours = ['POST / HTTP/1.1', `host: ${url.host}`, 'connection: keep-alive', 'accept-encoding: identity']
      const theirs = Object.entries(headers).map(([one, text]) => `${one}: ${text}`)
      assert.deepEqual(lines.toSorted(), [...ours, ...theirs, 'content-length: 2'].toSorted())
    }),
    { numRuns: 100 },
  )
})
