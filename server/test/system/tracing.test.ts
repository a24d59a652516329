import assert from 'node:assert/strict'
import { test } from 'node:test'
import { API_KEY, startDaybook } from '../support/daybook-process.ts'
import { call } from '../support/api.ts'
import { testDatabase } from '../support/database.ts'
import { otlpReceiver } from '../support/otlp-receiver.ts'
import { scriptedReceiver } from '../support/scripted-receiver.ts'
import { until } from '../support/until.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const spanId = 'b7ad6b7169203331'

async function publish(url: string, traceparent: string | undefined, path = '/events'): Promise<void> {
  const event = { event_name: 'order.placed', payload: { note: 'canary-of-the-payload' } }
  const response = await fetch(`${url}/api/v1${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${API_KEY}`,
      'content-type': 'application/json',
      ...(traceparent !== undefined && { traceparent }),
    },
    body: JSON.stringify(path === '/events' ? event : { events: [event, event] }),
  })
  assert.equal(response.status, 201, await response.text())
}

async function subscribe(url: string, webhookUrl: string): Promise<void> {
  const answer = await call(url, 'POST', '/events/subscriptions', { webhook_url: webhookUrl, event_names: ['*'] })
  assert.equal(answer.status, 201)
}

test('a trace goes from the publish to the receiver, and both spans are recorded without payload or URL', async (t) => {
  const database = await testDatabase(t)
  const [otlp, receiver] = [await otlpReceiver(t), await scriptedReceiver(t)]
  const server = await startDaybook(t, { DATABASE_URL: database.url, OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url })
  await subscribe(server.url, `${receiver.url}/canary-of-the-path`)
  await publish(server.url, `00-${traceId}-${spanId}-01`)
  await until('it arrives', () => receiver.calls.length === 1)
  await server.stop() // what is left is sent

  const own = otlp.spans.filter((span) => span.traceId === traceId)
  const [published] = own.filter(({ name }) => name === 'publish')
  const [delivered] = own.filter(({ name }) => name === 'deliver')
  assert.ok(published && delivered && own.length === 2)
  assert.equal(published.parentSpanId, spanId)
  assert.equal(delivered.parentSpanId, published.spanId)
  assert.equal(receiver.calls[0]?.headers['traceparent'], `00-${traceId}-${delivered.spanId}-01`)
  assert.equal(delivered.facts['daybook.outcome'], 'delivered')
  assert.equal(delivered.facts['daybook.event_name'], 'order.placed')
  assert.ok(!JSON.stringify(otlp.spans).includes('canary'))
})

test('a publish that belongs to no trace begins one, and one that its caller does not record is not recorded', async (t) => {
  const database = await testDatabase(t)
  const [otlp, receiver] = [await otlpReceiver(t), await scriptedReceiver(t)]
  const server = await startDaybook(t, { DATABASE_URL: database.url, OTEL_EXPORTER_OTLP_ENDPOINT: `${otlp.url}/` })
  await subscribe(server.url, receiver.url)
  await publish(server.url, undefined, '/events/batch')
  await publish(server.url, `00-${traceId}-${spanId}-00`)
  await until('all arrive', () => receiver.calls.length === 3)
  await server.stop()

  const [published] = otlp.spans.filter(({ name }) => name === 'publish')
  assert.ok(published)
  assert.equal(published.parentSpanId, '')
  const delivered = otlp.spans.filter((span) => span.name === 'deliver' && span.traceId === published.traceId)
  assert.deepEqual(
    delivered.map(({ parentSpanId }) => parentSpanId),
    [published.spanId, published.spanId],
  )
  assert.equal(otlp.spans.filter((span) => span.traceId === traceId).length, 0)
  const sent = receiver.calls.map(({ headers }) => String(headers['traceparent']))
  assert.equal(sent.filter((header) => header.startsWith(`00-${traceId}-`) && header.endsWith('-00')).length, 1)
})

test('without telemetry a trace is passed on all the same, also to a later attempt of another process', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  receiver.answer(() => ({ status: receiver.calls.length > 2 ? 200 : 500 }))
  const env = { DATABASE_URL: database.url, DAYBOOK_RETRY_SCHEDULE: '0.2,1' }
  const first = await startDaybook(t, env)
  await subscribe(first.url, receiver.url)
  await publish(first.url, `00-${traceId}-${spanId}-01`)
  await until('a first attempt', () => receiver.calls.length > 0)
  await first.stop()
  await startDaybook(t, env)
  await until('it is delivered', () => receiver.calls.length === 3)
  const sent = receiver.calls.map(({ headers }) => String(headers['traceparent']))
  for (const header of sent) assert.match(header, new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`))
  assert.equal(new Set([...sent, `00-${traceId}-${spanId}-01`]).size, 4, 'each attempt is a span of its own')
})

test('a receiver of traces that hangs or is away delays neither publishes, deliveries nor the stop', async (t) => {
  const database = await testDatabase(t)
  const [silent, receiver] = [await scriptedReceiver(t), await scriptedReceiver(t)]
  silent.answer(() => 'hang')
  const server = await startDaybook(t, { DATABASE_URL: database.url, OTEL_EXPORTER_OTLP_ENDPOINT: silent.url })
  await subscribe(server.url, receiver.url)
  for (let n = 0; n < 20; n++) await publish(server.url, undefined)
  await until('all arrive', () => receiver.calls.length === 20)
  const stoppedAt = performance.now()
  assert.equal(await server.stop(), 0)
  assert.ok(performance.now() - stoppedAt < 9_000, 'a receiver has ten seconds by itself')
})
