import type { RoutedEvent } from '../events/event.ts'

const bodies = new WeakMap<RoutedEvent, Buffer>()

/**
 * The body of a webhook: the event around its payload, which goes in byte for byte as it was published. Every attempt,
 * copy and replay of an event has the same body; it is made once per event object, however many subscriptions get it.
 */
export function webhookBody(event: RoutedEvent): Buffer {
  let body = bodies.get(event)
  if (!body) {
    const head = JSON.stringify({
      id: event.id,
      type: event.eventName,
      timestamp: event.occurredAt,
      position: event.position,
      ...(event.entity && { entity: event.entity }),
      ...(event.related.length > 0 && { related: event.related }),
    })
    body = Buffer.from(`${head.slice(0, -1)},"data":${event.payload}}`)
    bodies.set(event, body)
  }
  return body
}
