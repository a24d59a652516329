import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parseEgressAllow } from '../../src/webhooks/egress-policy.ts'
import { HttpPoster } from '../../src/webhooks/http-post.ts'
import { reasonOf } from '../../src/webhooks/retry.ts'
import { hostileReceivers } from '../support/hostile-receivers.ts'
import type { CallerReport } from '../support/hostile-caller.ts'
import { listenRaw } from '../support/raw-receiver.ts'
import { until } from '../support/until.ts'

const growthBytesMax = 50_000_000

test('whatever a receiver answers, the attempt ends by its deadline with the right reason, keeps little and leaves no socket', async (t) => {
  const receivers = await hostileReceivers(t)
  const poster = new HttpPoster({ allow: parseEgressAllow('127.0.0.0/8') })
  t.after(() => poster.close())
  const timeoutMs = 500
  // More than the kernel takes for a receiver that reads nothing.
  const body = Buffer.alloc(20_000_000, 'x')
  for (const { name, url, expected } of receivers) {
    const isUnread = name === 'nothing is read'
    const startedAt = performance.now()
    const result = await poster.post({
      url: new URL(url),
      headers: {},
      body: isUnread ? body : Buffer.from('{}'),
      timeoutMs,
    })
    const tookMs = performance.now() - startedAt
    assert.ok(expected.includes(reasonOf(result)), `${name}: ${JSON.stringify(result)}`)
    assert.ok(tookMs < timeoutMs + 1_000, `${name}: ${tookMs} ms`)
    if (result.kind === 'error') assert.doesNotMatch(result.message, /\d+\.\d+\.\d+\.\d+/)
    else assert.ok(result.body.length <= 16_384 && result.headers.length <= 64, name)
  }
  await poster.close()
  // One that reads nothing does not notice that the other side is gone.
  const reading = receivers.filter(({ onRequest }) => onRequest)
  await until('every socket is closed', () =>
    reading.every(({ receiver }) => receiver.accepted.every((socket) => socket.closed)),
  )
})

test('an answer in bombs is kept as the bytes that came', async (t) => {
  const bombs = (await hostileReceivers(t)).filter(({ name }) => name.endsWith('bomb'))
  const poster = new HttpPoster({ allow: parseEgressAllow('127.0.0.0/8') })
  t.after(() => poster.close())
  for (const { url, name } of bombs) {
    const result = await poster.post({ url: new URL(url), headers: {}, body: Buffer.from('{}'), timeoutMs: 1_000 })
    assert.ok(result.kind === 'response', name)
    const length = Number(result.headers.find(([header]) => header === 'content-length')?.[1])
    assert.deepEqual([result.body.length, result.bodyTruncated], [Math.min(length, 16_384), length > 16_384], name)
  }
  assert.equal(bombs.length, 3)
})

test('a handshake that drips ends at the deadline', async (t) => {
  // The beginning of a TLS record of 16 KiB, and then its bytes one by one.
  const dripping = await listenRaw(t, {
    onSocket: (socket) => {
      socket.resume()
      socket.write(Buffer.from([0x16, 0x03, 0x03, 0x40, 0x00, 0x02]))
      const timer = setInterval(() => socket.write(Buffer.from([0])), 10)
      socket.on('close', () => clearInterval(timer))
    },
  })
  const poster = new HttpPoster({ allow: parseEgressAllow('127.0.0.0/8') })
  t.after(() => poster.close())
  const startedAt = performance.now()
  const url = new URL(`https://127.0.0.1:${dripping.port}/`)
  const result = await poster.post({ url, headers: {}, body: Buffer.from('{}'), timeoutMs: 300 })
  assert.ok(performance.now() - startedAt < 1_300)
  assert.ok(['connect_timeout', 'tls_error'].includes(reasonOf(result)), JSON.stringify(result))
  await until('the socket is closed', () => dripping.accepted.every((socket) => socket.closed))
})

test('five hundred hostile answers at once cost less than 50 MB, and each ends in time', async (t) => {
  const receivers = await hostileReceivers(t)
  const caller = fileURLToPath(new URL('../support/hostile-caller.ts', import.meta.url))
  const flags = ['--expose-gc', '--conditions=source', '--max-semi-space-size=8', '--heap-growing-percent=80']
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, caller, ...receivers.map(({ url }) => url)])
  const report = JSON.parse(stdout) as CallerReport
  t.diagnostic(`memory grew by ${report.growthBytes} bytes, the slowest call took ${report.longestMs} ms`)
  for (const { name, url, expected } of receivers) {
    const reasons = report.reasons[url] ?? []
    // The deadline is a right end where so many share a machine.
    const right = [...expected, 'timeout']
    assert.ok(reasons.length > 0 && reasons.every((reason) => right.includes(reason)), `${name}: ${reasons.join()}`)
  }
  assert.ok(report.growthBytes < growthBytesMax, `memory grew by ${report.growthBytes} bytes`)
  assert.ok(report.longestMs < 3_000, `${report.longestMs} ms`)
})
