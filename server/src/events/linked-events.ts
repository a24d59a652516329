import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import { canonicalUuid } from '../lib/ids.ts'
import type { EventView } from './event-view.ts'

/** An event that another one came from, or led to. */
export interface LinkedEvent {
  readonly id: string
  /** Null until it is routed. */
  readonly position: number | null
  readonly event_name: string
  readonly entity_type: string | null
  readonly entity_id: string | null
  readonly recorded_at: string
}

export interface Links {
  /** The event that it names as its cause first, then that one's cause and so on; 20 at most. */
  readonly causes: LinkedEvent[]
  /** Events that name it as their cause, the oldest first; 50 at most. */
  readonly effects: LinkedEvent[]
  readonly has_more_effects: boolean
}

interface Row extends Omit<LinkedEvent, 'recorded_at'> {
  readonly recorded_at: Date
  readonly causation_id: string | null
}

const linked = (condition: string) => `select l.id, t.position, l.event_name, l.entity_type, l.entity_id, l.recorded_at,
          l.causation_id
     from (select * from event_logs l where l.company_id = $1 and ${condition}) l
     left join lateral (
       select t.position
         from event_audit_trail t
        where t.company_id = $1 and t.event_id = l.id
        limit 1
     ) t on true
    order by l.id`

const findCause = statement<[companyId: string, id: string], Row>('event.find_cause', linked('l.id = $2'))

const listEffects = statement<[companyId: string, id: string, limit: number], Row>(
  'event.list_effects',
  linked('l.causation_id = $2 order by l.id limit $3'),
)

const CAUSES_MAX = 20
const EFFECTS_MAX = 50

/** What of the chain is still in the log. A causation id that is no event's is where it ends, and so is a circle. */
export async function readLinks(db: Db, companyId: string, event: EventView): Promise<Links> {
  const causes: LinkedEvent[] = []
  const met = new Set([event.id])
  let wanted = causeOf(event.causation_id)
  while (wanted !== undefined && !met.has(wanted) && causes.length < CAUSES_MAX) {
    met.add(wanted)
    const [row] = await findCause(db, companyId, wanted)
    if (!row) break
    causes.push(toLinked(row))
    wanted = causeOf(row.causation_id)
  }
  const effects = await listEffects(db, companyId, event.id, EFFECTS_MAX + 1)
  return {
    causes,
    effects: effects.slice(0, EFFECTS_MAX).map(toLinked),
    has_more_effects: effects.length > EFFECTS_MAX,
  }
}

function causeOf(causationId: string | null): string | undefined {
  return causationId === null ? undefined : canonicalUuid(causationId)
}

function toLinked({ id, position, event_name, entity_type, entity_id, recorded_at }: Row): LinkedEvent {
  return { id, position, event_name, entity_type, entity_id, recorded_at: recorded_at.toISOString() }
}
