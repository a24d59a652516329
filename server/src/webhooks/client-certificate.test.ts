import assert from 'node:assert/strict'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { selfSigned, testAuthority } from '../../test/support/tls/test-authority.ts'
import { checkEndpointTls, endpointTlsFacts, type EndpointTls, toClientTls } from './client-certificate.ts'

const authority = testAuthority('Private authority')
const { cert: certificate, key: private_key } = authority.issue({ names: ['client.example'] })
const nowMs = Date.now()
const dayMs = 86_400_000

/** Pointer and code of each fault. */
function faultsOf(tls: EndpointTls, at = nowMs): readonly string[] {
  const faults = checkEndpointTls(tls, at)
  const told = inspect(faults)
  for (const line of (tls.private_key ?? '').split('\n').slice(1, -2))
    assert.ok(line.length < 16 || !told.includes(line))
  return faults.map(({ pointer, code }) => `${pointer} ${code}`)
}

test('a certificate with its key, an authority, and both together are fine', () => {
  assert.deepEqual(faultsOf({ certificate, private_key }), [])
  assert.deepEqual(faultsOf({ ca: authority.pem }), [])
  assert.deepEqual(faultsOf({ certificate, private_key, ca: authority.pem + testAuthority('Another').pem }), [])
  assert.deepEqual(faultsOf({ certificate: certificate + authority.pem, private_key }), [])
})

test('halves are refused', () => {
  assert.deepEqual(faultsOf({}), ['/tls tls_empty'])
  assert.deepEqual(faultsOf({ certificate }), ['/tls/private_key private_key_missing'])
  assert.deepEqual(faultsOf({ private_key }), ['/tls/certificate certificate_missing'])
})

test('a key has to be that of the first certificate', () => {
  const other = authority.issue({ names: ['client.example'] })
  assert.deepEqual(faultsOf({ certificate, private_key: other.key }), ['/tls/private_key private_key_mismatch'])
  const reversed = { certificate: authority.pem + certificate, private_key }
  assert.deepEqual(faultsOf(reversed), ['/tls/certificate certificate_chain', '/tls/private_key private_key_mismatch'])
})

test('certificates behind the first have to lead to its authority', () => {
  const chain = certificate + testAuthority('Another').pem
  assert.deepEqual(faultsOf({ certificate: chain, private_key }), ['/tls/certificate certificate_chain'])
})

test('an expired certificate is refused, also as an authority, from the moment that it is', () => {
  const ends = new Date(Math.ceil(nowMs / 1_000) * 1_000 + dayMs)
  const { cert, key } = authority.issue({ names: ['a'], notAfter: ends })
  assert.deepEqual(faultsOf({ certificate: cert, private_key: key }, ends.getTime() - 1), [])
  const late = faultsOf({ certificate: cert, private_key: key }, ends.getTime())
  assert.deepEqual(late, ['/tls/certificate certificate_expired'])
  assert.deepEqual(faultsOf({ ca: authority.pem }, nowMs + 400 * dayMs), ['/tls/ca certificate_expired'])
})

test('what is no certificate or key is told by its place', () => {
  const broken = certificate.replace(/\n.{64}\n/, '\n')
  assert.deepEqual(faultsOf({ certificate: broken, private_key }), ['/tls/certificate invalid_certificate'])
  assert.deepEqual(faultsOf({ certificate: private_key, private_key }), ['/tls/certificate invalid_certificate'])
  assert.deepEqual(faultsOf({ certificate, private_key: certificate }), ['/tls/private_key invalid_private_key'])
  assert.deepEqual(faultsOf({ certificate, private_key: '' }), ['/tls/private_key invalid_private_key'])
  assert.deepEqual(faultsOf({ ca: 'none' }), ['/tls/ca invalid_certificate'])
  assert.deepEqual(faultsOf({ ca: authority.pem.repeat(11) }), ['/tls/ca too_many_certificates'])
  assert.deepEqual(faultsOf({ ca: authority.pem + ' '.repeat(70_000) }), ['/tls/ca pem_too_long'])
})

test('a key with a passphrase and one that would hold up every handshake are refused', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const locked = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString()
  assert.deepEqual(faultsOf({ certificate, private_key: locked }), ['/tls/private_key private_key_encrypted'])
  const long = generateKeyPairSync('rsa', { modulusLength: 4_104 }).privateKey
  const pem = long.export({ type: 'pkcs8', format: 'pem' }).toString()
  assert.deepEqual(faultsOf({ certificate, private_key: pem }), ['/tls/private_key private_key_too_long'])
})

test('what is shown names whose certificate it is and until when, and nothing of the key', () => {
  const facts = endpointTlsFacts({ certificate: certificate + authority.pem, private_key, ca: authority.pem })
  const { fingerprint256, validToDate } = new X509Certificate(certificate)
  assert.deepEqual(facts.certificate, {
    subject: 'CN=client.example',
    issuer: 'CN=Private authority',
    fingerprint: fingerprint256,
    expires_at: validToDate.toISOString(),
  })
  assert.deepEqual(
    facts.ca.map(({ subject }) => subject),
    ['CN=Private authority'],
  )
  assert.deepEqual(endpointTlsFacts({ ca: authority.pem }).certificate, null)
})

test('two identities are the same only for the same company and the same bytes, and none shows the key', () => {
  const other = selfSigned({ names: ['client.example'] })
  const all = [
    toClientTls('a', { certificate, private_key }),
    toClientTls('b', { certificate, private_key }),
    toClientTls('a', { certificate, private_key, ca: authority.pem }),
    toClientTls('a', { certificate: other.cert, private_key: other.key }),
    toClientTls('a', { ca: authority.pem }),
  ]
  assert.equal(new Set(all.map(({ identity }) => identity)).size, all.length)
  assert.equal(all[0]?.identity, toClientTls('a', { certificate, private_key }).identity)
  assert.doesNotMatch(inspect(all, { depth: 9, showHidden: true }) + JSON.stringify(all), /PRIVATE KEY/)
})
