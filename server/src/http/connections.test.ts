import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import test from 'node:test'
import type { TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { bearer, buildTestApp, firstOutcome } from './test-app.ts'

const { authorization } = bearer('*')
const body = '{"event_name":"appointment.created","payload":{}}'
const publish = `POST /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
const health = 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n'

interface Client {
  readonly socket: Socket
  /** All that came so far. */
  readonly received: () => string
  readonly closed: Promise<unknown>
}

async function open(t: TestContext, app: FastifyInstance): Promise<Client> {
  const socket = connect(portOf(app), '127.0.0.1')
  t.after(() => socket.destroy())
  let received = ''
  socket.setEncoding('latin1').on('data', (text) => (received += String(text)))
  const closed = once(socket, 'close')
  await once(socket, 'connect')
  return { socket, received: () => received, closed }
}

function portOf(app: FastifyInstance): number {
  const address = app.server.address()
  assert.ok(typeof address === 'object' && address)
  return address.port
}

async function until(condition: () => boolean): Promise<void> {
  const limit = performance.now() + 5_000
  while (!condition()) {
    assert.ok(performance.now() < limit, 'waited in vain')
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('closing ends idle connections at once, answers what was begun, and takes no new connection', async (t) => {
  const gate = Promise.withResolvers<void>()
  let begun = 0
  const { app } = await buildTestApp(t, {
    publisher: {
      publish: async (events) => {
        begun++
        await gate.promise
        return events.map(firstOutcome)
      },
    },
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const port = portOf(app)
  const idle = await open(t, app)
  idle.socket.write(health)
  await until(() => idle.received().includes('"status":"ok"'))
  const busy = await open(t, app)
  busy.socket.write(publish)
  await until(() => begun === 1)

  let isClosed = false
  const closing = app.close().then(() => (isClosed = true))
  await idle.closed
  assert.equal(isClosed, false)
  const refused = connect(port, '127.0.0.1')
  t.after(() => refused.destroy())
  await assert.rejects(once(refused, 'connect'), { code: 'ECONNREFUSED' })

  gate.resolve()
  await busy.closed
  assert.match(busy.received(), /^HTTP\/1\.1 201 /)
  assert.match(busy.received(), /\r\nconnection: close\r\n/i)
  await closing
})

test('a request that comes while stopping is a 503 that closes its connection', async (t) => {
  const { app } = await buildTestApp(t)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const sockets: Socket[] = []
  app.server.on('connection', (socket) => sockets.push(socket))
  const client = await open(t, app)
  const begun = health.slice(0, -2)
  client.socket.write(begun) // the empty line is missing, so the connection is in use when the server stops
  await until(() => sockets[0]?.bytesRead === begun.length)
  const closing = app.close()
  await until(() => !app.server.listening)
  client.socket.write('\r\n')
  await client.closed
  assert.match(client.received(), /^HTTP\/1\.1 503 /)
  assert.match(client.received(), /"code":"shutting_down"/)
  assert.match(client.received(), /\r\nconnection: close\r\n/i)
  assert.match(client.received(), /\r\nretry-after: 1\r\n/i)
  await closing
})

test('what is not HTTP is a plain 400, and the connection ends', async (t) => {
  const { app } = await buildTestApp(t)
  await app.listen({ port: 0, host: '127.0.0.1' })
  for (const [text, status] of [
    ['nonsense\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n', 400],
    [`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    [`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab`, 400],
    [`GET / HTTP/1.1\r\nhost: x\r\nlong: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
  ] as const) {
    const client = await open(t, app)
    client.socket.write(text)
    await client.closed
    assert.match(client.received(), new RegExp(`^HTTP/1\\.1 ${status} `), text.slice(0, 60))
    assert.equal(client.received().split('HTTP/1.1').length, 2, 'one answer')
  }
})

test('a connection goes on after a body that was refused', async (t) => {
  const { app } = await buildTestApp(t)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const client = await open(t, app)
  client.socket.write(publish.replace('{}}', '{},').replace('payload', 'payloaf') + health)
  await until(() => client.received().includes('"status":"ok"'))
  assert.match(client.received(), /^HTTP\/1\.1 400 /)
})

test('a server that is not ready says which check does not hold, and is alive all the same', async (t) => {
  const ready = await buildTestApp(t)
  const answer = await ready.app.inject({ url: '/readyz' })
  assert.equal(answer.statusCode, 200)
  const checks = { database: 'ok', migrations: 'ok', engine: 'ok', running: 'ok' }
  assert.deepEqual(answer.json(), { status: 'ready', checks })

  const report = { database: 'ECONNREFUSED', migrations: undefined, engine: undefined, running: undefined }
  const away = await buildTestApp(t, { readiness: () => report })
  const refusal = await away.app.inject({ url: '/readyz' })
  assert.equal(refusal.statusCode, 503)
  assert.deepEqual(refusal.json().errors, [
    { pointer: '/checks/database', code: 'database_not_ok', message: 'ECONNREFUSED' },
  ])
  assert.match(refusal.json().detail, /database not ok, migrations ok, engine ok, running ok/)
  assert.equal((await away.app.inject({ url: '/healthz' })).statusCode, 200)
})

test('metrics are for whoever reaches the port, until the operator gives them a key', async (t) => {
  const metricsText = async () => 'daybook_ready{check="database"} 1\n'
  const open = await buildTestApp(t, { metricsText })
  const answer = await open.app.inject({ url: '/metrics' })
  assert.equal(answer.statusCode, 200)
  assert.equal(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  assert.equal(answer.body, await metricsText())

  const metricsKey = 'canary-of-the-metrics-key-0123456789'
  const { app } = await buildTestApp(t, { metricsText, metricsKey })
  const statusWith = async (headers: Record<string, string>): Promise<number> =>
    (await app.inject({ url: '/metrics', headers })).statusCode
  assert.equal(await statusWith({}), 401)
  assert.equal(await statusWith({ authorization: 'Bearer other' }), 401)
  assert.equal(await statusWith({ authorization: `Bearer ${metricsKey}` }), 200)
})
