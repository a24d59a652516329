import type { Db } from '../../db/statement.ts'
import type { Author } from '../../events/administrative-event.ts'
import { newId } from '../../lib/ids.ts'
import { ProblemError } from '../../lib/problems.ts'
import { confirmCount } from './confirm-count.ts'
import { tellOfJob } from './job-event.ts'
import type { JobKind } from './job-kinds.ts'
import type { Job, JobState } from './job-store.ts'
import { advanceJob, countOpenJobs, isOpen, pauseJobRow, resumeJobRow, toJob } from './job-store.ts'
import type { JobAsk } from './lock-asked.ts'
import { lockAsked } from './lock-asked.ts'
import { openJob } from './open-job.ts'

/** So that a script in a circle fills neither the table nor the queue of its company. */
const OPEN_JOBS_MAX = 20

/** What a job would take, where somebody has counted it before it is started. */
export interface Counted {
  readonly count: number
  /** Not all was looked at. */
  readonly isEstimated?: boolean
}

/**
 * Counts what the job would take, and starts it, in the caller's transaction. The engine takes it up within about a second
 * of the commit; one that takes nothing may have succeeded at once. Throws count_required, count_changed, job_limit or job_too_large.
 * @param counted what it would take, where the caller knows
 */
export async function startJob(
  db: Db,
  author: Author,
  companyId: string,
  kind: JobKind,
  parameters: unknown,
  expectedCount: number | undefined,
  counted?: Counted,
): Promise<Job> {
  await refuseAtJobLimit(db, companyId)
  const { count: total, isEstimated } = counted ?? { count: await kind.count(db, companyId, parameters) }
  confirmCount(total, expectedCount, isEstimated)
  const id = newId(author.nowMs)
  const row = await openJob(db, author, companyId, { id, kind: kind.kind, parameters, total })
  if (total > 0 || !kind.isEmptyDone) return toJob(row)
  const [ended] = await advanceJob(db, companyId, row.id, 'succeeded', 0, '{}', 0, null, null, 0, 0)
  if (!ended) throw new Error(`Job ${row.id} is gone within its transaction`)
  await tellOfJob(db, author, companyId, 'daybook.job.succeeded', row, ended)
  return toJob(ended)
}

/** Throws job_limit. */
export async function refuseAtJobLimit(db: Db, companyId: string): Promise<void> {
  const [open] = await countOpenJobs(db, companyId, OPEN_JOBS_MAX)
  if (!open || open.open < OPEN_JOBS_MAX) return
  throw new ProblemError('job_limit', `${OPEN_JOBS_MAX} jobs wait or run; let one of them end, or cancel it`)
}

/**
 * No slice begins before it is resumed; one that is under way is waited for and stays. Nothing happens to one that is
 * paused already. Throws not_found, forbidden or job_ended.
 */
export async function pauseJob(db: Db, author: Author, companyId: string, ask: JobAsk): Promise<Job> {
  const { row: before } = await lockAsked(db, companyId, ask)
  refuseEnded(before.state)
  if (before.state === 'paused') return toJob(before)
  const [after] = await pauseJobRow(db, companyId, before.id)
  if (!after) throw new Error(`Job ${before.id} is gone within its transaction`)
  await tellOfJob(db, author, companyId, 'daybook.job.paused', before, after)
  return toJob(after)
}

/**
 * It goes on where it was paused, or where it has failed if its kind can go on from there. Nothing happens to one that goes
 * on already, unless its parameters change. Throws not_found, forbidden, job_ended or, for one that has failed, job_limit.
 */
export async function resumeJob(
  db: Db,
  author: Author,
  companyId: string,
  ask: JobAsk,
  change?: Readonly<Record<string, unknown>>,
): Promise<Job> {
  const { row: before, kind } = await lockAsked(db, companyId, ask)
  if (before.state === 'failed' && kind?.goesOnAfterFailure) await refuseAtJobLimit(db, companyId)
  else refuseEnded(before.state)
  if (isGoingOn(before.state) && !change) return toJob(before)
  const [after] = await resumeJobRow(db, companyId, before.id, JSON.stringify(change ?? {}))
  if (!after) throw new Error(`Job ${before.id} is gone within its transaction`)
  await tellOfJob(db, author, companyId, 'daybook.job.resumed', before, after)
  return toJob(after)
}

function isGoingOn(state: JobState): boolean {
  return state === 'queued' || state === 'running'
}

/** Throws job_ended. */
export function refuseEnded(state: JobState): void {
  if (!isOpen(state)) throw new ProblemError('job_ended', `It has ended already: ${state}`)
}
