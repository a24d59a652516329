/** Things that tests of routes are about, made over the interface. */
import type { TestContext } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import type { RouteTest } from './route-test.ts'
import type { Reply, ScriptedReceiver } from './scripted-receiver.ts'
import { scriptedReceiver } from './scripted-receiver.ts'

/** An event name that nothing else in the test's company is subscribed to. */
export function newEventName(): string {
  return `thing.n${newId().replaceAll('-', '')}`
}

/** The id of a new subscription. */
export async function makeSubscription(api: RouteTest, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const body = { webhook_url: 'https://example.com/webhook', event_names: [newEventName()], ...more }
  return String((await api.request('POST', '/events/subscriptions', body)).body['id'])
}

/** The id of a new event. */
export async function makeEvent(api: RouteTest, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const body = { event_name: newEventName(), payload: { n: 1 }, ...more }
  return String((await api.request('POST', '/events', body)).body['id'])
}

export interface MadeDelivery {
  readonly deliveryId: string
  readonly subscriptionId: string
  readonly eventId: string
  readonly eventName: string
  readonly receiver: ScriptedReceiver
}

/** A delivery that waits for its first attempt. */
export async function makeDelivery(t: TestContext, api: RouteTest): Promise<MadeDelivery> {
  const receiver = await scriptedReceiver(t)
  const eventName = newEventName()
  const webhook_url = `${receiver.url}/hook`
  const subscriptionId = await makeSubscription(api, { webhook_url, event_names: [eventName] })
  const eventId = await makeEvent(api, { event_name: eventName })
  await api.node.route()
  const { body } = await api.request('GET', `/events/${eventId}`)
  const [delivery] = body['deliveries'] as readonly { readonly id: string }[]
  if (!delivery) throw new Error('The event is owed to nobody')
  return { deliveryId: delivery.id, subscriptionId, eventId, eventName, receiver }
}

/** A delivery after its first attempt, answered with 204 unless told otherwise: a 503 is tried again in a minute, a 410 has failed for good. */
export async function makeAttempt(
  t: TestContext,
  api: RouteTest,
  reply: Reply = { status: 204 },
): Promise<MadeDelivery & { readonly logId: string }> {
  const made = await makeDelivery(t, api)
  made.receiver.answer(() => reply)
  await api.node.dispatch()
  const { body } = await api.request('GET', `/events/deliveries/${made.deliveryId}`)
  return { ...made, logId: (body['last_attempt'] as { readonly log_id: string }).log_id }
}

export interface MadeOrder {
  /** In their order: the first may be attempted, the others wait for it. */
  readonly deliveryIds: readonly string[]
  readonly subscriptionId: string
  readonly receiver: ScriptedReceiver
}

/** So many deliveries about one entity to a subscription that is ordered. */
export async function makeOrder(t: TestContext, api: RouteTest, count = 2): Promise<MadeOrder> {
  const receiver = await scriptedReceiver(t)
  const eventName = newEventName()
  const wishes = { webhook_url: `${receiver.url}/hook`, event_names: [eventName], ordering: 'entity' }
  const subscriptionId = await makeSubscription(api, wishes)
  const about = { event_name: eventName, entity_type: 'order', entity_id: newId() }
  for (let made = 0; made < count; made++) await makeEvent(api, about)
  await api.node.route()
  const query = { subscription_id: subscriptionId }
  const { body } = await api.request('GET', '/events/deliveries', undefined, { query })
  const rows = [...rowsIn(body)].sort((a, b) => Number(a['position']) - Number(b['position']))
  return { deliveryIds: rows.map(({ id }) => String(id)), subscriptionId, receiver }
}

/** The rows of a list. */
export function rowsIn(body: Readonly<Record<string, unknown>>): readonly Readonly<Record<string, unknown>>[] {
  return body['data'] as readonly Readonly<Record<string, unknown>>[]
}

/** A member of every row of a list. */
export function column(body: Readonly<Record<string, unknown>>, member: string): readonly unknown[] {
  return rowsIn(body).map((row) => row[member])
}

/** Follows a list to its end; gives the ids of each page. */
export async function idsByPage(
  { request }: Pick<RouteTest, 'request'>,
  path: string,
  filter: { readonly limit: number } & Readonly<Record<string, string | number>>,
  options: { readonly key?: string } = {},
): Promise<readonly (readonly unknown[])[]> {
  const pages: (readonly unknown[])[] = []
  for (let cursor: string | null | undefined; cursor !== null;) {
    const query = { ...filter, ...(cursor !== undefined && { cursor }) }
    const { body } = await request('GET', path, undefined, { ...options, query })
    pages.push(column(body, 'id'))
    cursor = body['next_cursor'] as string | null
  }
  return pages
}

/** Subscriptions that a key does not find, each with the key: one that never was, a deleted one, another company's. */
export async function unknownSubscriptions(
  api: RouteTest,
): Promise<readonly { readonly id: string; readonly key: string }[]> {
  const deleted = await makeSubscription(api)
  await api.request('DELETE', `/events/subscriptions/${deleted}`)
  const other = await api.newCompany('Other')
  return [
    { id: newId(), key: api.key },
    { id: deleted, key: api.key },
    { id: await makeSubscription(api), key: other.key },
  ]
}
