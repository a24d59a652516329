import type { Db } from '../../db/statement.ts'
import type { Author } from '../../events/administrative-event.ts'
import { newId } from '../../lib/ids.ts'
import { ProblemError } from '../../lib/problems.ts'
import { tellOfJob } from './job-event.ts'
import type { JobKind } from './job-kinds.ts'
import type { Job, JobState } from './job-store.ts'
import { advanceJob, countOpenJobs, isOpen, lockJob, pauseJobRow, resumeJobRow, toJob } from './job-store.ts'
import { openJob } from './open-job.ts'

/** So that a script in a circle fills neither the table nor the queue of its company. */
const OPEN_JOBS_MAX = 20

/** From here on whoever starts a job has to say how much he expects it to be. */
export const UNCONFIRMED_MAX = 1_000

/** How far the number may have moved since it was looked at, as a share of what is expected. */
const TOLERANCE = 0.1

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
  counted?: number,
): Promise<Job> {
  const [open] = await countOpenJobs(db, companyId, OPEN_JOBS_MAX)
  if (open && open.open >= OPEN_JOBS_MAX) {
    throw new ProblemError('job_limit', `${OPEN_JOBS_MAX} jobs wait or run; let one of them end, or cancel it`)
  }
  const total = counted ?? (await kind.count(db, companyId, parameters))
  confirmCount(total, expectedCount)
  const id = newId(author.nowMs)
  const row = await openJob(db, author, companyId, { id, kind: kind.kind, parameters, total })
  if (total > 0 || !kind.isEmptyDone) return toJob(row)
  const [ended] = await advanceJob(db, companyId, row.id, 'succeeded', 0, '{}', 0, null, null, 0, 0)
  if (!ended) throw new Error(`Job ${row.id} is gone within its transaction`)
  await tellOfJob(db, author, companyId, 'daybook.job.succeeded', row, ended)
  return toJob(ended)
}

/** Exported for tests. */
export function confirmCount(count: number, expected: number | undefined): void {
  if (expected === undefined) {
    if (count <= UNCONFIRMED_MAX) return
    const message = `${count} fit the filter; confirm that with expected_count`
    throw new ProblemError('count_required', message, [{ pointer: '/expected_count', code: 'required', message }])
  }
  if (Math.abs(count - expected) <= expected * TOLERANCE) return
  const message = `${count} fit the filter now, and ${expected} were expected`
  throw new ProblemError('count_changed', message, [{ pointer: '/expected_count', code: 'count_changed', message }])
}

/**
 * No slice begins before it is resumed; one that is under way is waited for and stays. Nothing happens to one that is
 * paused already. Throws not_found or job_ended.
 */
export async function pauseJob(db: Db, author: Author, companyId: string, id: string, kind?: string): Promise<Job> {
  const before = await lockJob(db, companyId, id, kind)
  refuseEnded(before.state)
  if (before.state === 'paused') return toJob(before)
  const [after] = await pauseJobRow(db, companyId, before.id)
  if (!after) throw new Error(`Job ${before.id} is gone within its transaction`)
  await tellOfJob(db, author, companyId, 'daybook.job.paused', before, after)
  return toJob(after)
}

/** It goes on where it was paused. Nothing happens to one that is not paused. Throws not_found or job_ended. */
export async function resumeJob(db: Db, author: Author, companyId: string, id: string, kind?: string): Promise<Job> {
  const before = await lockJob(db, companyId, id, kind)
  refuseEnded(before.state)
  if (before.state !== 'paused') return toJob(before)
  const [after] = await resumeJobRow(db, companyId, before.id)
  if (!after) throw new Error(`Job ${before.id} is gone within its transaction`)
  await tellOfJob(db, author, companyId, 'daybook.job.resumed', before, after)
  return toJob(after)
}

/** Throws job_ended. */
export function refuseEnded(state: JobState): void {
  if (!isOpen(state)) throw new ProblemError('job_ended', `It has ended already: ${state}`)
}
