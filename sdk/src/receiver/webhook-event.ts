import type { AnyPayloads, NameOf } from '../publish-event.ts'
import { memberText } from '../parse-json.ts'
import type { VerifiedWebhook } from '../verify-webhook.ts'
import { WebhookVerificationError } from '../verify-webhook.ts'

interface EntityName {
  readonly type: string
  readonly id: string
}

/** An event as a subscriber gets it. */
export interface WebhookEvent<Payloads = AnyPayloads, Name extends NameOf<Payloads> = NameOf<Payloads>> {
  /** The same in every attempt, copy and replay. */
  readonly id: string
  /** The event name. */
  readonly type: Name
  /** When it happened, RFC 3339. */
  readonly timestamp: string
  /** Its number in the company's log. */
  readonly position: number
  readonly entity: EntityName | undefined
  readonly related: readonly EntityName[]
  /** The payload. */
  readonly data: Payloads[Name]
  /** The payload byte for byte as it was published: numbers that JavaScript rounds stand here in full. */
  readonly dataText: string
}

/** Any event of the names, each with its own payload: asking for `type` tells what `data` is. */
export type AnyWebhookEvent<Payloads = AnyPayloads> = {
  readonly [Name in NameOf<Payloads>]: WebhookEvent<Payloads, Name>
}[NameOf<Payloads>]

/**
 * The event in a verified body, whether the subscription sends Daybook's own form or CloudEvents 1.0 (which do not tell what
 * is related). Rejects a signed body that is neither with `invalid_body`.
 */
export function webhookEvent({ body, text }: VerifiedWebhook): WebhookEvent {
  const members = recordOf(body)
  const isCloudEvent = typeof members['specversion'] === 'string'
  const { id, type, data } = members
  const timestamp = members[isCloudEvent ? 'time' : 'timestamp']
  const position = isCloudEvent ? Number(members['sequence']) : members['position']
  if (typeof id !== 'string' || typeof type !== 'string' || typeof timestamp !== 'string') throw strange()
  if (typeof position !== 'number' || Number.isNaN(position)) throw strange()
  return {
    id,
    type,
    timestamp,
    position,
    entity: isCloudEvent ? entityOfSubject(members['subject']) : entitiesIn([members['entity']])[0],
    related: entitiesIn(members['related']),
    data,
    dataText: memberText(text, 'data') ?? 'null',
  }
}

function strange(): WebhookVerificationError {
  return new WebhookVerificationError('invalid_body', 'the body is signed, but it is no event of Daybook')
}

/** `<type>/<id>`; an id may hold further slashes, a type none. */
function entityOfSubject(subject: unknown): EntityName | undefined {
  const [, type, id] = typeof subject === 'string' ? (/^([^/]+)\/(.+)$/s.exec(subject) ?? []) : []
  return type === undefined || id === undefined ? undefined : { type, id }
}

function entitiesIn(value: unknown): readonly EntityName[] {
  if (!Array.isArray(value)) return []
  return value.map(recordOf).flatMap(({ type, id }) => {
    return typeof type === 'string' && typeof id === 'string' ? [{ type, id }] : []
  })
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
