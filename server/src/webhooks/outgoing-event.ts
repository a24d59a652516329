import type { LoggedEvent } from '../events/event.ts'
import type { Missing } from '../events/read-logged.ts'
import type { CloudEventFacts } from './cloud-event.ts'
import { cloudEventBody } from './cloud-event.ts'

/** How a subscription wants its bodies: Daybook's own form, or CloudEvents. */
export type WebhookFormat = 'daybook' | 'cloudevents'

/** What of an event goes into a webhook's body. */
export type BodyFacts = Pick<LoggedEvent, 'id' | 'eventName' | 'occurredAt' | 'entity' | 'related' | 'payload'>

/** What of an event goes into a webhook, in whatever format. */
export type OutgoingFacts = BodyFacts & CloudEventFacts & Pick<LoggedEvent, 'traceParent'>

/** An event on its way to its receivers. */
export class OutgoingEvent {
  readonly companyId: string
  readonly id: string
  readonly position: number
  /** Why there is no body. */
  readonly missing: Missing | undefined
  readonly #facts: OutgoingFacts | undefined
  #body: Buffer | undefined
  #cloudEvent: Buffer | undefined

  /** @param facts or why there are none */
  constructor(companyId: string, id: string, position: number, facts: OutgoingFacts | Missing) {
    this.companyId = companyId
    this.id = id
    this.position = position
    if (typeof facts === 'string') this.missing = facts
    else this.#facts = facts
  }

  get eventName(): string {
    return this.#facts?.eventName ?? 'unknown'
  }

  /** Of the trace that its publish was part of. */
  get traceParent(): string | undefined {
    return this.#facts?.traceParent
  }

  /** Made once per format, however many subscriptions get it; undefined when something is {@link missing}. */
  bodyAs(format: WebhookFormat): Buffer | undefined {
    if (!this.#facts) return undefined
    if (format === 'cloudevents') return (this.#cloudEvent ??= cloudEventBody(this.#facts, this.position))
    return (this.#body ??= webhookBody(this.#facts, this.position))
  }
}

/**
 * The body of a webhook: the event around its payload, which goes in byte for byte as it was published. Every attempt,
 * copy and replay of an event has the same body.
 */
export function webhookBody(facts: BodyFacts, position: number): Buffer {
  const head = JSON.stringify({
    id: facts.id,
    type: facts.eventName,
    timestamp: facts.occurredAt,
    position,
    entity: facts.entity,
    related: facts.related.length > 0 ? facts.related : undefined,
  })
  return Buffer.from(`${head.slice(0, -1)},"data":${facts.payload}}`)
}
