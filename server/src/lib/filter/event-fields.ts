import type { EventHeader } from '../digest.ts'

/** What a filter is asked about. `payload` is the parsed payload, or a getter of it; it is read only where a filter has a path into it. */
export interface FilteredEvent {
  readonly fields: Omit<EventHeader, 'company_id'>
  readonly payload: unknown
}

/** Paths after `$event`; the form of what stands there. Ids are texts, and a number in a filter means its text. */
const eventFields: ReadonlyMap<string, 'text' | 'id' | 'object'> = new Map([
  ['', 'object'],
  ['id', 'text'],
  ['event_name', 'text'],
  ['entity_type', 'text'],
  ['entity_id', 'id'],
  ['related', 'object'],
  ['related.type', 'text'],
  ['related.id', 'id'],
  ['actor', 'object'],
  ['actor.type', 'text'],
  ['actor.id', 'id'],
  ['actor.name', 'text'],
  ['source', 'text'],
  ['correlation_id', 'text'],
  ['causation_id', 'text'],
  ['occurred_at', 'text'],
  ['recorded_at', 'text'],
])

/** `keys` lead from the event: `fields` and the names after it. */
export function isEventField(keys: readonly string[]): boolean {
  return eventFields.has(keys.slice(1).join('.'))
}

export function isIdField(keys: readonly string[]): boolean {
  return keys[0] === 'fields' && eventFields.get(keys.slice(1).join('.')) === 'id'
}

/** For messages. */
export const eventFieldNames: string = [...eventFields.keys()].filter((name) => name !== '').join(', ')
