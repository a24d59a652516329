import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { ProblemError } from '../lib/problems.ts'
import { decodeSigningSecret, newSigningSecret, signatureHeader } from './sign.ts'

test('the example of the Standard Webhooks reference libraries gives its known signature', () => {
  const key = decodeSigningSecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')
  const header = signatureHeader([key], 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, Buffer.from('{"test": 2432232314}'))
  assert.equal(header, 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
})

test('the reference library verifies our signatures, with the old and the new secret while both are active', () => {
  const oldSecret = newSigningSecret()
  const newSecret = newSigningSecret()
  const keys = [newSecret, oldSecret].map(decodeSigningSecret)
  fc.assert(
    fc.property(fc.json(), fc.uuid(), (text, id) => {
      const timestamp = Math.floor(Date.now() / 1000)
      const header = signatureHeader(keys, id, timestamp, Buffer.from(text))
      const headers = { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': header }
      for (const secret of [oldSecret, newSecret]) new Webhook(secret).verify(text, headers)
      assert.throws(() => new Webhook(newSigningSecret()).verify(text, headers))
      assert.throws(() => new Webhook(newSecret).verify(`${text} `, headers))
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
  const secrets = new Set(Array.from({ length: 50 }, newSigningSecret))
  assert.equal(secrets.size, 50)
  for (const secret of secrets) assert.equal(decodeSigningSecret(secret).symmetricKeySize, 32)
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
    `whsk_${bytes.toString('base64')}`,
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
