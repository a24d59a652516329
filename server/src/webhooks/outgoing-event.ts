import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { EntityRef, LoggedEvent } from '../events/event.ts'
import type { RecentEvents } from '../events/recent-events.ts'

/** What of an event goes into a webhook. */
export type OutgoingFacts = Pick<
  LoggedEvent,
  'companyId' | 'id' | 'eventName' | 'occurredAt' | 'entity' | 'related' | 'payload'
>

/** An event on its way to its receivers. */
export class OutgoingEvent {
  readonly companyId: string
  readonly id: string
  readonly position: number
  readonly #facts: OutgoingFacts | undefined
  #body: Buffer | undefined

  /** @param facts undefined when the log holds the payload no more */
  constructor(companyId: string, id: string, position: number, facts: OutgoingFacts | undefined) {
    this.companyId = companyId
    this.id = id
    this.position = position
    this.#facts = facts
  }

  get eventName(): string {
    return this.#facts?.eventName ?? 'unknown'
  }

  /** Made once, however many subscriptions get it; undefined when there is nothing to send any more. */
  get body(): Buffer | undefined {
    return (this.#body ??= this.#facts && webhookBody(this.#facts, this.position))
  }
}

/**
 * The body of a webhook: the event around its payload, which goes in byte for byte as it was published. Every attempt,
 * copy and replay of an event has the same body.
 */
export function webhookBody(facts: OutgoingFacts, position: number): Buffer {
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

interface OutgoingRow {
  id: string
  event_name: string
  occurred_at: Date
  entity_type: string | null
  entity_id: string | null
  related: EntityRef[] | null
  payload: string
}

const readRows = statement<[companyId: string, ids: readonly string[]], OutgoingRow>(
  'event.read_outgoing',
  `select id, event_name, occurred_at, entity_type, entity_id, related, payload
     from event_logs
    where company_id = $1 and id = any($2::uuid[])`,
)

/** What there is to send of these events of one company, from memory where possible; without those that are gone. */
export async function readOutgoing(
  db: Db,
  recent: RecentEvents,
  companyId: string,
  ids: Iterable<string>,
): Promise<Map<string, OutgoingFacts>> {
  const found = new Map<string, OutgoingFacts>()
  const missing: string[] = []
  for (const id of new Set(ids)) {
    const event = recent.get(companyId, id)
    if (event) found.set(id, event)
    else missing.push(id)
  }
  if (missing.length === 0) return found
  for (const row of await readRows(db, companyId, missing)) {
    found.set(row.id, {
      companyId,
      id: row.id,
      eventName: row.event_name,
      occurredAt: row.occurred_at.toISOString(),
      entity: row.entity_type === null ? undefined : { type: row.entity_type, id: row.entity_id ?? '' },
      related: row.related?.map(({ type, id }) => ({ type, id })) ?? [], // jsonb has an order of members of its own
      payload: row.payload,
    })
  }
  return found
}
