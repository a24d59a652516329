import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { digestOfKey, hintOfKey, isApiKeyText, newApiKey } from './api-key-text.ts'

test('a new key is known by its checksum, and no two are alike', () => {
  const keys = new Set(Array.from({ length: 200 }, newApiKey))
  assert.equal(keys.size, 200)
  for (const key of keys) assert.ok(isApiKeyText(key), key)
})

test('a key with any one character changed is not a key', () => {
  const key = newApiKey()
  fc.assert(
    fc.property(fc.nat({ max: key.length - 1 }), fc.constantFrom('0', 'A', 'z', '_', '-'), (at, character) => {
      fc.pre(key[at] !== character)
      assert.equal(isApiKeyText(key.slice(0, at) + character + key.slice(at + 1)), false)
    }),
  )
  assert.equal(isApiKeyText(`${key}0`), false)
  assert.equal(isApiKeyText('dbk_'), false)
})

test('what is stored and shown of a key does not give it away', () => {
  const key = newApiKey()
  assert.equal(digestOfKey(key).length, 32)
  assert.equal(hintOfKey(key), `${key.slice(0, 8)}…${key.slice(-4)}`)
})
