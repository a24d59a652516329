import assert from 'node:assert/strict'
import { createPublicKey, createSecretKey, verify } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { ProblemError } from '../lib/problems.ts'
import { decodeSigningSecret, newSigningSecret, publicKeyOf, signatureHeader } from './sign.ts'

test('the example of the Standard Webhooks reference libraries gives its known signature', () => {
  const key = decodeSigningSecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')
  const header = signatureHeader([key], 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, Buffer.from('{"test": 2432232314}'))
  assert.equal(header, 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
})

/** Published by the specification's reference implementation. */
const ed25519Example = {
  secret: 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==',
  publicKey: 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=',
  signature: 'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==',
}

test('the example of an asymmetric signature gives its known signature, from both forms of the key', () => {
  const seed = Buffer.from(ed25519Example.secret.slice(5), 'base64').subarray(0, 32)
  for (const secret of [ed25519Example.secret, `whsk_${seed.toString('base64')}`]) {
    const key = decodeSigningSecret(secret)
    assert.equal(publicKeyOf(key), ed25519Example.publicKey)
    const header = signatureHeader(
      [key],
      'msg_p5jXN8AQM9LWM0D4loKWxJek',
      1614265330,
      Buffer.from('{"test": 2432232314}'),
    )
    assert.equal(header, ed25519Example.signature)
  }
})

test('an Ed25519 signature verifies with the public key that receivers are given, and for no other body', () => {
  const key = decodeSigningSecret(newSigningSecret('ed25519'))
  const spki = Buffer.concat([
    Buffer.from('302a300506032b6570032100', 'hex'),
    Buffer.from(publicKeyOf(key)?.slice('whpk_'.length) ?? '', 'base64'),
  ])
  const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' })
  const signature = Buffer.from(signatureHeader([key], 'a', 1, Buffer.from('{}')).slice('v1a,'.length), 'base64')
  assert.equal(verify(null, Buffer.from('a.1.{}'), publicKey, signature), true)
  assert.equal(verify(null, Buffer.from('a.1.{ }'), publicKey, signature), false)
})

test('while a subscription moves from one scheme to the other, both signatures are sent, newest first', () => {
  const secrets = [newSigningSecret('ed25519'), newSigningSecret('hmac')]
  const header = signatureHeader(secrets.map(decodeSigningSecret), 'a', 1, Buffer.from('{}'))
  assert.match(header, /^v1a,[A-Za-z0-9+/]{86}== v1,[A-Za-z0-9+/]{43}=$/)
})

test('an HMAC key has no public side', () => {
  assert.equal(publicKeyOf(decodeSigningSecret(newSigningSecret())), undefined)
})

test('the reference libraries verify our signatures, with the old and the new secret while both are active', () => {
  const oldSecret = newSigningSecret()
  const newSecret = newSigningSecret()
  const keys = [newSecret, oldSecret].map(decodeSigningSecret)
  fc.assert(
    fc.property(fc.json(), fc.uuid(), (text, id) => {
      const timestamp = Math.floor(Date.now() / 1000)
      const header = signatureHeader(keys, id, timestamp, Buffer.from(text))
      const headers = { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': header }
      for (const Library of [Webhook, SvixWebhook]) {
        for (const secret of [oldSecret, newSecret]) new Library(secret).verify(text, headers)
        assert.throws(() => new Library(newSigningSecret()).verify(text, headers))
        assert.throws(() => new Library(newSecret).verify(`${text} `, headers))
      }
    }),
  )
})

test('bytes that are not UTF-8 are signed as they are', () => {
  const key = [createSecretKey(Buffer.alloc(32, 7))]
  const signatures = [[0xff], [0xfe], [0xef, 0xbf, 0xbd], []].map((bytes) =>
    signatureHeader(key, 'a', 1, Buffer.from(bytes)),
  )
  assert.equal(new Set(signatures).size, 4)
})

test('a new secret has 32 random bytes and reads back', () => {
  const secrets = new Set(Array.from({ length: 50 }, () => newSigningSecret()))
  assert.equal(secrets.size, 50)
  for (const secret of secrets) assert.equal(decodeSigningSecret(secret).symmetricKeySize, 32)
  const pairs = new Set(Array.from({ length: 50 }, () => newSigningSecret('ed25519')))
  assert.equal(pairs.size, 50)
  for (const pair of pairs) assert.equal(decodeSigningSecret(pair).asymmetricKeyType, 'ed25519')
})

test('secrets of 24 to 64 bytes are accepted, each written in one way only', () => {
  for (const length of [24, 32, 64]) {
    assert.equal(decodeSigningSecret(`whsec_${Buffer.alloc(length, 250).toString('base64')}`).symmetricKeySize, length)
  }
  const bytes = Buffer.alloc(32, 250)
  const bad = [
    '',
    'whsec_',
    bytes.toString('base64'),
    `whsk_${Buffer.alloc(31).toString('base64')}`,
    `whsk_${Buffer.alloc(33).toString('base64')}`,
    // 64 bytes whose second half is not the public key of the first.
    `whsk_${Buffer.alloc(64, 250).toString('base64')}`,
    `whsk_${bytes.toString('base64url')}`,
    ed25519Example.publicKey,
    `whsec_${Buffer.alloc(23).toString('base64')}`,
    `whsec_${Buffer.alloc(65).toString('base64')}`,
    `whsec_${bytes.toString('base64url')}`,
    `whsec_${bytes.toString('base64')}\n`,
    `whsec_${bytes.toString('base64').replace(/=+$/, '')}`,
    `whsec_ ${bytes.toString('base64')}`,
  ]
  for (const text of bad) {
    assert.throws(
      () => decodeSigningSecret(text),
      (error) =>
        error instanceof ProblemError &&
        error.code === 'invalid_request' &&
        (text.length < 10 || !error.message.includes(text.slice(6))),
    )
  }
})

test('nothing is signed without a secret or with an id that could shift the signed parts', () => {
  assert.throws(() => signatureHeader([], 'a', 1, Buffer.alloc(0)), RangeError)
  assert.throws(() => signatureHeader([createSecretKey(Buffer.alloc(32))], 'a.1', 1, Buffer.alloc(0)), RangeError)
})
