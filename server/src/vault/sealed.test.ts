import assert from 'node:assert/strict'
import { createDecipheriv, createHmac } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Place } from './sealed.ts'
import { UnreadableError, keyIdOf, open, seal } from './sealed.ts'
import { toVaultKey } from './vault-key.ts'
import type { VaultKey } from './vault-key.ts'

const place: Place = {
  companyId: '01900000-0000-7000-8000-000000000001',
  table: 'subscription_secrets',
  column: 'sealed',
  rowId: '1/2',
}
const key = toVaultKey(Buffer.alloc(32, 7))
const keyring = (...keys: readonly VaultKey[]): ReadonlyMap<string, VaultKey> =>
  new Map(keys.map((one) => [one.id, one]))
const keys = keyring(key)
const bytes = fc.uint8Array({ maxLength: 100 })

const refuses = (work: () => unknown): void => {
  assert.throws(work, UnreadableError)
}

test('what was sealed opens with its key at its place, byte for byte', () => {
  fc.assert(
    fc.property(bytes, fc.uint8Array({ minLength: 32, maxLength: 32 }), (plain, keyBytes) => {
      const own = toVaultKey(keyBytes)
      const sealed = seal(own, place, plain)
      assert.deepEqual(open(keyring(key, own), place, sealed), Buffer.from(plain))
      assert.equal(keyIdOf(sealed), own.id)
      assert.equal(sealed.length, plain.length + 37)
    }),
  )
})

test('a sealed value with any one bit flipped does not open', () => {
  const sealed = seal(key, place, Buffer.from('the signing secret'))
  for (let at = 0; at < sealed.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const flipped = Buffer.from(sealed)
      flipped[at] = (sealed[at] ?? 0) ^ (1 << bit)
      refuses(() => open(keys, place, flipped))
    }
  }
})

test('a sealed value that was cut or made longer does not open', () => {
  const sealed = seal(key, place, Buffer.from('the signing secret'))
  for (let length = 0; length < sealed.length; length++) {
    refuses(() => open(keys, place, sealed.subarray(0, length)))
    refuses(() => open(keys, place, sealed.subarray(sealed.length - length)))
  }
  refuses(() => open(keys, place, Buffer.concat([sealed, Buffer.of(0)])))
})

test('a sealed value that was copied to another company, table, column or row does not open', () => {
  const part = fc.constantFrom<keyof Place>('companyId', 'table', 'column', 'rowId')
  fc.assert(
    fc.property(bytes, part, fc.string(), (plain, member, other) => {
      fc.pre(other !== place[member])
      refuses(() => open(keys, { ...place, [member]: other }, seal(key, place, plain)))
    }),
  )
})

test('no two places are the same to a sealed value, wherever the border between their parts lies', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '"', ',', '/', '\\', '\0'), maxLength: 4 })
  const places = fc.record({ companyId: text, table: text, column: text, rowId: text })
  fc.assert(
    fc.property(places, places, (one, other) => {
      fc.pre(JSON.stringify(one) !== JSON.stringify(other))
      refuses(() => open(keys, other, seal(key, one, Buffer.of(1))))
    }),
    { numRuns: 500 },
  )
})

test('another key does not open, even under the name of the right one', () => {
  const other = toVaultKey(Buffer.alloc(32, 8))
  const sealed = seal(key, place, Buffer.of(1, 2, 3))
  refuses(() => open(keyring(other), place, sealed))
  refuses(() => open(keyring({ id: key.id, key: other.key }), place, sealed))
  assert.notEqual(other.id, key.id)
})

test('the same text is sealed differently each time', () => {
  const all = new Set(Array.from({ length: 1_000 }, () => seal(key, place, Buffer.from('same')).toString('hex', 9, 21)))
  assert.equal(all.size, 1_000)
})

test('a reason names the key and nothing of the value', () => {
  const sealed = seal(key, place, Buffer.from('canary'))
  const reasonOf = (work: () => unknown): string => {
    try {
      work()
      return ''
    } catch (error) {
      return String(error)
    }
  }
  assert.match(
    reasonOf(() => open(keyring(), place, sealed)),
    new RegExp(`sealed with key ${key.id}, which is not at hand`),
  )
  assert.match(
    reasonOf(() => open(keys, { ...place, rowId: 'other' }, sealed)),
    /changed, or sealed for another place/,
  )
  assert.match(
    reasonOf(() => open(keys, place, Buffer.from('plain text that nobody sealed, longer than any head'))),
    /not a sealed value/,
  )
})

test('the format is the documented one', () => {
  const sealed = seal(key, place, Buffer.from('text'))
  const id = createHmac('sha256', Buffer.alloc(32, 7)).update('daybook key id 1').digest().subarray(0, 8)
  assert.deepEqual(sealed.subarray(0, 9), Buffer.concat([Buffer.of(1), id]))
  const gcm = createDecipheriv('aes-256-gcm', Buffer.alloc(32, 7), sealed.subarray(9, 21))
  const bound = JSON.stringify([place.companyId, place.table, place.column, place.rowId])
  gcm.setAAD(Buffer.concat([sealed.subarray(0, 9), Buffer.from(bound)]))
  gcm.setAuthTag(sealed.subarray(-16))
  assert.equal(gcm.update(sealed.subarray(21, -16)).toString() + gcm.final().toString(), 'text')
})
