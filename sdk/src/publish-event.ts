import { uuidV7 } from './uuid-v7.ts'

/** A thing an event is about or mentions. The number 123 and the text "123" are the same id. */
export interface EntityReference {
  readonly type: string
  readonly id: string | number
}

export interface PublishEvent {
  /** One to six dotted lower-case segments: `appointment.created`. */
  readonly event_name: string
  /** Any JSON. Receivers get it byte for byte as `JSON.stringify` writes it. */
  readonly payload: unknown
  readonly entity_type?: string
  readonly entity_id?: string | number
  /** At most 16. */
  readonly related?: readonly EntityReference[]
  /** A UUID of version 7; made by the client when absent. The same id with the same content is the same event. */
  readonly id?: string
  /** The publisher's own name for this event, remembered for 30 days at least: a second publish with it changes nothing. */
  readonly idempotency_key?: string
  /** RFC 3339 when it is text. The time of acceptance when absent. */
  readonly occurred_at?: string | Date
  readonly actor?: EntityReference & { readonly name?: string }
  readonly source?: string
  readonly correlation_id?: string
  readonly causation_id?: string
  readonly expected_version?: number
}

/** What the server answers about an event that is committed. */
export interface PublishedEvent {
  readonly id: string
  readonly event_name: string
  readonly recorded_at: string
  /** It was recorded by an earlier publish, which this one repeats. */
  readonly replayed: boolean
}

export interface PublishedBatch {
  /** In the order of the batch. */
  readonly data: readonly PublishedEvent[]
}

/** The event itself stays as it is. */
export function withId(event: PublishEvent): PublishEvent & { readonly id: string } {
  return { ...event, id: event.id ?? uuidV7() }
}
