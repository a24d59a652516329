/** What somebody who installed the SDK may write. Compiled by several versions of TypeScript; the marked lines must not. */
import { createReceiver, DaybookClient, DaybookError, verifyWebhook } from '@daybook/sdk'
import type { Event, ReceiverStore, Subscription } from '@daybook/sdk'
import { fastifyReceiver, nodeHandler } from '@daybook/sdk/node'

interface EventPayloads {
  readonly 'order.placed': { readonly total: number }
  readonly 'order.paid': { readonly by: 'card' | 'cash' }
}

const client = new DaybookClient<EventPayloads>({ baseUrl: 'https://daybook.test', apiKey: 'key' })

export async function publish(): Promise<string> {
  await client.events.publishBatch([
    { event_name: 'order.placed', payload: { total: 1 } },
    { event_name: 'order.paid', payload: { by: 'card' } },
  ])
  // @ts-expect-error the payload is of another event
  await client.events.publish({ event_name: 'order.placed', payload: { by: 'card' } })
  // @ts-expect-error there is no such event
  await client.events.publish({ event_name: 'order.lost', payload: {} })
  const { id } = await client.events.publish({
    event_name: 'order.placed',
    payload: { total: 1 },
    occurred_at: new Date(),
  })
  return id
}

export async function read(signal: AbortSignal): Promise<readonly Event[]> {
  const events: Event[] = []
  for await (const event of client.events.list({ event_names: 'order.*', from: new Date(0) }, { signal }))
    events.push(event)
  for await (const event of client.events.stream({ after: 7 }, { signal })) events.push(event)
  // @ts-expect-error an id is needed
  await client.events.get()
  // @ts-expect-error there is no such filter
  await client.events.list({ event_name: 'order.placed' }).page()
  return events
}

export async function change(id: string): Promise<Subscription | undefined> {
  try {
    const subscription = await client.subscriptions.get(id)
    return await client.subscriptions.update(id, { active: false }, { ifMatch: subscription })
  } catch (error) {
    if (error instanceof DaybookError && error.code === 'precondition_failed') return undefined
    throw error
  }
}

const store: ReceiverStore = { claim: async () => 'claimed', complete: async () => {}, release: async () => {} }

export const receiver = createReceiver<EventPayloads>({
  secrets: ['whsec_a', 'whsec_b'],
  store,
  on: {
    'order.placed': ({ data }) => data.total.toFixed(2),
    'order.*': (event) => (event.type === 'order.paid' ? event.data.by : event.data.total),
    // @ts-expect-error a total is a number
    'order.paid': ({ data }) => data.total,
  },
})

export const untyped = createReceiver({
  secrets: 'whsec_a',
  on: { 'any.name': ({ data, dataText }) => [data, dataText] },
})

export const handlers = [nodeHandler(receiver), fastifyReceiver(receiver, '/webhook'), receiver.fetch, verifyWebhook]
