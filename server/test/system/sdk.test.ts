import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createReceiver, DaybookClient, DaybookError } from '@daybook/sdk'
import type { CreateSubscriptionBody } from '@daybook/sdk'
import { fastifyReceiver, nodeHandler } from '@daybook/sdk/node'
import fastify from 'fastify'
import { API_KEY, startDaybook } from '../support/daybook-process.ts'
import { testDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'

interface Payloads {
  readonly 'order.placed': { readonly total: number }
  readonly 'order.paid': { readonly by: string }
}

const placed = (total: number) => ({ event_name: 'order.placed', payload: { total } }) as const

async function begin(t: TestContext): Promise<{ client: DaybookClient<Payloads>; url: string }> {
  const database = await testDatabase(t)
  const { url } = await startDaybook(t, { DATABASE_URL: database.url })
  return { client: new DaybookClient<Payloads>({ baseUrl: url, apiKey: API_KEY }), url }
}

async function listen(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook`
}

test('an event goes from the client to the handler of its name, in either signature and form; a failed one comes again', async (t) => {
  const { client } = await begin(t)
  const handled: unknown[] = []
  const secrets: string[] = []
  let failures = 1
  const receiver = createReceiver<Payloads>({
    secrets: () => secrets,
    on: {
      'order.placed': async ({ data, dataText, entity }) => {
        if (failures-- > 0) throw new Error('not yet')
        handled.push(data.total, dataText, entity?.id)
      },
      'order.*': (event) => void handled.push(event.type === 'order.paid' && event.data.by),
    },
    onError: () => {},
  })
  const webhook_url = await listen(t, nodeHandler(receiver))
  const subscribe = async (name: string, more: Partial<CreateSubscriptionBody> = {}) =>
    await client.subscriptions.create({ webhook_url, event_names: [name], retry_schedule: [1], ...more })
  secrets.push((await subscribe('order.placed')).secret)
  await client.events.publish({ ...placed(12.5), entity_type: 'order', entity_id: 7 })
  await until('the second attempt is handled', () => handled.length === 3)
  assert.deepEqual(handled, [12.5, '{"total":12.5}', '7'])

  const signing = { signature: 'ed25519', format: 'cloudevents' } as const
  const { public_key } = await subscribe('order.paid', signing)
  secrets.push(public_key ?? '')
  await client.events.publish({ event_name: 'order.paid', payload: { by: 'card' } })
  await until('the CloudEvent is handled', () => handled.length === 4)
  assert.equal(handled[3], 'card')
})

test('in Fastify the receiver gets its bodies as they come, and the other routes theirs as before', async (t) => {
  const { client } = await begin(t)
  const handled: string[] = []
  let secret = ''
  const receiver = createReceiver({ secrets: () => secret, on: { '*': ({ dataText }) => void handled.push(dataText) } })
  const app = fastify()
  t.after(async () => await app.close())
  await app.register(fastifyReceiver(receiver, '/webhook'))
  app.post('/other', async (request) => request.body)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  secret = (await client.subscriptions.create({ webhook_url: `${url}/webhook`, event_names: ['*'] })).secret
  await client.events.publish(placed(3))
  await until('the event is handled', () => handled.length === 1)
  assert.deepEqual(handled, ['{"total":3}'])
  const other = await app.inject({ method: 'POST', url: '/other', payload: { a: 1 } })
  assert.deepEqual([other.statusCode, other.json()], [200, { a: 1 }])
})

test('lists, exports and streams give every event once, and refusals their code', async (t) => {
  const { client, url } = await begin(t)
  const batch = Array.from({ length: 7 }, (_, total) => placed(total))
  const { data } = await client.events.publishBatch(batch)
  const ids = data.map(({ id }) => id)
  const names = { event_names: 'order.*' }

  const streamed: string[] = []
  for await (const event of client.events.stream({ ...names, after: 0 })) {
    streamed.push(event.id)
    if (streamed.length === ids.length) break
  }
  assert.deepEqual(streamed, ids)
  const all: string[] = []
  for await (const { id } of client.events.stream({ ...names, after: 0, follow: false })) all.push(id)
  assert.deepEqual(all, ids)
  const listed: string[] = []
  for await (const { id } of client.events.list({ ...names, limit: 2, order: 'asc' })) listed.push(id)
  assert.deepEqual(listed, ids)
  const dear = await client.events.list({ ...names, filter: { total: { $gte: 5 } } }).page()
  assert.equal(dear.data.length, 2)
  const lines = (await new Response(await client.events.export(names)).text()).trim().split('\n')
  assert.deepEqual(
    lines.map((line) => Object(JSON.parse(line)).id),
    ids,
  )
  assert.equal((await client.server.health()).status, 'ok')
  assert.match(await client.server.metrics(), /^# /m)

  await assert.rejects(client.subscriptions.create({ webhook_url: 'nowhere', event_names: [] }), (error) => {
    assert.ok(error instanceof DaybookError)
    assert.equal(error.status, 422)
    assert.ok(error.requestId)
    return true
  })
  const stranger = new DaybookClient({ baseUrl: url, apiKey: 'wrong-key-0123456789abcdef0123456789abcdef' })
  await assert.rejects(stranger.events.list().page(), { code: 'unauthenticated' })
  await assert.rejects(stranger.events.stream()[Symbol.asyncIterator]().next(), { code: 'unauthenticated' })
})

test('the example of the SDK’s README runs, in fewer than 20 lines', async (t) => {
  const readme = readFileSync(new URL('../../../sdk/README.md', import.meta.url), 'utf8')
  const [, example = ''] = /```js\n([^]*?)```/.exec(readme) ?? []
  assert.ok(example.trim().split('\n').length < 20)
  const { url } = await begin(t)
  const port = (await listen(t, () => {})).replace(/\D*127\.0\.0\.1:(\d+)\/webhook/, '$1')
  const code = example
    .replaceAll('127.0.0.1:3000', `127.0.0.2:${port}`)
    .replace(`listen(3000, '127.0.0.1')`, `listen(${port}, '127.0.0.2')`)
  const child = spawn(process.execPath, ['--conditions=source', '--input-type=module', '--eval', code], {
    cwd: fileURLToPath(new URL('../../', import.meta.url)),
    env: { PATH: process.env['PATH'], DAYBOOK_URL: url, DAYBOOK_API_KEY: API_KEY },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => child.kill())
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  await until('the handler has run', () => output.includes('\n'))
  assert.equal(output, 'placed 7 { total: 12.5 }\n')
})
