import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { EntityRef, LoggedEvent } from './event.ts'
import type { RecentEvents } from './recent-events.ts'

/** A row of event_logs as routing and delivery read it. */
export interface LoggedRow {
  company_id: string
  id: string
  event_name: string
  entity_type: string | null
  entity_id: string | null
  related: EntityRef[] | null
  actor_type: string | null
  actor_id: string | null
  actor_name: string | null
  source: string | null
  correlation_id: string | null
  causation_id: string | null
  occurred_at: Date
  recorded_at: Date
  payload: string
  digest: Buffer
}

const readEvents = statement<[companyId: string, ids: readonly string[]], LoggedRow>(
  'event.read_logged',
  `select company_id, id, event_name, entity_type, entity_id, related, actor_type, actor_id, actor_name, source,
          correlation_id, causation_id, occurred_at, recorded_at, payload, digest
     from event_logs
    where company_id = $1 and id = any($2::uuid[])`,
)

/** The events of one company by id, from memory where possible. An id that is not in the log is not in the answer. */
export async function readLogged(
  db: Db,
  recent: RecentEvents,
  companyId: string,
  ids: Iterable<string>,
): Promise<Map<string, LoggedEvent>> {
  const found = new Map<string, LoggedEvent>()
  const missing: string[] = []
  for (const id of new Set(ids)) {
    const event = recent.get(companyId, id)
    if (event) found.set(id, event)
    else missing.push(id)
  }
  if (missing.length > 0) {
    for (const row of await readEvents(db, companyId, missing)) found.set(row.id, toLoggedEvent(row))
  }
  return found
}

export function toLoggedEvent(row: LoggedRow): LoggedEvent {
  return {
    companyId: row.company_id,
    id: row.id,
    eventName: row.event_name,
    entity: row.entity_type === null ? undefined : { type: row.entity_type, id: row.entity_id ?? '' },
    related: row.related?.map(({ type, id }) => ({ type, id })) ?? [], // jsonb has an order of members of its own
    actor:
      row.actor_type === null
        ? undefined
        : { type: row.actor_type, id: row.actor_id ?? '', name: row.actor_name ?? undefined },
    source: row.source ?? undefined,
    correlationId: row.correlation_id ?? undefined,
    causationId: row.causation_id ?? undefined,
    occurredAt: row.occurred_at.toISOString(),
    recordedAt: row.recorded_at.toISOString(),
    payload: row.payload,
    digest: row.digest,
  }
}
