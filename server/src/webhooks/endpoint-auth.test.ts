import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { testAuthority } from '../../test/support/tls/test-authority.ts'
import { UnreadableError } from '../vault/sealed.ts'
import { openCallCredentials } from './call-credentials.ts'
import { parseEgressAllow } from './egress-policy.ts'
import {
  checkEndpointCredentials,
  credentialFacts,
  credentialText,
  type EndpointAuth,
  type EndpointCredentials,
  parseCredentialText,
} from './endpoint-auth.ts'
import { Secret } from '../vault/secret.ts'

const authority = testAuthority('Private authority')
const { cert: certificate, key: private_key } = authority.issue({ names: ['client.example'] })
const hidden = 'S3cr3t'

const auths: readonly EndpointAuth[] = [
  { type: 'none' },
  { type: 'api_key', header: 'X-Api-Key', value: hidden },
  { type: 'basic', username: 'Zoë', password: `${hidden}:łódź` },
  { type: 'bearer', token: hidden },
  {
    type: 'oauth2',
    token_url: 'https://id.example.com/token',
    client_id: 'me',
    client_secret: hidden,
    scope: 'a b',
    audience: 'x',
  },
]

const faultsOf = (auth: EndpointAuth, allow = '') =>
  checkEndpointCredentials({ auth }, parseEgressAllow(allow), Date.now()).map(
    ({ pointer, code }) => `${pointer} ${code}`,
  )

const oauth2 = (change: object): EndpointAuth => ({
  type: 'oauth2',
  token_url: 'https://id.example.com/token',
  client_id: 'me',
  client_secret: hidden,
  ...change,
})

test('each kind is taken, alone and with mutual TLS', () => {
  for (const auth of auths) {
    assert.deepEqual(faultsOf(auth), [])
    const both = { auth, tls: { certificate, private_key, ca: authority.pem } }
    assert.deepEqual(checkEndpointCredentials(both, parseEgressAllow(''), Date.now()), [])
  }
})

test('what could break out of its header, or is read otherwise by its standard, is refused at its place', () => {
  const bad: readonly [EndpointAuth, string][] = [
    [{ type: 'api_key', header: 'X Key', value: 'x' }, '/auth/header invalid_header_name'],
    [{ type: 'api_key', header: 'Host', value: 'x' }, '/auth/header reserved_header'],
    [{ type: 'api_key', header: 'webhook-signature', value: 'x' }, '/auth/header reserved_header'],
    [{ type: 'api_key', header: 'X-Key', value: 'x\r\nhost: y' }, '/auth/value invalid_header_value'],
    [{ type: 'basic', username: 'a:b', password: 'x' }, '/auth/username invalid_credential'],
    [{ type: 'basic', username: '', password: 'x' }, '/auth/username invalid_credential'],
    [{ type: 'basic', username: 'a', password: 'x\n' }, '/auth/password invalid_credential'],
    [{ type: 'bearer', token: 'a b' }, '/auth/token invalid_credential'],
    [{ type: 'bearer', token: 'é' }, '/auth/token invalid_credential'],
    [{ type: 'bearer', token: 'x'.repeat(4_001) }, '/auth/token invalid_credential'],
    [oauth2({ client_id: '' }), '/auth/client_id invalid_credential'],
    [oauth2({ client_secret: 'é' }), '/auth/client_secret invalid_credential'],
    [oauth2({ scope: 'a  b' }), '/auth/scope invalid_credential'],
    [oauth2({ scope: 'a"' }), '/auth/scope invalid_credential'],
    [oauth2({ audience: '' }), '/auth/audience invalid_credential'],
    [oauth2({ token_url: 'https://id.example.com/token#here' }), '/auth/token_url invalid_credential'],
  ]
  for (const [auth, fault] of bad) assert.deepEqual(faultsOf(auth), [fault], inspect(auth))
})

test('an API key may be the whole of the authorization header, and a basic password may be empty', () => {
  assert.deepEqual(faultsOf({ type: 'api_key', header: 'Authorization', value: 'Key x' }), [])
  assert.deepEqual(faultsOf({ type: 'basic', username: 'key', password: '' }), [])
})

test('a token endpoint is judged like a webhook', () => {
  assert.deepEqual(faultsOf(oauth2({ token_url: 'http://id.example.com/' })), ['/auth/token_url https_required'])
  assert.deepEqual(faultsOf(oauth2({ token_url: 'https://169.254.169.254/' })), ['/auth/token_url blocked_address'])
  assert.deepEqual(faultsOf(oauth2({ token_url: 'https://u:p@id.example.com/' })), [
    '/auth/token_url userinfo_not_allowed',
  ])
  assert.deepEqual(faultsOf(oauth2({ token_url: 'http://127.0.0.1:8080/' }), '127.0.0.0/8'), [])
})

test('all faults are told at once, those of TLS too', () => {
  const auth = oauth2({ client_id: '', scope: ' ' })
  const faults = checkEndpointCredentials({ auth, tls: { certificate } }, parseEgressAllow(''), Date.now())
  assert.deepEqual(
    faults.map(({ pointer }) => pointer),
    ['/auth/client_id', '/auth/scope', '/tls/private_key'],
  )
})

test('what is shown, printed or told of a fault never holds a secret', () => {
  for (const auth of auths) {
    const credentials: EndpointCredentials = { auth, tls: { certificate, private_key } }
    const text = credentialText(credentials)
    const opened = openCallCredentials('a', () => text)
    const facts = credentialFacts(credentials)
    const shown = inspect([facts, text, opened], { depth: 9 }) + JSON.stringify([facts, text, opened])
    assert.doesNotMatch(shown, /S3cr3t|PRIVATE/)
    assert.equal(facts.auth.type, auth.type)
  }
  const refused = checkEndpointCredentials({ auth: oauth2({ client_secret: `${hidden}\n` }) }, parseEgressAllow(''), 0)
  assert.doesNotMatch(inspect(refused), /S3cr3t/)
})

test('what is shown is all that is no secret', () => {
  assert.deepEqual(
    auths.map((auth) => credentialFacts({ auth }).auth),
    [
      { type: 'none' },
      { type: 'api_key', header: 'X-Api-Key' },
      { type: 'basic', username: 'Zoë' },
      { type: 'bearer' },
      {
        type: 'oauth2',
        token_url: 'https://id.example.com/token',
        client_id: 'me',
        scope: 'a b',
        audience: 'x',
        client_auth: 'basic',
      },
    ],
  )
  assert.equal(credentialFacts({ auth: { type: 'none' } }).tls, null)
  assert.equal(
    credentialFacts({ auth: { type: 'none' }, tls: { certificate, private_key } }).tls?.certificate?.subject,
    'CN=client.example',
  )
})

test('what is sealed reads back whole', () => {
  for (const auth of auths) {
    for (const credentials of [
      { auth },
      { auth, tls: { certificate, private_key } },
      { auth, tls: { ca: authority.pem } },
    ]) {
      assert.deepEqual(parseCredentialText(credentialText(credentials).reveal()), credentials)
    }
  }
})

test('a text that is no credentials is unreadable, and no error repeats it', () => {
  for (const text of [
    '',
    hidden,
    'null',
    '[]',
    '{}',
    `{"auth":{"type":"bearer"}}`,
    `{"auth":{"type":"toString","x":"${hidden}"}}`,
  ]) {
    assert.throws(
      () => parseCredentialText(text),
      (error: unknown) => error instanceof UnreadableError && !inspect(error).includes(hidden),
    )
    assert.ok(openCallCredentials('a', () => new Secret(text)).auth instanceof UnreadableError)
  }
  const gone = openCallCredentials('a', () => {
    throw new UnreadableError('sealed with a key that is not at hand')
  })
  assert.ok(gone.auth instanceof UnreadableError)
})
