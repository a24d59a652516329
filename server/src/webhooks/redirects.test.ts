import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countConnects } from '../../test/support/count-connects.ts'
import { listenRaw } from '../../test/support/raw-receiver.ts'
import { specialAddresses } from '../../test/support/special-addresses.ts'
import { parseEgressAllow } from './egress-policy.ts'
import { HttpPoster } from './http-post.ts'

const statuses = [300, 301, 302, 303, 304, 305, 307, 308]

test('[public-addresses-only] an answer that points elsewhere is stored, and nobody goes there', async (t) => {
  const canary = await listenRaw(t, {})
  const there = `http://127.0.0.1:${canary.port}/`
  const html = `<meta http-equiv="refresh" content="0;url=${there}">`
  const pointers = [
    `location: ${there}`,
    `location: //127.0.0.1:${canary.port}/`,
    `location: http://2130706433:${canary.port}/`,
    `refresh: 0; url=${there}`,
    `content-location: ${there}`,
    `link: <${there}>; rel=preload`,
    `alt-svc: h2="127.0.0.1:${canary.port}"`,
    'x-location: missing',
  ]
  const answers = [...statuses, 200].flatMap((status) => pointers.map((pointer) => ({ status, pointer })))
  let next = 0
  const receiver = await listenRaw(t, {
    onRequest: (socket) => {
      const { status, pointer } = answers[next++] ?? assert.fail('called too often')
      const isBodyless = status === 304
      const length = isBodyless ? '' : `content-length: ${html.length}\r\n`
      socket.write(`HTTP/1.1 ${status} Look\r\n${pointer}\r\n${length}\r\n${isBodyless ? '' : html}`)
    },
  })
  // The canary may be called: nothing but the rule keeps the client from it.
  const poster = new HttpPoster({ allow: parseEgressAllow('127.0.0.0/8') })
  t.after(() => poster.close())
  for (const { status, pointer } of answers) {
    const url = new URL(`http://127.0.0.1:${receiver.port}/`)
    const result = await poster.post({ url, headers: {}, body: Buffer.from('{}'), timeoutMs: 5_000 })
    assert.ok(result.kind === 'response', pointer)
    assert.equal(result.status, status)
    assert.equal(result.headers[0]?.join(': '), pointer)
    assert.equal(result.body.toString(), status === 304 ? '' : html)
  }
  assert.equal(receiver.requests.length, answers.length)
  assert.equal(canary.accepted.length, 0)
})

test('a redirect to any special address opens no socket', async (t) => {
  let address = ''
  const receiver = await listenRaw(t, {
    onRequest: (socket) => {
      const host = address.includes(':') ? `[${address}]` : address
      socket.write(`HTTP/1.1 307 Look\r\nlocation: http://${host}/\r\ncontent-length: 0\r\n\r\n`)
    },
  })
  const poster = new HttpPoster({ allow: parseEgressAllow('127.0.0.0/8') })
  t.after(() => poster.close())
  const call = async (): Promise<void> => {
    const url = new URL(`http://127.0.0.1:${receiver.port}/`)
    const result = await poster.post({ url, headers: {}, body: Buffer.from('{}'), timeoutMs: 5_000 })
    assert.equal(result.kind === 'response' && result.status, 307)
  }
  await call() // its socket serves all that follow
  const connects = countConnects(t)
  for (address of specialAddresses) await call()
  assert.equal(connects(), 0)
})
