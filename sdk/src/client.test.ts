import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { test } from 'node:test'
import { DaybookClient, type DaybookClientOptions } from './client.ts'
import { DaybookError } from './daybook-error.ts'

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
  await assert.rejects(client.publish(event), { code: 'unexpected_answer', status: 200 })
})

test('redirects are not followed, so the key stays with its server', async () => {
  const { client, requests } = scripted([
    new Response(null, { status: 307, headers: { location: 'https://other.test/' } }),
  ])
  await assert.rejects(client.publish(event), { status: 307 })
  assert.equal(requests[0]?.redirect, 'manual')
})

test('a publish is repeated with the same bytes and the same id until it is accepted', async () => {
  const { client, requests, pausesMs } = scripted([
    new TypeError('fetch failed'),
    problem(503, 'unavailable'),
    problem(429, 'slow'),
    accepted(),
  ])
  await client.publish(event)
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
  await client.publishBatch(events)
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
    await assert.rejects(client.publish(event), { status })
    assert.equal(requests.length, 1)
  }
})

test('the last failure is told when all retries failed', async () => {
  const down = () => problem(503, 'unavailable')
  const three = scripted([down(), down(), down(), problem(503, 'shutting_down')])
  await assert.rejects(three.client.publish(event), { code: 'shutting_down' })
  assert.equal(three.requests.length, 4)
  const none = scripted([new TypeError('fetch failed')], { maxRetries: 0 })
  await assert.rejects(none.client.publish(event), { code: 'network_error', status: 0 })
  assert.equal(none.requests.length, 1)
})

test('Retry-After is honoured up to a minute; a longer one ends the publish', async () => {
  const patient = scripted([problem(429, 'slow', { 'retry-after': '20' }), accepted()])
  await patient.client.publish(event)
  assert.deepEqual(patient.pausesMs, [20_000])
  const tooLong = scripted([problem(429, 'slow', { 'retry-after': '3600' })])
  await assert.rejects(tooLong.client.publish(event), { code: 'slow', retryAfterMs: 3_600_000 })
  assert.deepEqual(tooLong.pausesMs, [])
})

test('an aborted signal ends the try, the pause and all retries, with its reason', async () => {
  const reason = new Error('the caller has gone')
  const before = scripted([accepted()])
  await assert.rejects(before.client.publish(event, { signal: AbortSignal.abort(reason) }), reason)
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
  await assert.rejects(hanging.publish(event, { signal: during.signal }), reason)
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
  await assert.rejects(paused.publish(event, { signal: pausing.signal }), reason)
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
  assert.deepEqual(await new DaybookClient(options).publish(event), { id: 'x' })
  assert.equal(connections, 2)
  const impatient = new DaybookClient({ ...options, timeoutMs: 20 })
  await assert.rejects(impatient.request('GET', '/silent'), { code: 'timeout', status: 0 })
})
