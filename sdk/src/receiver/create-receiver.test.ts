import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import type { ReceiverOptions } from './create-receiver.ts'
import { createReceiver } from './create-receiver.ts'
import { memoryStore } from './receiver-store.ts'

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const nowMs = Date.parse('2026-11-23T10:00:00Z')

interface Sent {
  readonly id?: string
  readonly replayId?: string
  readonly type?: string
  readonly atMs?: number
  readonly key?: string
  readonly body?: string
  readonly method?: string
}

/** A call as Daybook makes it, but for what is changed. */
function request({
  id = 'e1',
  replayId,
  type = 'order.placed',
  atMs = nowMs,
  key = secret,
  ...rest
}: Sent = {}): Request {
  const event = `"id":"${id}","type":"${type}","timestamp":"2026-11-23T09:59:59.000Z","position":7`
  const related = '"entity":{"type":"order","id":"7"},"related":[{"type":"customer","id":"c"}]'
  const { method = 'POST', body = `{${event},${related},"data":{"total":12.50}}` } = rest
  const seconds = String(atMs / 1_000)
  const mac = createHmac('sha256', Buffer.from(key.slice('whsec_'.length), 'base64'))
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': seconds,
    'webhook-signature': `v1,${mac.update(`${id}.${seconds}.${body}`).digest('base64')}`,
    ...(replayId !== undefined && { 'webhook-replay-id': replayId }),
  }
  return new Request('https://shop.test/webhook', { method, headers, ...(method === 'POST' && { body }) })
}

/** A receiver that keeps what it is told, and how it answered. */
function receiver(options: Partial<ReceiverOptions> = {}) {
  const handled: string[] = []
  const errors: unknown[] = []
  const made = createReceiver({
    secrets: secret,
    on: { '*': (event) => void handled.push(event.id) },
    now: () => new Date(nowMs),
    onError: (error) => void errors.push(error),
    ...options,
  })
  const send = async (sent?: Sent): Promise<readonly unknown[]> => {
    const response = await made.fetch(request(sent))
    return [response.status, Object(await response.json()).outcome]
  }
  return { made, send, handled, errors }
}

test('a handler gets the event with its payload as it was published, and the call', async () => {
  const seen: unknown[] = []
  const { send } = receiver({ on: { 'order.placed': (event, call) => void seen.push(event, call.replayId) } })
  assert.deepEqual(await send({ replayId: 'r1' }), [200, 'handled'])
  const event = {
    id: 'e1',
    type: 'order.placed',
    timestamp: '2026-11-23T09:59:59.000Z',
    position: 7,
    entity: { type: 'order', id: '7' },
    related: [{ type: 'customer', id: 'c' }],
    data: { total: 12.5 },
    dataText: '{"total":12.50}',
  }
  assert.deepEqual(seen, [event, 'r1'])
})

test('a CloudEvent is the same event', async () => {
  const seen: unknown[] = []
  const { send } = receiver({ on: { '*': (event) => void seen.push(event) } })
  const head = '"specversion":"1.0","id":"e1","type":"a.b","subject":"order/7/8","time":"t","sequence":"00042"'
  assert.deepEqual(await send({ body: `{${head},"data":1.0}` }), [200, 'handled'])
  const entity = { type: 'order', id: '7/8' }
  const [event] = seen
  assert.deepEqual(event, {
    ...Object(event),
    type: 'a.b',
    timestamp: 't',
    position: 42,
    entity,
    data: 1,
    dataText: '1.0',
  })
})

test('the most specific handler is called, and no other; an event without one is acknowledged', async () => {
  const called: string[] = []
  const note = (name: string) => () => void called.push(name)
  const patterns = ['order.placed', 'order.*', 'order.item.*', '*']
  const { send } = receiver({ on: Object.fromEntries(patterns.map((pattern) => [pattern, note(pattern)])) })
  const names = ['order.placed', 'order.item.added.twice', 'order.paid', 'order', 'call.created']
  for (const [at, type] of names.entries()) assert.deepEqual(await send({ id: `e${at}`, type }), [200, 'handled'])
  assert.deepEqual(called, ['order.placed', 'order.item.*', 'order.*', '*', '*'])
  assert.deepEqual(await send({ id: 'x', type: 'daybook.key.revoked' }), [200, 'ignored'])
  assert.deepEqual(await receiver({ on: {} }).send({ type: 'constructor' }), [200, 'ignored'])
})

test('a copy is answered without the handler, a replay is handled once more', async () => {
  const { send, handled } = receiver()
  assert.deepEqual(await send(), [200, 'handled'])
  assert.deepEqual(await send({ atMs: nowMs + 60_000 }), [200, 'duplicate'])
  assert.deepEqual(await send({ replayId: 'r1' }), [200, 'handled'])
  assert.deepEqual(await send({ replayId: 'r1' }), [200, 'duplicate'])
  assert.deepEqual(await send({ replayId: 'r2' }), [200, 'handled'])
  assert.deepEqual(handled, ['e1', 'e1', 'e1'])
})

test('when a handler fails the answer is 500, and the next copy is handled', async () => {
  const failure = new Error('the disk is full')
  let runs = 0
  const { send, errors } = receiver({
    on: {
      '*': async () => {
        if (++runs === 1) throw failure
      },
    },
  })
  assert.deepEqual(await send(), [500, 'failed'])
  assert.deepEqual(errors, [failure])
  assert.deepEqual(await send(), [200, 'handled'])
  assert.deepEqual(await send(), [200, 'duplicate'])
})

test('2xx comes after the handler has ended; a copy that comes meanwhile is asked to come again', async () => {
  const { promise: end, resolve: finish } = Promise.withResolvers<void>()
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const { send } = receiver({
    on: {
      '*': async () => {
        begin()
        await end
      },
    },
  })
  const first = send()
  await begun
  assert.deepEqual(await send(), [503, 'in_progress'])
  finish()
  assert.deepEqual(await first, [200, 'handled'])
})

test('a store that fails before the work ends in 500, one that fails after it does not have it done twice', async () => {
  const failure = new Error('no connection')
  const fail = async (): Promise<never> => await Promise.reject(failure)
  const before = receiver({ store: { ...memoryStore(), claim: fail } })
  assert.deepEqual(await before.send(), [500, 'failed'])
  assert.deepEqual([before.handled, before.errors], [[], [failure]])
  const after = receiver({ store: { ...memoryStore(), complete: fail } })
  assert.deepEqual(await after.send(), [200, 'handled'])
  assert.deepEqual([after.handled, after.errors], [['e1'], [failure]])
})

test('a call that is not Daybook’s, too old or not in form never reaches a handler', async () => {
  const refused: string[] = []
  const { send, made, handled, errors } = receiver({ onRefused: ({ code }) => void refused.push(code) })
  const other = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
  assert.deepEqual(await send({ key: other }), [401, 'no_matching_signature'])
  assert.deepEqual(await send({ atMs: nowMs - 301_000 }), [401, 'timestamp_too_old'])
  assert.deepEqual(await send({ body: '{"id":1}' }), [400, 'invalid_body'])
  assert.deepEqual(await send({ body: 'null' }), [400, 'invalid_body'])
  const bare = await made.fetch(new Request('https://shop.test/', { method: 'POST', body: '{}' }))
  assert.equal(bare.status, 400)
  const codes = ['no_matching_signature', 'timestamp_too_old', 'invalid_body', 'invalid_body', 'missing_header']
  assert.deepEqual(refused, codes)
  assert.deepEqual(await send({ method: 'GET' }), [405, 'method_not_allowed'])
  assert.deepEqual([handled, errors], [[], []])
})

test('a body over the limit is refused without being read to its end', async () => {
  const { made } = receiver({ bodyMaxBytes: 1_000 })
  let pulled = 0
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      pulled++
      controller.enqueue(new Uint8Array(300))
    },
  })
  const init = { method: 'POST', body, duplex: 'half' } as const
  assert.equal((await made.fetch(new Request('https://shop.test/', init))).status, 413)
  assert.ok(pulled < 10)
  const headers = { 'content-length': '1001' }
  assert.equal((await made.fetch(new Request('https://shop.test/', { method: 'POST', headers }))).status, 413)
})

test('a body that was read before is a mistake that says what to do', async () => {
  const { made, errors } = receiver()
  const consumed = request()
  await consumed.text()
  assert.equal((await made.fetch(consumed)).status, 500)
  assert.match(String(errors[0]), /before express.json\(\)/)
})

test('secrets are asked for at each call; one that cannot be read is told, and Daybook comes again', async () => {
  let secrets = 'nonsense'
  const { send, errors } = receiver({ secrets: async () => secrets })
  assert.deepEqual(await send(), [500, 'failed'])
  assert.match(String(errors[0]), /invalid_secret|a secret is/)
  secrets = secret
  assert.deepEqual(await send(), [200, 'handled'])
})
