import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { isLocalShortage } from './local-shortage.ts'

const failed = (code: string, address?: string): Error => Object.assign(new Error(code), { code, address })

test('running out of descriptors, buffers or memory is a shortage; what the network says is none', () => {
  for (const code of ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']) assert.equal(isLocalShortage(failed(code)), true, code)
  for (const code of ['ECONNREFUSED', 'ETIMEDOUT', 'ENETUNREACH', 'EPROTO']) {
    assert.equal(isLocalShortage(failed(code)), false, code)
  }
  for (const none of [undefined, null, 'EMFILE', new Error('EMFILE')]) assert.equal(isLocalShortage(none), false)
})

test('no port left is a shortage for an IPv4 address only: without IPv6 every IPv6 address fails with the same code', () => {
  assert.equal(isLocalShortage(failed('EADDRNOTAVAIL', '192.0.2.1')), true)
  assert.equal(isLocalShortage(failed('EADDRNOTAVAIL', '2001:db8::1')), false)
  assert.equal(isLocalShortage(failed('EADDRNOTAVAIL')), false)
})

test('one address of several that failed for a shortage is enough', () => {
  const refused = failed('ECONNREFUSED', '192.0.2.1')
  assert.equal(isLocalShortage(new AggregateError([refused, failed('EMFILE')])), true)
  assert.equal(isLocalShortage(new AggregateError([refused, failed('EADDRNOTAVAIL', '2001:db8::1')])), false)
})

for (const [allowed, first, again] of [
  ['127.0.0.0/8', '', 200], // the socket cannot be opened
  ['', 'https://1.1.1.1', 'blocked_address'], // it is not known whether this address is our own, so nothing is opened
] as const) {
  test(`a call of a process without file descriptors ends as a shortage, and the next one as ever: ${again}`, () => {
    const moduleUrl = (name: string): string => new URL(name, import.meta.url).href
    const script = `
    import { closeSync, openSync } from 'node:fs'
    import { createServer } from 'node:http'
    import { HttpPoster } from '${moduleUrl('http-post.ts')}'
    import { parseEgressAllow } from '${moduleUrl('egress-policy.ts')}'
    const server = createServer((_request, response) => response.end()).listen(0, '127.0.0.1', async () => {
      const url = new URL('http://127.0.0.1:' + server.address().port)
      const poster = new HttpPoster({ allow: parseEgressAllow('${allowed}') })
      const post = (to) => poster.post({ url: new URL(to), headers: {}, body: Buffer.from('{}'), timeoutMs: 5_000 })
      const files = []
      try {
        for (;;) files.push(openSync('/dev/null'))
      } catch {}
      const without = await post('${first}' || url)
      for (const file of files) closeSync(file)
      const again = await post(url)
      await poster.close()
      server.close()
      console.log(JSON.stringify([without.errorClass, without.sent, again.status ?? again.errorClass]))
    })`
    const limited = ['-c', 'ulimit -n 100 && exec "$0" "$@"', process.execPath, '--input-type=module', '-e', script]
    assert.deepEqual(JSON.parse(execFileSync('sh', limited).toString()), ['local_shortage', false, again])
  })
}
