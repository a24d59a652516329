import type { Db } from '../../db/statement.ts'
import type { Author } from '../../events/administrative-event.ts'
import { allJobKinds } from './all-job-kinds.ts'
import { tellOfJob } from './job-event.ts'
import type { Job } from './job-store.ts'
import { cancelJobRow, lockJob, toJob } from './job-store.ts'
import { refuseEnded } from './start-job.ts'

/**
 * Ends an open job: a slice that is under way is waited for and stays, nothing follows it. Throws not_found or job_ended.
 */
export async function cancelJob(db: Db, author: Author, companyId: string, id: string, kind?: string): Promise<Job> {
  const before = await lockJob(db, companyId, id, kind)
  refuseEnded(before.state)
  const [after] = await cancelJobRow(db, companyId, before.id)
  if (!after) throw new Error(`Job ${before.id} is gone within its transaction`)
  await tellOfJob(db, author, companyId, 'daybook.job.cancelled', before, after)
  const { parameters } = before
  const known = allJobKinds.find((one) => one.kind === before.kind)
  await known?.abandoned?.(db, author, { companyId, id: before.id, parameters }, 'cancelled')
  return toJob(after)
}
