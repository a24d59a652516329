import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDnsServers } from './dns-servers.ts'

test('name servers are addresses with or without a port, or the word that leaves names to the proxy', () => {
  assert.deepEqual(parseDnsServers(''), [])
  assert.deepEqual(parseDnsServers('10.0.0.53, 10.0.0.54:5353,fd00::53,[fd00::54]:5353,'), [
    '10.0.0.53',
    '10.0.0.54:5353',
    'fd00::53',
    '[fd00::54]:5353',
  ])
  assert.equal(parseDnsServers(' proxy '), 'proxy')
})

test('what is no name server is quoted', () => {
  for (const bad of [
    'dns.example',
    '10.0.0',
    '10.0.0.53:0',
    '10.0.0.53:70000',
    '[10.0.0.53]:53',
    '[fd00::54',
    'proxy,10.0.0.53',
  ]) {
    assert.throws(() => parseDnsServers(bad), { message: /^"[^"]+" is no address/ }, bad)
  }
})
