import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import { canonicalUuid } from '../lib/ids.ts'
import { ProblemError } from '../lib/problems.ts'
import type { EventView, TrailRow } from './event-view.ts'
import { viewOne } from './event-view.ts'

const findInTrail = statement<[companyId: string, id: string], TrailRow>(
  'trail.find',
  `select position, event_id, event_name, entity_type, entity_id, actor_type, actor_id, source, correlation_id,
          recorded_at, digest
     from event_audit_trail
    where company_id = $1 and event_id = $2`,
)

/**
 * One event, from the moment its publish was acknowledged. Throws not_found, in the same words whether the id is
 * unknown, another company's or no id at all.
 */
export async function getEvent(db: Db, companyId: string, id: string): Promise<EventView> {
  const eventId = canonicalUuid(id)
  if (eventId !== undefined) {
    const [trail] = await findInTrail(db, companyId, eventId)
    const event = await viewOne(db, companyId, eventId, trail)
    if (event) return event
  }
  throw new ProblemError('not_found', 'No such event')
}
