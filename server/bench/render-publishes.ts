import { newId } from '../src/lib/ids.ts'
import { APPOINTMENT, appointmentJson } from './appointment.ts'

export interface RenderedPublishes {
  readonly path: '/api/v1/events' | '/api/v1/events/batch'
  readonly bodies: readonly Buffer[]
  /** In the order of the bodies. */
  readonly ids: readonly string[]
}

/**
 * The bodies of a whole run, made before it begins: the generator then only writes bytes while the clock runs.
 *
 * @param batch events per request; 1 publishes them singly
 * @param names of the events, used in turn
 */
export function renderPublishes(events: number, batch: number, names: readonly string[]): RenderedPublishes {
  const ids = Array.from({ length: events }, () => newId())
  const texts = ids.map((id, index) => {
    const name = names[index % names.length] ?? APPOINTMENT
    return `{"event_name":"${name}","id":"${id}","payload":${appointmentJson(id)}}`
  })
  if (batch === 1) return { path: '/api/v1/events', bodies: texts.map((text) => Buffer.from(text)), ids }
  const bodies = []
  for (let at = 0; at < texts.length; at += batch) {
    bodies.push(Buffer.from(`{"events":[${texts.slice(at, at + batch).join(',')}]}`))
  }
  return { path: '/api/v1/events/batch', bodies, ids }
}
