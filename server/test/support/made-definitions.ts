/** Definitions that tests of routes are about, made over the interface. */
import { newEventName } from './made-things.ts'
import type { RouteTest } from './route-test.ts'

const orderId = { order_id: { type: 'string', minLength: 1 } }

/** A schema of orders with further members. */
export function orderSchema(members: Readonly<Record<string, unknown>> = {}) {
  return {
    type: 'object',
    properties: { ...orderId, ...members },
    required: ['order_id'],
    'x-entity': { type: 'order', id: '/order_id' },
  }
}

/** The name of a new definition, active unless told otherwise; `total` is a number. */
export async function makeDefinition(
  api: RouteTest,
  more: Readonly<Record<string, unknown>> = {},
  key = api.key,
): Promise<string> {
  const event_name = newEventName()
  const body = { event_name, status: 'active', schema: orderSchema({ total: { type: 'number' } }), ...more }
  const { status, text } = await api.request('POST', '/events/schemas', body, { key })
  if (status !== 201) throw new Error(`No definition was made: ${text}`)
  return event_name
}
