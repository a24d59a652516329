import type { Db } from '../../db/statement.ts'
import type { Author } from '../../events/administrative-event.ts'
import { administrativeEvent } from '../../events/administrative-event.ts'
import { insertEvents } from '../../events/insert-events.ts'
import type { JobRow } from './job-store.ts'

type JobEventName = `daybook.job.${'started' | 'paused' | 'resumed' | 'succeeded' | 'failed' | 'cancelled'}`

/**
 * Tells of a job's start, pause, resumption or end in the transaction of the change. What the job did to single deliveries needs no events of
 * its own: this one names what was chosen, and the counts.
 */
export async function tellOfJob(
  db: Db,
  author: Author,
  companyId: string,
  eventName: JobEventName,
  before: JobRow | undefined,
  after: JobRow,
): Promise<void> {
  const payload = {
    job_id: after.id,
    kind: after.kind,
    parameters: after.parameters,
    ...(before && { before: describe(before) }),
    after: describe(after),
  }
  const entity = { type: 'job', id: after.id }
  await insertEvents(db, [administrativeEvent(author, { companyId, eventName, entity, payload })])
}

function describe({ state, total, done, skipped, failed, last_error }: JobRow): object {
  return { state, total, done, skipped, failed, last_error }
}
