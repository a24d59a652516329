import type { LoggedEvent } from '../events/event.ts'

/** What of an event goes into its CloudEvent. */
export type CloudEventFacts = Pick<
  LoggedEvent,
  | 'companyId'
  | 'id'
  | 'eventName'
  | 'occurredAt'
  | 'entity'
  | 'actor'
  | 'source'
  | 'correlationId'
  | 'causationId'
  | 'payload'
>

/** Structured mode: the whole event in the body. Signatures cover the body only, so nothing of it may be in headers. */
export const CLOUD_EVENT_TYPE = 'application/cloudevents+json'

/** Digits of the largest position that PostgreSQL can hold, and one more, so that positions compare as text. */
const SEQUENCE_DIGITS = 20

/**
 * The body of a webhook as a CloudEvent (CloudEvents 1.0.2 in its JSON format 1.0.2); the payload goes in byte for byte as it
 * was published, so `data` is the same in both formats.
 *
 * - `source` is the company's log: the specification wants source and id together to be unique, and ids are unique in a log. The
 *   name that a publisher gives its own system need not be a URI-reference; it goes into the extension `origin`.
 * - `subject` is `<entity type>/<entity id>`.
 * - Names of extensions have lower-case letters and digits only, 20 at most (specification, "Naming Conventions").
 *   `sequence` is the position in the log, written so that it compares as text; `correlationid`, `causationid`,
 *   `actortype` and `actorid` are the event's own.
 *
 * Characters that the specification forbids in attributes are written as U+FFFD: control characters, U+0080 to U+009F,
 * noncharacters and lone surrogates.
 */
export function cloudEventBody(facts: CloudEventFacts, position: number): Buffer {
  const { entity, actor } = facts
  const head = JSON.stringify({
    specversion: '1.0',
    id: facts.id,
    source: `/daybook/companies/${facts.companyId}`,
    type: facts.eventName,
    subject: entity && attribute(`${entity.type}/${entity.id}`),
    time: facts.occurredAt,
    datacontenttype: 'application/json',
    sequence: String(position).padStart(SEQUENCE_DIGITS, '0'),
    origin: attribute(facts.source),
    correlationid: attribute(facts.correlationId),
    causationid: attribute(facts.causationId),
    actortype: attribute(actor?.type),
    actorid: attribute(actor?.id),
  })
  return Buffer.from(`${head.slice(0, -1)},"data":${facts.payload}}`)
}

/** A non-empty String of the specification's type system; one without characters is left out. */
function attribute(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text.replace(forbidden, '\u{fffd}')
}

const forbidden = /\p{Cc}|\p{Cs}|\p{Noncharacter_Code_Point}/gu
