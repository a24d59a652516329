import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { TlsOptions } from 'node:tls'
import { listenRaw, type RawReceiver } from '../../test/support/raw-receiver.ts'
import { selfSigned, testAuthority } from '../../test/support/tls/test-authority.ts'
import { parseEgressAllow } from './egress-policy.ts'
import { HttpPoster } from './http-post.ts'
import { parseAuthorities } from './webhook-tls.ts'

const dayMs = 86_400_000
const daysFromNow = (days: number): Date => new Date(Date.now() + days * dayMs)
const names = ['receiver.test', '127.0.0.1']
const authority = testAuthority('Known authority')
const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

async function receiver(t: TestContext, tls: TlsOptions): Promise<RawReceiver> {
  return await listenRaw(t, { tls, onRequest: (socket) => socket.write(answer) })
}

/** What a call says that trusts the known authority, and two others with it. */
async function callAt(t: TestContext, { port }: RawReceiver, host = 'receiver.test'): Promise<string> {
  const poster = new HttpPoster({
    allow: parseEgressAllow('127.0.0.0/8'),
    resolve: async () => ['127.0.0.1'],
    ca: testAuthority('Another').pem + authority.pem + testAuthority('A third').pem,
  })
  t.after(() => poster.close())
  const result = await poster.post({
    url: new URL(`https://${host}:${port}/`),
    headers: {},
    body: Buffer.from('{}'),
    timeoutMs: 5_000,
  })
  if (result.kind === 'response') return String(result.status)
  assert.deepEqual([result.errorClass, result.sent], ['tls_error', false])
  assert.doesNotMatch(result.message, /\d+\.\d+\.\d+\.\d+|receiver\.test|other\.test/)
  return result.message
}

test('a certificate of any authority in the operator’s file verifies, by name and by address', async (t) => {
  const good = await receiver(t, authority.issue({ names }))
  assert.equal(await callAt(t, good), '200')
  assert.equal(await callAt(t, good, '127.0.0.1'), '200')
})

test('the request is never sent to a certificate that does not verify, and the failure names what is wrong', async (t) => {
  const cases: readonly [TlsOptions, RegExp, string?][] = [
    [authority.issue({ names, notAfter: daysFromNow(-0.5) }), /has expired \(CERT_HAS_EXPIRED\)/],
    [authority.issue({ names, notBefore: daysFromNow(0.5) }), /is not valid yet \(CERT_NOT_YET_VALID\)/],
    [authority.issue({ names }), /for another host name \(ERR_TLS_CERT_ALTNAME_INVALID\)/, 'other.test'],
    [authority.issue({ names: ['*.test'] }), /for another host name/, 'a.receiver.test'],
    [authority.issue({ names: ['receiver.test'] }), /for another host name/, '127.0.0.1'],
    [selfSigned({ names }), /is self-signed \(DEPTH_ZERO_SELF_SIGNED_CERT\)/],
    [testAuthority('Nobody knows').issue({ names }), /of an unknown authority/],
    // The name of a known authority is not its signature.
    [testAuthority('Known authority').issue({ names }), /TLS handshake failed/],
  ]
  for (const [tls, what, host] of cases) {
    const bad = await receiver(t, tls)
    assert.match(await callAt(t, bad, host), what)
    assert.equal(bad.requests.length, 0)
    assert.equal(bad.accepted.length, 1)
  }
})

test('TLS 1.2 is spoken, and TLS 1.1 is not', async (t) => {
  const keyed = authority.issue({ names })
  const weak = { ...keyed, ciphers: 'DEFAULT@SECLEVEL=0' }
  assert.equal(await callAt(t, await receiver(t, { ...weak, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })), '200')
  const old = await receiver(t, { ...weak, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })
  assert.match(await callAt(t, old), /does not speak TLS 1\.2 or later/)
})

test('a file that holds no readable certificate is refused with what is wrong', () => {
  const { pem } = authority
  assert.equal(parseAuthorities(`# ours\n${pem}${pem}`), `# ours\n${pem}${pem}`)
  assert.throws(() => parseAuthorities(''), { message: 'holds no certificate in PEM form' })
  assert.throws(() => parseAuthorities(authority.issue({ names }).key), { message: 'holds no certificate in PEM form' })
  assert.throws(() => parseAuthorities(pem + pem.replace(/\n.{64}\n/, '\n')), {
    message: 'certificate 2 of 2 cannot be read',
  })
})
