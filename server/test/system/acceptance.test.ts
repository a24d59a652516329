/**
 * The mission's own examples and defaults, against a started process. Nothing about the process is loosened: it calls public
 * addresses over https only. `https://example.com` is a receiver of this machine that stands behind the operator's proxy,
 * with a name server that knows its name and an authority that vouches for it.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { suite, test } from 'node:test'
import type { TestContext } from 'node:test'
import type { AxiosInstance } from 'axios'
import { create } from 'axios'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { openApiDocument } from '../../src/http/openapi.ts'
import { connectProxy } from '../support/connect-proxy.ts'
import { API_KEY, startDaybook } from '../support/daybook-process.ts'
import { testDatabase } from '../support/database.ts'
import { dnsServer } from '../support/dns-server.ts'
import { testAuthority } from '../support/tls/test-authority.ts'
import { until } from '../support/until.ts'

const PUBLIC_ADDRESS = '93.184.215.14'
const authority = testAuthority('Acceptance')
const paths = new Set(Object.keys(Object(Reflect.get(await openApiDocument(), 'paths'))))

interface Arrival {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

interface World {
  readonly axiosInstance: AxiosInstance
  /** What came in at https://example.com. */
  readonly arrivals: readonly Arrival[]
  /** The status of its answers from now on; 200 at first. */
  answer(status: number): void
}

type Row = Readonly<Record<string, unknown>>

async function begin(t: TestContext, env: Readonly<Record<string, string>> = {}): Promise<World> {
  const arrivals: Arrival[] = []
  let status = 200
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { headers, url = '' } = request
    arrivals.push({ url: `https://${headers.host}${url}`, headers, body: (await buffer(request)).toString() })
    response.writeHead(status).end()
  }
  const receiver = createServer(authority.issue({ names: ['example.com'] }), (request, response) => {
    void take(request, response)
  })
  t.after(() => {
    receiver.closeAllConnections()
    receiver.close()
  })
  receiver.listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  const proxy = await connectProxy(t, (receiver.address() as AddressInfo).port)
  const dns = await dnsServer(t, ({ name }) => (name === 'example.com' ? { addresses: [PUBLIC_ADDRESS] } : 'NXDOMAIN'))
  const directory = await mkdtemp(join(tmpdir(), 'daybook-acceptance-'))
  t.after(async () => await rm(directory, { recursive: true }))
  await writeFile(join(directory, 'ca.pem'), authority.pem)
  const database = await testDatabase(t)
  const { url } = await startDaybook(t, {
    DATABASE_URL: database.url,
    DAYBOOK_EGRESS_ALLOW: '',
    DAYBOOK_EGRESS_PROXY: `http://127.0.0.1:${proxy.port}`,
    DAYBOOK_EGRESS_CA_FILE: join(directory, 'ca.pem'),
    DAYBOOK_DNS_SERVERS: dns.address,
    ...env,
  })
  const axiosInstance = create({ baseURL: `${url}/api/v1`, headers: { authorization: `Bearer ${API_KEY}` } })
  return { axiosInstance, arrivals, answer: (next) => void (status = next) }
}

/** Publishes an example of the standard definition; gives the event's id. */
async function publishStandard({ axiosInstance }: World, event_name: string, more: Row = {}): Promise<string> {
  const { data: definition } = await axiosInstance.get<Row>(`/events/schemas/${event_name}`)
  const [payload] = definition['examples'] as readonly Row[]
  return (await axiosInstance.post<{ id: string }>('/events', { event_name, payload, ...more })).data.id
}

/** The example verbatim. */
async function subscribe({ axiosInstance }: World) {
  return await axiosInstance.post<Row>('/events/subscriptions', {
    webhook_url: 'https://example.com/webhook',
    event_names: ['appointment.created', 'appointment.cancelled'],
    active: true,
  })
}

async function list({ axiosInstance }: World, path: string, params: Row = {}): Promise<readonly Row[]> {
  return (await axiosInstance.get<{ data: Row[] }>(path, { params })).data.data
}

/** Verifies as receivers do that were written with other people's libraries; gives the body. */
function verified({ headers, body }: Arrival, secret: unknown): Row {
  const given = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
  new StandardWebhook(String(secret)).verify(body, given)
  new SvixWebhook(String(secret)).verify(body, given)
  return JSON.parse(body) as Row
}

suite('the examples of the mission', { concurrency: 2 }, () => {
  test('a subscription is made with axios, and is posted what it names, signed so that other libraries verify it', async (t) => {
    const world = await begin(t)
    const { status, data: subscription } = await subscribe(world)
    assert.deepEqual([status, subscription['active']], [201, true])
    const ids = [
      await publishStandard(world, 'appointment.created'),
      await publishStandard(world, 'appointment.cancelled'),
    ]
    await publishStandard(world, 'appointment.rescheduled')
    await until('both have arrived', () => world.arrivals.length >= 2)
    const bodies = world.arrivals.map((arrival) => verified(arrival, subscription['secret']))
    assert.deepEqual(new Set(bodies.map(({ id }) => id)), new Set(ids))
    assert.deepEqual(new Set(bodies.map(({ type }) => type)), new Set(['appointment.created', 'appointment.cancelled']))
    assert.ok(world.arrivals.every(({ url }) => url === 'https://example.com/webhook'))
    const [event] = await list(world, '/events', { event_names: 'appointment.created' })
    assert.deepEqual(bodies.find(({ type }) => type === 'appointment.created')?.['data'], event?.['payload'])
  })

  test('the history of an entity is the same for the number 123 and the text "123"', async (t) => {
    const world = await begin(t)
    const entity = { entity_type: 'appointment' }
    const ids = [
      await publishStandard(world, 'appointment.created', { ...entity, entity_id: 123 }),
      await publishStandard(world, 'appointment.cancelled', { ...entity, entity_id: '123' }),
      await publishStandard(world, 'call.completed', { related: [{ type: 'appointment', id: 123 }] }),
    ]
    await publishStandard(world, 'appointment.created', { ...entity, entity_id: 1234 })
    for (const entity_id of [123, '123']) {
      const params = { entity_type: 'appointment', entity_id, include_related: true }
      const found = await until('all are routed', async () => {
        const rows = await list(world, '/events', { ...params, order: 'asc' })
        return rows.length >= 3 && rows
      })
      assert.deepEqual(
        found.map(({ id }) => id),
        ids,
      )
    }
  })

  if (paths.has('/api/v1/events/timeline')) {
    test('the timeline of an appointment has what is about it and what is related', async (t) => {
      const world = await begin(t)
      const { axiosInstance } = world
      const ids = [
        await publishStandard(world, 'appointment.created', { entity_type: 'appointment', entity_id: '123' }),
        await publishStandard(world, 'call.completed', { related: [{ type: 'appointment', id: 123 }] }),
      ]
      await until('both are shown', async () => {
        const { data } = await axiosInstance.get<unknown>('/events/timeline', {
          params: { entity_type: 'appointment', entity_id: 123, include_related: true },
        })
        return ids.every((id) => JSON.stringify(data).includes(id))
      })
    })
  }

  if (paths.has('/api/v1/events/test-webhook')) {
    test('a test call is made at once, with the payload that was given', async (t) => {
      const { axiosInstance, arrivals } = await begin(t)
      const { status } = await axiosInstance.post<unknown>('/events/test-webhook', {
        webhook_url: 'https://example.com/webhook',
        event_name: 'test.webhook',
        payload: { test: true },
      })
      assert.ok(status < 300)
      assert.equal(arrivals.length, 1)
      const { type, data } = JSON.parse(arrivals[0]?.body ?? '') as Row
      assert.deepEqual({ type, data }, { type: 'test.webhook', data: { test: true } })
    })
  }
})

suite('the defaults of the mission', { concurrency: 2 }, () => {
  test('what fails is tried again after 1, 5 and 15 minutes, and then has failed', async (t) => {
    const world = await begin(t)
    world.answer(500)
    await subscribe(world)
    const event_id = await publishStandard(world, 'appointment.created')
    const logged = async (count: number) =>
      await until(`attempt ${count} is in the ledger`, async () => {
        const rows = await list(world, '/events/webhook-logs', { event_id })
        return rows.length >= count && rows
      })
    for (const [index, minutes] of [1, 5, 15, undefined].entries()) {
      const [last] = await logged(index + 1)
      assert.equal(last?.['attempt_no'], index + 1)
      assert.equal(last['outcome'], minutes === undefined ? 'failed' : 'will_retry')
      if (minutes === undefined) {
        assert.equal(last['next_attempt_at'], null)
        continue
      }
      const delayMs = Date.parse(String(last['next_attempt_at'])) - Date.parse(String(last['created_at']))
      // Spread by a tenth, so that what failed together does not come back together; a second for the clocks.
      const spreadMs = minutes * 6_000 + 1_000
      assert.ok(Math.abs(delayMs - minutes * 60_000) <= spreadMs, `${delayMs} ms after attempt ${index + 1}`)
      await world.axiosInstance.post(`/events/deliveries/${String(last['delivery_id'])}/retry`) // instead of waiting
    }
  })

  test('ten failed deliveries in a row disable a subscription, and not nine', async (t) => {
    const world = await begin(t, { DAYBOOK_RETRY_SCHEDULE: '0' })
    world.answer(500)
    const { data: made } = await subscribe(world)
    const shown = async () => (await world.axiosInstance.get<Row>(`/events/subscriptions/${String(made['id'])}`)).data
    for (let n = 1; n <= 9; n++) await publishStandard(world, 'appointment.created')
    const nearly = await until('nine have failed', async () => {
      const one = await shown()
      return one['failures_in_row'] === 9 && one
    })
    assert.equal(nearly['status'], 'active')
    await publishStandard(world, 'appointment.created')
    const disabled = await until('it is disabled', async () => {
      const one = await shown()
      return one['status'] === 'disabled' && one
    })
    assert.deepEqual([disabled['disabled_reason'], disabled['active']], ['failures_in_row', false])
    const told = await until('an event tells of it', async () => {
      const rows = await list(world, '/events', { event_names: 'daybook.subscription.disabled' })
      return rows.length > 0 && rows
    })
    assert.equal(told.length, 1)
  })

  test('a webhook over plain http is refused', async (t) => {
    const { axiosInstance } = await begin(t)
    const refused = await axiosInstance.post<Row>(
      '/events/subscriptions',
      { webhook_url: 'http://example.com/webhook', event_names: ['*'] },
      { validateStatus: () => true },
    )
    assert.deepEqual([refused.status, refused.data['code']], [422, 'invalid_url'])
    assert.partialDeepStrictEqual(refused.data['errors'], [{ pointer: '/webhook_url', code: 'https_required' }])
  })

  test('* is every business event and none that begins with daybook.', async (t) => {
    const world = await begin(t)
    const { axiosInstance, arrivals } = world
    const subscription = { webhook_url: 'https://example.com/webhook', event_names: ['*'] }
    const { data: made } = await axiosInstance.post<Row>('/events/subscriptions', subscription)
    await axiosInstance.post('/api-keys', { name: 'Another', scopes: ['*'] })
    const ids = [await publishStandard(world, 'call.completed'), await publishStandard(world, 'customer.created')]
    await until('both have arrived', () => arrivals.length >= 2)
    assert.deepEqual(new Set(arrivals.map((one) => verified(one, made['secret'])['id'])), new Set(ids))
    const own = await list(world, '/events', { event_names: 'daybook.*' })
    assert.ok(own.some((event) => event['event_name'] === 'daybook.api_key.created'))
    for (const { id } of own) {
      assert.deepEqual((await axiosInstance.get<Row>(`/events/${String(id)}`)).data['deliveries'], [])
    }
  })
})
