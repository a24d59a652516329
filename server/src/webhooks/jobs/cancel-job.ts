import type { Db } from '../../db/statement.ts'
import type { Author } from '../../events/administrative-event.ts'
import { tellOfJob } from './job-event.ts'
import type { Job } from './job-store.ts'
import { cancelJobRow, toJob } from './job-store.ts'
import type { JobAsk } from './lock-asked.ts'
import { lockAsked } from './lock-asked.ts'
import { refuseEnded } from './start-job.ts'

/**
 * Ends an open job: a slice that is under way is waited for and stays, nothing follows it. Throws not_found,
 * forbidden or job_ended.
 */
export async function cancelJob(db: Db, author: Author, companyId: string, ask: JobAsk): Promise<Job> {
  const { row: before, kind } = await lockAsked(db, companyId, ask)
  refuseEnded(before.state)
  const [after] = await cancelJobRow(db, companyId, before.id)
  if (!after) throw new Error(`Job ${before.id} is gone within its transaction`)
  await tellOfJob(db, author, companyId, 'daybook.job.cancelled', before, after)
  const { parameters } = before
  await kind?.abandoned?.(db, author, { companyId, id: before.id, parameters }, 'cancelled')
  return toJob(after)
}
