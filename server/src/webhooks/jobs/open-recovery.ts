import { statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import type { Author } from '../../events/administrative-event.ts'
import { ProblemError } from '../../lib/problems.ts'
import { tellOfJob } from './job-event.ts'
import { cancelJobRow, isOpen, lockJob, open } from './job-store.ts'

/** Open jobs are few, and an index has only them. */
const findOpen = statement<[companyId: string, subscriptionId: string], { id: string }>(
  'recover.find_open',
  `select id
     from jobs
    where company_id = $1 and ${open} and kind = 'recover_events'
      and parameters ->> 'subscription_id' = $2 and (parameters ->> 'then_active')::boolean`,
)

/** Throws recovery_running while a job sends an ordered subscription what it missed, and will then make it active. */
export async function refuseWhileRecovering(db: Db, companyId: string, subscriptionId: string): Promise<void> {
  const [job] = await findOpen(db, companyId, subscriptionId)
  if (!job) return
  throw new ProblemError(
    'recovery_running',
    `Job ${job.id} sends what it missed and then makes it active; cancel that first`,
  )
}

/**
 * Whoever stops a subscription wants no job to make it active after all. Before the company's head is locked: a slice has
 * its job's row first.
 */
export async function cancelRecovery(db: Db, author: Author, companyId: string, subscriptionId: string): Promise<void> {
  for (const { id } of await findOpen(db, companyId, subscriptionId)) {
    const before = await lockJob(db, companyId, id)
    if (!isOpen(before.state)) continue // it ended while its row was waited for
    const [after] = await cancelJobRow(db, companyId, id)
    if (after) await tellOfJob(db, author, companyId, 'daybook.job.cancelled', before, after)
  }
}
