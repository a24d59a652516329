import type { EventHeader } from '../lib/digest.ts'

/** A thing an event is about or mentions. Ids are text: the number 123 and the text "123" are the same. */
export interface EntityRef {
  readonly type: string
  readonly id: string
}

export interface Actor {
  readonly type: string
  readonly id: string
  readonly name?: string | undefined
}

/** An event as it is written: validated, normalised, with its digest. It never changes again. */
export interface NewEvent {
  readonly companyId: string
  readonly id: string
  readonly eventName: string
  /** Null when the name has no definition and the company allows that. */
  readonly definitionVersion: number | null
  readonly entity: EntityRef | undefined
  readonly related: readonly EntityRef[]
  readonly actor: Actor | undefined
  readonly source: string | undefined
  readonly correlationId: string | undefined
  readonly causationId: string | undefined
  /** RFC 3339 in UTC, milliseconds. */
  readonly occurredAt: string
  readonly recordedAt: string
  /** The publisher's JSON text, byte for byte. */
  readonly payload: string
  readonly salt: Buffer
  /** The leaf of `lib/digest.ts`. */
  readonly digest: Buffer
  /** Tells a repeated publish (equal) from a conflicting one: covers what was sent but for id and idempotency key. */
  readonly contentDigest: Buffer
  readonly idempotencyKey: string | undefined
  /** The trace it belongs to, lib/trace-context.ts; in no digest. */
  readonly traceParent?: string | undefined
}

/** What routing and delivery need of an event. */
export type LoggedEvent = Omit<NewEvent, 'salt' | 'contentDigest' | 'idempotencyKey' | 'definitionVersion'>

/** A logged event with its place in its company's log. */
export interface RoutedEvent extends LoggedEvent {
  readonly position: number
}

export function headerOf(event: Omit<LoggedEvent, 'digest'>): EventHeader {
  return {
    id: event.id,
    company_id: event.companyId,
    event_name: event.eventName,
    occurred_at: event.occurredAt,
    recorded_at: event.recordedAt,
    ...(event.entity && { entity_type: event.entity.type, entity_id: event.entity.id }),
    ...(event.related.length > 0 && { related: event.related }),
    ...(event.actor && { actor: withoutUndefined(event.actor) }),
    ...(event.source !== undefined && { source: event.source }),
    ...(event.correlationId !== undefined && { correlation_id: event.correlationId }),
    ...(event.causationId !== undefined && { causation_id: event.causationId }),
  }
}

function withoutUndefined({ type, id, name }: Actor): { type: string; id: string; name?: string } {
  return name === undefined ? { type, id } : { type, id, name }
}
