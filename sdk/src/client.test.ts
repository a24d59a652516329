import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { test } from 'node:test'
import { DaybookClient } from './client.ts'
import { DaybookConnectionError, DaybookError } from './daybook-error.ts'
import type { DaybookClientOptions } from './transport.ts'

const baseUrl = 'https://daybook.test'
const event = { event_name: 'appointment.created', payload: { n: 1 } }
const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

type Step = Response | Error

/** A client whose server gives these answers in turn, and a record of what it did. */
function scripted(steps: Step[], options: Partial<DaybookClientOptions> = {}) {
  const requests: Request[] = []
  const pausesMs: number[] = []
  const client = new DaybookClient({
    baseUrl,
    apiKey: 'key',
    fetch: async (input, init) => {
      requests.push(new Request(input, init))
      const step = steps.shift()
      if (step instanceof Response) return step
      throw step ?? new Error('no answer is left')
    },
    sleep: async (delayMs) => {
      pausesMs.push(delayMs)
    },
    ...options,
  })
  return { client, requests, pausesMs }
}

const accepted = () => Response.json({ id: 'x', event_name: 'a', recorded_at: 'b', replayed: false }, { status: 201 })
const problem = (status: number, code: string, headers: Record<string, string> = {}) =>
  new Response(
    JSON.stringify({
      title: 'Title',
      status,
      code,
      detail: 'Detail',
      errors: [{ pointer: '/a', code: 'c', message: 'm' }],
    }),
    {
      status,
      headers: { 'content-type': 'application/problem+json', ...headers },
    },
  )

test('a request goes below /api/v1 with the key, the query and the body as JSON', async () => {
  const { client, requests } = scripted([Response.json({ data: [1] })], { baseUrl: 'https://example.test/daybook/' })
  const query = { entity_id: 123, names: ['a', 'b'], include_related: true, nothing: undefined, text: 'a&b=ü' }
  const answer = await client.request<{ data: number[] }>('PUT', '/events', {
    query,
    body: { b: 1 },
    headers: { 'X-A': '1' },
  })
  assert.deepEqual(answer, { data: [1] })
  const [request] = requests
  assert.ok(request)
  assert.equal(
    request.url,
    'https://example.test/daybook/api/v1/events?entity_id=123&names=a&names=b&include_related=true&text=a%26b%3D%C3%BC',
  )
  assert.equal(request.method, 'PUT')
  assert.equal(await request.text(), '{"b":1}')
  assert.equal(request.headers.get('authorization'), 'Bearer key')
  assert.equal(request.headers.get('content-type'), 'application/json')
  assert.equal(request.headers.get('x-a'), '1')
})

test('an answer without a body is null', async () => {
  const { client } = scripted([new Response(null, { status: 204 })])
  assert.equal(await client.request('DELETE', '/events/subscriptions/1'), null)
})

test('an address that is not http is refused', () => {
  for (const url of ['', 'daybook.test', 'file:///etc']) {
    assert.throws(() => new DaybookClient({ baseUrl: url, apiKey: 'key' }), TypeError)
  }
})

test('a problem document becomes a DaybookError with its code, detail, faults and request id', async () => {
  const { client, requests } = scripted([problem(422, 'invalid_event', { 'request-id': 'r1' })])
  await assert.rejects(client.request('GET', '/events'), (error) => {
    assert.ok(error instanceof DaybookError)
    const { message, status, code, detail, errors, requestId } = error
    assert.deepEqual(
      { message, status, code, detail, errors, requestId },
      {
        message: 'invalid_event: Detail',
        status: 422,
        code: 'invalid_event',
        detail: 'Detail',
        errors: [{ pointer: '/a', code: 'c', message: 'm' }],
        requestId: 'r1',
      },
    )
    return true
  })
  assert.equal(requests.length, 1)
})

test('an answer that is not Daybook’s is an unexpected_answer, whatever it holds', async () => {
  const bodies = ['<html>', '', 'null', '[]', '{"code":5,"errors":{}}', '{"errors":[null,1]}']
  for (const body of bodies) {
    const { client } = scripted([new Response(body, { status: 500 })])
    await assert.rejects(client.request('GET', '/'), { code: 'unexpected_answer', status: 500 })
  }
  const { client } = scripted([new Response('<html>welcome to the hotel</html>')])
  await assert.rejects(client.events.publish(event), { code: 'unexpected_answer', status: 200 })
})

test('redirects are not followed, so the key stays with its server', async () => {
  const { client, requests } = scripted([
    new Response(null, { status: 307, headers: { location: 'https://other.test/' } }),
  ])
  await assert.rejects(client.events.publish(event), { status: 307 })
  assert.equal(requests[0]?.redirect, 'manual')
})

test('a publish is repeated with the same bytes and the same id until it is accepted', async () => {
  const { client, requests, pausesMs } = scripted([
    new TypeError('fetch failed'),
    problem(503, 'unavailable'),
    problem(429, 'slow'),
    accepted(),
  ])
  await client.events.publish(event)
  const bodies = await Promise.all(requests.map((request) => request.text()))
  assert.equal(new Set(bodies).size, 1)
  assert.match(Object(JSON.parse(bodies[0] ?? '')).id, uuidV7)
  assert.equal(requests[0]?.url, `${baseUrl}/api/v1/events`)
  assert.equal(pausesMs.length, 3)
  assert.ok(pausesMs.every((pauseMs, index) => pauseMs >= 125 * 2 ** index && pauseMs <= 250 * 2 ** index))
})

test('a batch gets an id for each event that has none, and the given events stay as they are', async () => {
  const { client, requests } = scripted([Response.json({ data: [] })])
  const own = { ...event, id: '018f4e5a-9c00-7abc-9def-0123456789ab', occurred_at: new Date(0) }
  const events = [event, own, event]
  await client.events.publishBatch(events)
  assert.equal(requests[0]?.url, `${baseUrl}/api/v1/events/batch`)
  const sent: { events: { id: string; occurred_at?: string }[] } = JSON.parse((await requests[0]?.text()) ?? '')
  const ids = sent.events.map(({ id }) => id)
  assert.equal(new Set(ids).size, 3)
  assert.equal(ids[1], own.id)
  assert.ok(ids.every((id) => uuidV7.test(id)))
  assert.equal(sent.events[1]?.occurred_at, '1970-01-01T00:00:00.000Z')
  assert.deepEqual(events, [{ event_name: 'appointment.created', payload: { n: 1 } }, own, event])
})

test('a publish that is refused is not repeated', async () => {
  for (const status of [400, 401, 403, 404, 409, 413, 422, 500]) {
    const { client, requests } = scripted([problem(status, 'refused')])
    await assert.rejects(client.events.publish(event), { status })
    assert.equal(requests.length, 1)
  }
})

test('the last failure is told when all retries failed', async () => {
  const down = () => problem(503, 'unavailable')
  const three = scripted([down(), down(), down(), problem(503, 'shutting_down')])
  await assert.rejects(three.client.events.publish(event), { code: 'shutting_down' })
  assert.equal(three.requests.length, 4)
  const none = scripted([new TypeError('fetch failed')], { maxRetries: 0 })
  await assert.rejects(none.client.events.publish(event), (error) => {
    assert.ok(error instanceof DaybookConnectionError)
    assert.deepEqual([error.code, error.status], ['network_error', 0])
    return true
  })
  assert.equal(none.requests.length, 1)
})

test('Retry-After is honoured up to a minute; a longer one ends the publish', async () => {
  const patient = scripted([problem(429, 'slow', { 'retry-after': '20' }), accepted()])
  await patient.client.events.publish(event)
  assert.deepEqual(patient.pausesMs, [20_000])
  const tooLong = scripted([problem(429, 'slow', { 'retry-after': '3600' })])
  await assert.rejects(tooLong.client.events.publish(event), { code: 'slow', retryAfterMs: 3_600_000 })
  assert.deepEqual(tooLong.pausesMs, [])
})

test('what may not be done twice is sent once, what only reads is sent again', async () => {
  const once = scripted([problem(503, 'unavailable'), accepted()])
  await assert.rejects(once.client.deliveries.retry('d'), { code: 'unavailable' })
  assert.equal(once.requests.length, 1)
  const again = scripted([new TypeError('fetch failed'), accepted()])
  await again.client.deliveries.get('d')
  assert.equal(again.requests.length, 2)
  const tooMany = scripted([problem(429, 'rate_limited', { 'retry-after': '1' }), accepted()])
  await tooMany.client.deliveries.retry('d')
  assert.deepEqual(tooMany.pausesMs, [1_000])
})

test('when the deadline comes before the next try, the last failure is told', async () => {
  const short = scripted([problem(503, 'unavailable', { 'retry-after': '5' }), accepted()], { deadlineMs: 4_000 })
  await assert.rejects(short.client.events.publish(event), { code: 'unavailable' })
  assert.deepEqual(short.pausesMs, [])
  const own = scripted([problem(503, 'unavailable', { 'retry-after': '5' }), accepted()], { deadlineMs: 4_000 })
  await own.client.events.publish(event, { deadlineMs: 60_000 })
  assert.deepEqual(own.pausesMs, [5_000])
})

test('arguments become path, query, body and headers', async () => {
  const { client, requests } = scripted([accepted(), accepted(), new Response(null, { status: 204 })])
  await client.subscriptions.update('a/b', { active: false }, { ifMatch: '"12"', headers: { 'x-a': '1' } })
  await client.events.stats({ from: new Date(0), event_names: ['a', 'b'], bucket: undefined })
  assert.equal(await client.definitions.delete('order.placed'), undefined)
  const [update, stats, removal] = requests
  assert.ok(update && stats && removal)
  assert.deepEqual([update.method, update.url], ['PATCH', `${baseUrl}/api/v1/events/subscriptions/a%2Fb`])
  assert.deepEqual([update.headers.get('if-match'), update.headers.get('x-a')], ['"12"', '1'])
  assert.equal(await update.text(), '{"active":false}')
  const query = 'from=1970-01-01T00%3A00%3A00.000Z&event_names=a&event_names=b'
  assert.equal(stats.url, `${baseUrl}/api/v1/events/stats?${query}`)
  assert.deepEqual([removal.method, removal.url], ['DELETE', `${baseUrl}/api/v1/events/schemas/order.placed`])
})

test('a change can be bound to what was read; a copy of it is no proof', async () => {
  const read = Response.json({ id: 's' }, { headers: { etag: '"7"' } })
  const { client, requests } = scripted([read, accepted()])
  const subscription = await client.subscriptions.get('s')
  await client.subscriptions.update('s', { active: true }, { ifMatch: subscription })
  assert.equal(requests[1]?.headers.get('if-match'), '"7"')
  await assert.rejects(client.subscriptions.delete('s', { ifMatch: { ...subscription } }), TypeError)
})

test('an id that would lead to another route is refused before anything is sent', async () => {
  const { client, requests } = scripted([])
  for (const id of ['', '.', '..']) await assert.rejects(client.events.get(id), TypeError)
  await assert.rejects(Reflect.apply(client.events.get, undefined, []), TypeError)
  assert.equal(requests.length, 0)
})

test('a list is read page by page, as far as it is wanted, and again from its beginning', async () => {
  const page = (data: readonly number[], next_cursor: string | null) => Response.json({ data, next_cursor })
  const answers = [page([1, 2], 'x'), page([], 'y'), page([3], null), page([1, 2], 'x'), page([1, 2], 'x')]
  const { client, requests } = scripted(answers)
  const list = client.jobs.list({ limit: 2 })
  assert.equal(requests.length, 0)
  const items: unknown[] = []
  for await (const item of list) items.push(item)
  assert.deepEqual(items, [1, 2, 3])
  for await (const item of list) {
    assert.equal(item, 1)
    break
  }
  assert.deepEqual(await list.page(), { data: [1, 2], next_cursor: 'x' })
  const queries = requests.map(({ url }) => new URL(url).search)
  assert.deepEqual(queries, ['?limit=2', '?limit=2&cursor=x', '?limit=2&cursor=y', '?limit=2', '?limit=2'])
})

test('an export is handed on as it comes, and text as text', async () => {
  const { client, requests } = scripted([new Response('{"id":1}\n'), new Response('metric 1')])
  const bytes = await client.events.export({ format: 'ndjson', filter: { price: { $gt: 1 } } })
  assert.equal(await new Response(bytes).text(), '{"id":1}\n')
  assert.equal(await client.server.metrics(), 'metric 1')
  assert.equal(new URL(requests[0]?.url ?? '').searchParams.get('filter'), '{"price":{"$gt":1}}')
  assert.equal(requests[1]?.url, `${baseUrl}/metrics`)
})

test('another reader of JSON can keep what JavaScript rounds', async () => {
  const answer = () => new Response('{"n":12345678901234567890}')
  const { client } = scripted([answer()], { parseJson: (text) => text })
  assert.equal(await client.request('GET', '/events'), '{"n":12345678901234567890}')
})

test('an aborted signal ends the try, the pause and all retries, with its reason', async () => {
  const reason = new Error('the caller has gone')
  const before = scripted([accepted()])
  await assert.rejects(before.client.events.publish(event, { signal: AbortSignal.abort(reason) }), reason)
  assert.equal(before.requests.length, 0)

  const during = new AbortController()
  let tries = 0
  const hanging = new DaybookClient({
    baseUrl,
    apiKey: 'key',
    fetch: async (_, init) => {
      tries++
      queueMicrotask(() => during.abort(reason))
      return await new Promise((_resolve, reject) =>
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason)),
      )
    },
  })
  await assert.rejects(hanging.events.publish(event, { signal: during.signal }), reason)
  assert.equal(tries, 1)

  // The client's own sleep: a pause of a minute ends at once.
  const pausing = new AbortController()
  const paused = new DaybookClient({
    baseUrl,
    apiKey: 'key',
    fetch: async () => {
      setImmediate(() => pausing.abort(reason))
      return problem(503, 'unavailable', { 'retry-after': '60' })
    },
  })
  await assert.rejects(paused.events.publish(event, { signal: pausing.signal }), reason)
})

test('over a real connection: a broken one is tried again, a silent one ends at the deadline', async (t) => {
  let connections = 0
  const server = createServer((request, response) => {
    connections++
    if (request.url === '/api/v1/silent') return
    if (connections === 1) request.socket.destroy()
    else response.writeHead(201, { 'content-type': 'application/json' }).end('{"id":"x"}')
  })
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const options = { baseUrl: `http://127.0.0.1:${address.port}`, apiKey: 'key', sleep: async () => {} }
  assert.deepEqual(await new DaybookClient(options).events.publish(event), { id: 'x' })
  assert.equal(connections, 2)
  const impatient = new DaybookClient({ ...options, timeoutMs: 20 })
  await assert.rejects(impatient.request('GET', '/silent'), { code: 'timeout', status: 0 })
})
