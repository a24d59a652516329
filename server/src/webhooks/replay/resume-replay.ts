import type { Db } from '../../db/statement.ts'
import type { Author } from '../../events/administrative-event.ts'
import type { Job } from '../jobs/job-store.ts'
import { resumeJob } from '../jobs/start-job.ts'
import { REPLAY_KIND } from './replay-events.ts'
import type { ReplayParameters } from './replay-parameters.ts'

/**
 * As {@link resumeJob} does. A number that is given confirms that so many are sent, also by one that waits for that
 * (`more_than_confirmed`); where the total was counted exactly nothing has to be confirmed.
 */
export async function resumeReplay(
  db: Db,
  author: Author,
  companyId: string,
  id: string,
  expectedCount?: number,
): Promise<Job> {
  const change: Partial<ReplayParameters> | undefined =
    expectedCount === undefined ? undefined : { confirmed_count: expectedCount }
  return await resumeJob(db, author, companyId, { id, kind: REPLAY_KIND }, change)
}
