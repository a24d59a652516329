import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { ownAddresses } from './own-addresses.ts'

test('the addresses of every interface are known, and are looked up once for many calls', () => {
  const own = ownAddresses()
  assert.ok(own.has('127.0.0.1'))
  for (const all of Object.values(networkInterfaces())) {
    for (const { address, family } of all ?? []) if (family === 'IPv4') assert.ok(own.has(address), address)
  }
  assert.equal(ownAddresses(), own)
})
