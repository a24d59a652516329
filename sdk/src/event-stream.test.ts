import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { DaybookClient } from './client.ts'
import { DaybookError } from './daybook-error.ts'
import { readEventStream } from './event-stream.ts'
import { Transport } from './transport.ts'

type Answer = (response: ServerResponse, request: IncomingMessage) => void

/** A server that gives these answers in turn, and what it was asked. */
async function streaming(t: TestContext, answers: readonly Answer[]) {
  const asked: (readonly [string, string | undefined])[] = []
  const server = createServer((request, response) => {
    asked.push([request.url ?? '', request.headers['last-event-id']?.toString()])
    const answer = answers[asked.length - 1]
    if (answer) answer(response, request)
    else response.writeHead(401, { 'content-type': 'application/problem+json' }).end('{"code":"unauthenticated"}')
  })
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const pausesMs: number[] = []
  const options = {
    baseUrl: `http://127.0.0.1:${address.port}`,
    apiKey: 'key',
    sleep: async (delayMs: number) => void pausesMs.push(delayMs),
  }
  return { client: new DaybookClient(options), options, asked, pausesMs }
}

const type = { 'content-type': 'text/event-stream' }
const message = (position: number) => `id: ${position}\nevent: a.b\ndata: {"position":${position}}\n\n`
const says =
  (...positions: readonly number[]): Answer =>
  (response) =>
    void response.writeHead(200, type).end(positions.map(message).join(''))

const refusedAs = (code: string) => (error: unknown) => error instanceof DaybookError && error.code === code

test('events come in order over broken connections, each after the last id that was told', async (t) => {
  const { client, asked, pausesMs } = await streaming(t, [
    (response) => void response.writeHead(200, type).end(`retry: 2000\n\n:\nid: 5\n\n${message(7)}`),
    (_, request) => void request.socket.destroy(),
    (response) => void response.writeHead(503).end('{"code":"shutting_down"}'),
    (response) => {
      // Cut in the middle of a message, which comes again.
      response.writeHead(200, type).write(`${message(8)}id: 9\ndata: {"pos`, () => response.socket?.destroy())
    },
    (response) => void response.writeHead(200, type).end(`${message(9)}id: 12\n\n`),
  ])
  const positions: unknown[] = []
  const reading = async (): Promise<void> => {
    for await (const { position } of client.events.stream({ event_names: ['a.*'] })) positions.push(position)
  }
  await assert.rejects(reading(), refusedAs('unauthenticated'))
  assert.deepEqual(positions, [7, 8, 9])
  assert.deepEqual(
    asked.map(([, id]) => id),
    [undefined, '7', '7', '7', '8', '12'],
  )
  assert.ok(asked.every(([url]) => url === '/api/v1/events/stream?event_names=a.*'))
  // The server's own wish after a connection that worked, and longer pauses while none does.
  const [first = 0, second = 0, third = 0] = pausesMs
  assert.equal(first, 2_000)
  assert.ok(second >= 250 && second <= 500)
  assert.ok(third >= 500 && third <= 1_000)
})

test('the stream begins after a known position, and ends with the log when it is not to follow it', async (t) => {
  const { client, asked } = await streaming(t, [
    (response) => {
      const end = 'event: daybook.stream.closed\ndata: {"reason":"caught_up"}\n\n'
      response.writeHead(200, type).end(message(41) + end)
    },
  ])
  const positions: unknown[] = []
  for await (const event of client.events.stream({ after: 40, follow: false })) positions.push(event.position)
  assert.deepEqual(positions, [41])
  assert.deepEqual(asked, [['/api/v1/events/stream?follow=false', '40']])
})

test('a stream that the server ends for another reason is asked for again', async (t) => {
  const closed = 'event: daybook.stream.closed\ndata: {"reason":"shutting_down"}\n\n'
  const { client, asked } = await streaming(t, [
    (response) => void response.writeHead(200, type).end(message(1) + closed),
    says(2),
  ])
  const positions: unknown[] = []
  await assert.rejects(async () => {
    for await (const { position } of client.events.stream()) positions.push(position)
  }, refusedAs('unauthenticated'))
  assert.deepEqual(positions, [1, 2])
  assert.equal(asked.length, 3)
})

test('leaving the loop closes the connection', async (t) => {
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  const { client } = await streaming(t, [
    (response) => {
      response.on('close', resolve)
      response.writeHead(200, type).write(message(1))
    },
  ])
  for await (const event of client.events.stream()) {
    assert.equal(event.position, 1)
    break
  }
  await closed
})

test('an aborted signal ends the stream with its reason, while it waits for an event', async (t) => {
  const { client } = await streaming(t, [(response) => void response.writeHead(200, type).write(message(1))])
  const controller = new AbortController()
  const reason = new Error('the page was left')
  await assert.rejects(async () => {
    for await (const _ of client.events.stream({}, { signal: controller.signal })) controller.abort(reason)
  }, reason)
})

test('a connection on which nothing comes is given up and made again', async (t) => {
  const { options, asked } = await streaming(t, [
    (response) => void response.writeHead(200, type).write(message(1)),
    says(2),
  ])
  const positions: unknown[] = []
  const events = readEventStream(new Transport(options), {}, { sleep: options.sleep, silenceMaxMs: 50 })
  await assert.rejects(async () => {
    for await (const { position } of events) positions.push(position)
  }, refusedAs('unauthenticated'))
  assert.deepEqual(positions, [1, 2])
  assert.equal(asked[1]?.[1], '1')
})
