import type { EventInput } from './api/types.ts'
import { uuidV7 } from './uuid-v7.ts'

/** The payload of each event name; `daybook types` writes yours. Any name with any payload when it is not given. */
export type AnyPayloads = Readonly<Record<string, unknown>>

export type NameOf<Payloads> = keyof Payloads & string

/** A thing an event is about or mentions. The number 123 and the text "123" are the same id. */
export type EntityReference = NonNullable<EventInput['related']>[number]

/** An event to be published. Receivers get the payload byte for byte as `JSON.stringify` writes it. */
export interface PublishEvent<Payloads = AnyPayloads, Name extends NameOf<Payloads> = NameOf<Payloads>> extends Omit<
  EventInput,
  'event_name' | 'payload' | 'occurred_at'
> {
  /** One to six dotted lower-case segments: `appointment.created`. */
  readonly event_name: Name
  readonly payload: Payloads[Name]
  /** RFC 3339 when it is text. The time of acceptance when absent. */
  readonly occurred_at?: string | Date | undefined
}

/** Any event of the names, each with its own payload. */
export type AnyPublishEvent<Payloads = AnyPayloads> = {
  readonly [Name in NameOf<Payloads>]: PublishEvent<Payloads, Name>
}[NameOf<Payloads>]

/** The event with an id, made here when it has none; the given one stays as it is. */
export function withId<Event extends { readonly id?: string | undefined }>(
  event: Event,
): Event & { readonly id: string } {
  return { ...event, id: event.id ?? uuidV7() }
}
