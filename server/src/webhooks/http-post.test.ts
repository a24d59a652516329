import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { listenRaw } from '../../test/support/raw-receiver.ts'
import { parseEgressAllow } from './egress-policy.ts'
import { HttpPoster, type HttpPosterOptions, type PostRequest } from './http-post.ts'
import type { PostError, PostResponse, PostResult } from './post-result.ts'

const okAnswer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\nX-Test: a\r\nX-Test: b\r\n\r\nok'

function newPoster(t: TestContext, options: Partial<HttpPosterOptions> = {}): HttpPoster {
  const poster = new HttpPoster({ allow: parseEgressAllow('127.0.0.0/8'), ...options })
  t.after(() => poster.close())
  return poster
}

function requestTo(port: number, more: Partial<PostRequest> = {}): PostRequest {
  const headers = { 'content-type': 'application/json', 'webhook-id': 'evt_1' }
  return {
    url: new URL(`http://127.0.0.1:${port}/hook?a=1`),
    headers,
    body: Buffer.from('{"a":1}'),
    timeoutMs: 5_000,
    ...more,
  }
}

function response(result: PostResult): PostResponse {
  assert.equal(result.kind, 'response', JSON.stringify(result))
  return result.kind === 'response' ? result : assert.fail()
}

function failure(result: PostResult): PostError {
  assert.equal(result.kind, 'error', JSON.stringify(result))
  return result.kind === 'error' ? result : assert.fail()
}

/** The result of one POST to a receiver that writes `answer` to every request, and then ends if told. */
async function postTo(
  t: TestContext,
  answer: string | Buffer,
  more: Partial<PostRequest> & { end?: boolean } = {},
): Promise<PostResult> {
  const receiver = await listenRaw(t, {
    onRequest: (socket) => {
      socket.write(answer)
      if (more.end) socket.end()
    },
  })
  return newPoster(t).post(requestTo(receiver.port, more))
}

test('the request arrives byte for byte and the answer comes back with its times', async (t) => {
  const receiver = await listenRaw(t, { onRequest: (socket) => socket.write(okAnswer) })
  const result = response(await newPoster(t).post(requestTo(receiver.port)))
  assert.equal(result.status, 200)
  assert.equal(result.body.toString(), 'ok')
  assert.equal(result.bodyTruncated, false)
  assert.deepEqual(result.headers, [
    ['content-length', '2'],
    ['x-test', 'a'],
    ['x-test', 'b'],
  ])
  const { connectMs = -1, firstByteMs = -1, totalMs, dnsMs } = result.timings
  assert.ok(connectMs >= 0 && firstByteMs >= connectMs && totalMs >= firstByteMs)
  assert.equal(dnsMs, undefined)
  const [request] = receiver.requests
  assert.equal(request?.body, '{"a":1}')
  assert.deepEqual(
    request?.head.split('\r\n').filter((line) => line !== ''),
    [
      'POST /hook?a=1 HTTP/1.1',
      `host: 127.0.0.1:${receiver.port}`,
      'connection: keep-alive',
      'accept-encoding: identity',
      'content-type: application/json',
      'webhook-id: evt_1',
      'content-length: 7',
    ],
  )
})

test('an empty body is sent as such', async (t) => {
  const receiver = await listenRaw(t, { onRequest: (socket) => socket.write(okAnswer) })
  response(await newPoster(t).post(requestTo(receiver.port, { body: Buffer.alloc(0) })))
  assert.match(receiver.requests[0]?.head ?? '', /content-length: 0\r\n/)
})

test('a socket is used again, and a reused one has no connect time', async (t) => {
  const receiver = await listenRaw(t, { onRequest: (socket) => socket.write(okAnswer) })
  const poster = newPoster(t)
  for (const expectConnect of [true, false, false]) {
    const { timings } = response(await poster.post(requestTo(receiver.port)))
    assert.equal(timings.connectMs !== undefined, expectConnect)
  }
  assert.equal(receiver.accepted.length, 1)
})

test('a socket that the receiver closed between requests is replaced without an error or a copy', async (t) => {
  const receiver = await listenRaw(t, { onRequest: (socket) => socket.write(okAnswer) })
  const poster = newPoster(t)
  for (const close of ['end', 'destroy', 'resetAndDestroy', 'destroy', 'end'] as const) {
    response(await poster.post(requestTo(receiver.port)))
    const last = receiver.accepted.at(-1)
    assert.ok(last)
    const closed = new Promise((resolve) => last.once('close', resolve))
    last[close]()
    await closed
  }
  assert.equal(receiver.requests.length, 5)
  assert.equal(receiver.accepted.length, 5)
})

test('a receiver that closes after each answer gets every request on a new socket', async (t) => {
  const answer = 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok'
  const receiver = await listenRaw(t, { onRequest: (socket) => socket.end(answer) })
  const poster = newPoster(t)
  for (let round = 0; round < 4; round++) response(await poster.post(requestTo(receiver.port)))
  assert.equal(receiver.accepted.length, 4)
})

test('sockets per origin are bounded and the calls beyond the bound take turns', async (t) => {
  const receiver = await listenRaw(t, { onRequest: (socket) => socket.write(okAnswer) })
  const poster = newPoster(t, { maxSocketsPerOrigin: 3 })
  const results = await Promise.all(Array.from({ length: 50 }, () => poster.post(requestTo(receiver.port))))
  assert.ok(results.every((result) => result.kind === 'response'))
  assert.equal(receiver.accepted.length, 3)
  assert.equal(receiver.requests.length, 50)
})

test('a call that waits for a socket ends at its own deadline and is never sent', async (t) => {
  const receiver = await listenRaw(t, { onRequest: () => {} })
  const poster = newPoster(t, { maxSocketsPerOrigin: 1 })
  const first = poster.post(requestTo(receiver.port, { timeoutMs: 600 }))
  const second = failure(await poster.post(requestTo(receiver.port, { timeoutMs: 100 })))
  assert.deepEqual([second.errorClass, second.sent], ['timeout', false])
  assert.equal(failure(await first).errorClass, 'timeout')
  assert.equal(receiver.requests.length, 1)
})

test('a socket that stays idle is closed', async (t) => {
  const receiver = await listenRaw(t, { onRequest: (socket) => socket.write(okAnswer) })
  const poster = newPoster(t, { maxIdleMs: 50 })
  response(await poster.post(requestTo(receiver.port)))
  const socket = receiver.accepted[0]
  if (socket && !socket.closed) await once(socket, 'close', { signal: AbortSignal.timeout(3_000) })
  response(await poster.post(requestTo(receiver.port)))
  assert.equal(receiver.accepted.length, 2)
})

test('a redirect is an answer and is not followed', async (t) => {
  const target = await listenRaw(t, { onRequest: (socket) => socket.write(okAnswer) })
  for (const status of [301, 302, 303, 307, 308]) {
    const answer = `HTTP/1.1 ${status} Moved\r\nlocation: http://127.0.0.1:${target.port}/\r\ncontent-length: 0\r\n\r\n`
    assert.equal(response(await postTo(t, answer)).status, status)
  }
  assert.equal(target.accepted.length, 0)
})

test('a compressed answer is kept as raw bytes', async (t) => {
  const zipped = gzipSync(Buffer.alloc(1_000_000))
  const head = `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${zipped.length}\r\n\r\n`
  const result = response(await postTo(t, Buffer.concat([Buffer.from(head), zipped])))
  assert.deepEqual(result.body, zipped)
})

test('an endless body is cut at 16 KiB, the status counts and the socket is closed', async (t) => {
  let closed: Promise<unknown> = Promise.resolve()
  const receiver = await listenRaw(t, {
    onRequest: (socket) => {
      closed = new Promise((resolve) => socket.once('close', resolve))
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
      const chunk = `1000\r\n${'x'.repeat(0x1000)}\r\n`
      const flood = (): void => {
        while (!socket.destroyed && socket.write(chunk));
      }
      socket.on('drain', flood)
      flood()
    },
  })
  const result = response(await newPoster(t).post(requestTo(receiver.port)))
  assert.deepEqual([result.status, result.body.length, result.bodyTruncated], [200, 16_384, true])
  await closed
})

test('a body of exactly 16 KiB is whole, one byte more is truncated', async (t) => {
  for (const [length, truncated] of [
    [16_384, false],
    [16_385, true],
  ] as const) {
    const result = response(
      await postTo(t, `HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n${'x'.repeat(length)}`),
    )
    assert.deepEqual([result.body.length, result.bodyTruncated], [16_384, truncated])
  }
})

test('of many headers 64 are kept', async (t) => {
  const lines = Array.from({ length: 200 }, (_, index) => `x-${index}: ${index}\r\n`).join('')
  const result = response(await postTo(t, `HTTP/1.1 200 OK\r\n${lines}content-length: 0\r\n\r\n`))
  assert.equal(result.headers.length, 64)
  assert.deepEqual(result.headers[63], ['x-63', '63'])
})

test('16 KiB of headers are taken in one read or in many, and a body behind them', async (t) => {
  const head = `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(16_000)}\r\ncontent-length: 40000\r\n\r\n`
  const inOne = response(await postTo(t, head + 'z'.repeat(40_000)))
  assert.deepEqual([inOne.headers[0]?.[1].length, inOne.body.length, inOne.bodyTruncated], [16_000, 16_384, true])
  const receiver = await listenRaw(t, {
    onRequest: (socket) => {
      const pieces = (head + 'z'.repeat(40_000)).match(/[^]{1,3000}/g) ?? []
      const next = (): void => {
        const piece = pieces.shift()
        if (piece !== undefined && !socket.destroyed) socket.write(piece, () => setImmediate(next))
      }
      next()
    },
  })
  const inMany = response(await newPoster(t).post(requestTo(receiver.port)))
  assert.deepEqual([inMany.headers[0]?.[1].length, inMany.body.length], [16_000, 16_384])
})

test('a body in pieces of one byte is whole', async (t) => {
  const digits = Array.from({ length: 5_000 }, (_, n) => String(n % 10))
  const chunks = digits.map((digit) => `1\r\n${digit}\r\n`).join('')
  const result = response(await postTo(t, `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`))
  assert.deepEqual([result.body.toString(), result.bodyTruncated], [digits.join(''), false])
})

test('more than 16 KiB of headers are refused', async (t) => {
  const result = failure(await postTo(t, `HTTP/1.1 200 OK\r\nx-big: ${'x'.repeat(5_000_000)}\r\n\r\n`))
  assert.deepEqual([result.errorClass, result.sent], ['response_headers_too_large', true])
})

test('256 header lines are taken and one more is refused, in one read or in many, interim or final', async (t) => {
  const headOf = (lines: number, status = '200 OK'): string => `HTTP/1.1 ${status}\r\n${'x: y\r\n'.repeat(lines)}`
  const inPieces = async (text: string): Promise<PostResult> => {
    const receiver = await listenRaw(t, {
      onRequest: (socket) => {
        socket.setNoDelay(true)
        const pieces = text.match(/[^]{1,50}/g) ?? []
        const next = (): void => {
          const piece = pieces.shift()
          if (piece !== undefined && !socket.destroyed) socket.write(piece, () => setImmediate(next))
        }
        next()
      },
    })
    return await newPoster(t).post(requestTo(receiver.port))
  }
  for (const post of [async (text: string) => await postTo(t, text), inPieces]) {
    response(await post(`${headOf(255)}content-length: 0\r\n\r\n`))
    assert.equal(failure(await post(`${headOf(256)}content-length: 0\r\n\r\n`)).errorClass, tooLarge)
    const interim = `${headOf(257, '103 Early Hints')}\r\n`
    assert.equal(failure(await post(`${interim}${okAnswer}`)).errorClass, tooLarge)
  }
})

const tooLarge = 'response_headers_too_large'

test('header bytes beyond ASCII and in the body come through', async (t) => {
  const result = response(
    await postTo(
      t,
      Buffer.from('HTTP/1.1 200 caf\xe9\r\nx: caf\xe9\r\ncontent-length: 3\r\n\r\n\x00\xff\xfe', 'latin1'),
    ),
  )
  assert.deepEqual(result.headers[0], ['x', 'café'])
  assert.deepEqual([...result.body], [0, 255, 254])
})

/** Writes `piece` every few milliseconds until the socket closes. */
function drip(piece: string): NonNullable<Parameters<typeof listenRaw>[1]['onRequest']> {
  return (socket) => {
    const timer = setInterval(() => socket.write(piece), 5)
    socket.on('close', () => clearInterval(timer))
  }
}

async function assertEndsInTime(post: Promise<PostResult>, timeoutMs: number): Promise<PostResult> {
  const startedAt = performance.now()
  const result = await post
  const tookMs = performance.now() - startedAt
  assert.ok(tookMs >= timeoutMs - 5 && tookMs < timeoutMs + 1_000, `took ${tookMs} ms`)
  return result
}

test('headers that drip end at the deadline', async (t) => {
  const receiver = await listenRaw(t, {
    onRequest: (socket, request) => {
      socket.write('HTTP/1.1 200 OK\r\n')
      drip('x: y\r\n')(socket, request)
    },
  })
  const result = failure(await assertEndsInTime(newPoster(t).post(requestTo(receiver.port, { timeoutMs: 300 })), 300))
  assert.deepEqual([result.errorClass, result.sent], ['timeout', true])
})

test('a body that drips ends at the deadline with its status and what was read', async (t) => {
  const receiver = await listenRaw(t, {
    onRequest: (socket, request) => {
      socket.write('HTTP/1.1 201 Created\r\ncontent-length: 100000\r\n\r\n')
      drip('x')(socket, request)
    },
  })
  const result = response(await assertEndsInTime(newPoster(t).post(requestTo(receiver.port, { timeoutMs: 300 })), 300))
  assert.deepEqual([result.status, result.bodyTruncated], [201, true])
  assert.match(result.body.toString(), /^x+$/)
})

test('a receiver that is silent ends at the deadline, and its socket is closed', async (t) => {
  const receiver = await listenRaw(t, { onRequest: () => {} })
  const result = failure(await assertEndsInTime(newPoster(t).post(requestTo(receiver.port, { timeoutMs: 200 })), 200))
  assert.deepEqual([result.errorClass, result.sent], ['timeout', true])
  const socket = receiver.accepted[0]
  if (socket && !socket.closed) await once(socket, 'close', { signal: AbortSignal.timeout(3_000) })
})

test('a receiver that never reads a large body ends at the deadline', async (t) => {
  const receiver = await listenRaw(t, { onSocket: (socket) => socket.pause() })
  const request = requestTo(receiver.port, { timeoutMs: 1_000, body: Buffer.alloc(20_000_000) })
  const result = failure(await assertEndsInTime(newPoster(t).post(request), 1_000))
  assert.deepEqual([result.errorClass, result.sent], ['timeout', true])
})

test('interim responses are skipped, and a flood of them is an invalid answer', async (t) => {
  const hint = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'
  const good = response(await postTo(t, hint + hint + okAnswer))
  assert.deepEqual([good.status, good.headers.length, good.body.toString()], [200, 3, 'ok'])
  assert.equal(failure(await postTo(t, hint.repeat(100))).errorClass, 'invalid_response')
})

test('what is not valid HTTP is an invalid answer', async (t) => {
  const answers = [
    'SSH-2.0-OpenSSH_9.6\r\n',
    'HTTP/1.1 abc\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd',
    'HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n',
    'HTTP/1.1 200 OK\r\nbad header\r\n\r\n',
    'HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
    '\x16\x03\x01\x02\x00',
  ]
  for (const answer of answers) {
    const result = failure(await postTo(t, answer, { timeoutMs: 2_000 }))
    assert.deepEqual([result.errorClass, result.sent], ['invalid_response', true], answer)
  }
})

test('once status and headers are there, a body that breaks off keeps the status', async (t) => {
  const bodies = [
    ['content-length: 100', 'abc'],
    ['transfer-encoding: chunked', '3\r\nabc\r\nFFFFFFFFFFFFFFFFFFFF\r\n'],
    ['transfer-encoding: chunked', '3\r\nabc\r\nnonsense'],
  ]
  for (const [header, body] of bodies) {
    const result = response(await postTo(t, `HTTP/1.1 202 Accepted\r\n${header}\r\n\r\n${body}`, { end: true }))
    assert.deepEqual([result.status, result.body.toString(), result.bodyTruncated], [202, 'abc', true])
  }
})

test('an answer that lasts until the receiver closes is whole', async (t) => {
  const result = response(await postTo(t, 'HTTP/1.0 200 OK\r\n\r\nold', { end: true }))
  assert.deepEqual([result.body.toString(), result.bodyTruncated], ['old', false])
})

test('a connection that ends without an answer is a reset that may have been received', async (t) => {
  const endings: NonNullable<Parameters<typeof listenRaw>[1]['onRequest']>[] = [
    (socket) => socket.end(),
    (socket) => socket.resetAndDestroy(),
    (socket) => socket.end('HTTP/1.1 200 OK\r\nx: '),
  ]
  for (const onRequest of endings) {
    const receiver = await listenRaw(t, { onRequest })
    const result = failure(await newPoster(t).post(requestTo(receiver.port)))
    assert.deepEqual([result.errorClass, result.sent], ['reset', true])
    assert.equal(receiver.requests.length, 1)
  }
})

test('a request is not sent again after a reset on a reused socket', async (t) => {
  let seen = 0
  const receiver = await listenRaw(t, {
    onRequest: (socket) => (++seen === 1 ? socket.write(okAnswer) : socket.resetAndDestroy()),
  })
  const poster = newPoster(t)
  response(await poster.post(requestTo(receiver.port)))
  const result = failure(await poster.post(requestTo(receiver.port)))
  assert.deepEqual([result.errorClass, result.sent, seen], ['reset', true, 2])
})

test('the calls after a broken one find a sound connection', async (t) => {
  let seen = 0
  const receiver = await listenRaw(t, {
    onRequest: (socket) => (++seen % 3 === 0 ? socket.resetAndDestroy() : socket.write(okAnswer)),
  })
  const poster = newPoster(t, { maxSocketsPerOrigin: 2 })
  const results = await Promise.all(Array.from({ length: 30 }, () => poster.post(requestTo(receiver.port))))
  assert.equal(results.filter((result) => result.kind === 'response').length, 20)
  assert.equal(receiver.requests.length, 30)
})

test('a port where nobody listens refuses', async (t) => {
  // Port 1 is privileged and unused; nothing of a test machine listens there.
  const result = failure(await newPoster(t).post(requestTo(1)))
  assert.deepEqual([result.errorClass, result.sent], ['connect_refused', false])
  assert.doesNotMatch(result.message, /127/)
})

test('a signal cancels a call under way and one that has not begun', async (t) => {
  const controller = new AbortController()
  const receiver = await listenRaw(t, { onRequest: () => controller.abort() })
  const poster = newPoster(t)
  const result = failure(await poster.post(requestTo(receiver.port, { signal: controller.signal })))
  assert.deepEqual([result.errorClass, result.sent], ['cancelled', true])
  const late = failure(await poster.post(requestTo(receiver.port, { signal: controller.signal })))
  assert.deepEqual([late.errorClass, late.sent], ['cancelled', false])
})

test('closing cancels running and waiting calls, closes every socket and refuses new calls', async (t) => {
  const receiver = await listenRaw(t, { onRequest: () => {} })
  const poster = newPoster(t, { maxSocketsPerOrigin: 1 })
  const running = poster.post(requestTo(receiver.port))
  const waiting = poster.post(requestTo(receiver.port))
  while (receiver.requests.length === 0) await new Promise(setImmediate)
  await poster.close()
  assert.deepEqual([failure(await running).errorClass, failure(await running).sent], ['cancelled', true])
  assert.deepEqual([failure(await waiting).errorClass, failure(await waiting).sent], ['cancelled', false])
  assert.equal(failure(await poster.post(requestTo(receiver.port))).errorClass, 'cancelled')
  const socket = receiver.accepted[0]
  if (socket && !socket.closed) await once(socket, 'close', { signal: AbortSignal.timeout(3_000) })
  assert.equal(receiver.accepted.length, 1)
})

test('headers that steer the connection and headers that cannot be written are refused before anything is sent', async (t) => {
  const receiver = await listenRaw(t, { onRequest: (socket) => socket.write(okAnswer) })
  const poster = newPoster(t)
  const bad: Record<string, string>[] = [
    { Host: 'evil.example' },
    { 'Content-Length': '1' },
    { connection: 'upgrade' },
    { 'accept-encoding': 'gzip' },
    { te: 'trailers' },
    { 'x-a': 'a\r\nx-b: b' },
    { 'x a': 'b' },
    { 'x-a': 'a\0' },
    { 'x-a': '\u{1f600}' },
  ]
  for (const headers of bad) {
    const result = failure(await poster.post(requestTo(receiver.port, { headers })))
    assert.deepEqual([result.errorClass, result.sent], ['invalid_request', false], JSON.stringify(headers))
  }
  assert.equal(receiver.requests.length, 0)
  response(await poster.post(requestTo(receiver.port)))
})

test('onSent is told once, when the request has left and before the answer is there, and never of one that cannot leave', async (t) => {
  const sent: string[] = []
  const { promise: isSent, resolve } = Promise.withResolvers<void>()
  const receiver = await listenRaw(t, { onRequest: (socket) => void isSent.then(() => socket.write(okAnswer)) })
  const onSent = (): void => {
    sent.push('sent')
    resolve()
  }
  const poster = newPoster(t)
  response(await poster.post(requestTo(receiver.port, { onSent })))
  assert.deepEqual(sent, ['sent'])
  failure(await poster.post(requestTo(receiver.port, { onSent, url: new URL('http://192.0.2.1/') })))
  assert.deepEqual(sent, ['sent'])
})
