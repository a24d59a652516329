import type { Db } from '../db/statement.ts'
import type { Author } from '../events/administrative-event.ts'
import { ProblemError } from '../lib/problems.ts'
import type { CountedRange } from './held-events.ts'
import { countMoved, countRange, longRange } from './held-events.ts'
import type { Job } from './jobs/job-store.ts'
import { refuseWhileRecovering } from './jobs/open-recovery.ts'
import { recoverEvents } from './jobs/recover-events.ts'
import { startJob } from './jobs/start-job.ts'
import type { SubscriptionRow } from './subscription-store.ts'
import { findLastPosition } from './subscription-store.ts'
import type { CheckVersion } from './subscriptions.ts'
import { activate, begin, getSubscription } from './subscriptions.ts'

/** Events that were held back while a subscription was not active. */
export interface Held {
  readonly from_position: number
  readonly to_position: number
  /** Null: so many positions are not counted. */
  readonly count: number | null
}

interface EnableOptions {
  readonly recover?: boolean
  readonly expectedCount?: number | undefined
  readonly checkVersion?: CheckVersion
}

/**
 * Posts to it again; its waiting deliveries are due at once. Answers with what was held back since it stopped, and with
 * `recover` starts the job that sends it. An ordered subscription that recovers becomes active by that job, when all
 * that it missed is queued before what is new. Throws recovery_running, count_required, count_changed, job_limit or
 * job_too_large.
 *
 * What was held back is counted before the company's head is locked, and under the lock only what came since: nothing of
 * any company is routed while one head is locked.
 */
export async function enableSubscription(
  db: Db,
  author: Author,
  companyId: string,
  id: string,
  { recover = false, expectedCount, checkVersion = () => {} }: EnableOptions = {},
): Promise<{ subscription: SubscriptionRow; held: Held | null; job: Job | null }> {
  const look = await lookAtHeld(db, companyId, id)
  const { version, lastPosition } = await begin(db, companyId)
  const before = await getSubscription(db, companyId, id)
  checkVersion(before.version)
  if (before.status === 'active') return { subscription: before, held: null, job: null }
  await refuseWhileRecovering(db, companyId, id)
  const held = await countHeld(db, before, lastPosition, look)
  const isOrdered = before.ordering !== 'none'
  const job =
    recover && held && held.count !== 0 ? await recoverHeld(db, author, before, held, isOrdered, expectedCount) : null
  if (job && isOrdered) return { subscription: before, held, job }
  const subscription = await activate(db, author, before, { version, lastPosition, told: { held, job_id: job?.id } })
  return { subscription, held, job }
}

/**
 * Starts the job that sends an active subscription the events of a range of positions that were never owed to it. Throws
 * not_found, subscription_not_recoverable, count_required, count_changed, job_limit or job_too_large.
 */
export async function recoverSubscription(
  db: Db,
  author: Author,
  companyId: string,
  id: string,
  range: { readonly from_position: number; readonly to_position?: number | undefined },
  expectedCount: number | undefined,
): Promise<Job> {
  const [head] = await findLastPosition(db, companyId)
  const lastPosition = head?.last_position ?? 0
  const row = await getSubscription(db, companyId, id)
  if (row.status !== 'active') {
    throw new ProblemError('subscription_not_recoverable', 'It is not active; enable it with recover')
  }
  if (row.ordering !== 'none') {
    throw new ProblemError(
      'subscription_not_recoverable',
      'It is ordered, and what it missed would come after newer events',
    )
  }
  const to_position = Math.min(range.to_position ?? lastPosition, lastPosition)
  const parameters = { subscription_id: id, from_position: range.from_position, to_position, then_active: false }
  return await startJob(db, author, companyId, recoverEvents, parameters, expectedCount)
}

async function recoverHeld(
  db: Db,
  author: Author,
  { company_id: companyId, id }: SubscriptionRow,
  { from_position, to_position, count }: Held,
  thenActive: boolean,
  expectedCount: number | undefined,
): Promise<Job> {
  if (count === null) throw longRange()
  const parameters = { subscription_id: id, from_position, to_position, then_active: thenActive, was_held: true }
  return await startJob(db, author, companyId, recoverEvents, parameters, expectedCount, { count })
}

type Look = CountedRange | 'nothing_held' | 'too_long'

/** Without a lock, so it may be out of date when one is taken. */
async function lookAtHeld(db: Db, companyId: string, id: string): Promise<Look> {
  const { status, held_from_position: from } = await getSubscription(db, companyId, id)
  if (status === 'active' || from === null) return 'nothing_held'
  const [head] = await findLastPosition(db, companyId)
  return (await countRange(db, companyId, from, head?.last_position ?? 0)) ?? 'too_long'
}

/** Under the lock of the company's head. */
async function countHeld(db: Db, before: SubscriptionRow, lastPosition: number, look: Look): Promise<Held | null> {
  const { company_id: companyId, held_from_position: from, event_names: patterns } = before
  if (from === null) return null
  const held = { from_position: from, to_position: lastPosition }
  if (look === 'too_long') return { ...held, count: null }
  // It was stopped since the look: nothing before that was held back.
  const counted = look === 'nothing_held' ? { from, to: from - 1, names: [] } : look
  return { ...held, count: await countMoved(db, companyId, counted, { from, to: lastPosition }, patterns) }
}
