import type { Db } from '../db/statement.ts'
import type { Author } from '../events/administrative-event.ts'
import { systemActor } from '../events/administrative-event.ts'
import { systemClock } from '../lib/clock.ts'
import { newId } from '../lib/ids.ts'
import { countOf, countRange } from './held-events.ts'
import { RECOVER_KIND } from './jobs/recover-kind.ts'
import type { RecoverRange } from './jobs/recover-kind.ts'
import { openJob } from './jobs/open-job.ts'
import { findLastPosition, findSubscriptionRow, passHold, saveSubscription } from './subscription-store.ts'
import { begin, stop, tell, withActive } from './subscriptions.ts'

/**
 * An active subscription can be held: what waits is posted, and new events wait. `held_by` is the job that holds them, and
 * `held_from_position` the first of them. It begins under the lock of the company's head, so it lies between two positions.
 *
 *     active ── holdEvents ──▶ held by a replay ── letHeldFollow ──▶ held by a recovery ── its last slice ──▶ active
 *
 * Each arrow is in the transaction that ends what was before, so a kill leaves a subscription with a job that goes on.
 * Whoever stops or deletes the subscription takes it out of this; the position stays, as of any that was stopped.
 */

/** Answers with false for one that is not active, or held already. */
export async function holdEvents(db: Db, companyId: string, id: string, jobId: string): Promise<boolean> {
  const { version, lastPosition } = await begin(db, companyId)
  const [before] = await findSubscriptionRow(db, companyId, id)
  if (before?.status !== 'active' || before.held_by !== null) return false
  const held = { held_by: jobId, held_from_position: lastPosition + 1 }
  await saveSubscription(db, { ...before, ...held, version }, lastPosition)
  const author = { actor: systemActor, nowMs: systemClock.now() }
  const told = { job_id: jobId, held_from_position: held.held_from_position }
  await tell(db, author, 'daybook.subscription.held', before, told)
  return true
}

/**
 * Starts the job that sends what a replay held back, and then lets new events come as they do. Nothing happens to a
 * subscription that is not, or no more, held by the replay. How many jobs are open does not matter: this one has to be.
 * Before the lock of any health row.
 */
export async function letHeldFollow(
  db: Db,
  author: Author,
  companyId: string,
  id: string,
  replayId: string,
): Promise<void> {
  const jobId = newId(author.nowMs)
  const [held] = await passHold(db, companyId, id, replayId, jobId)
  if (!held) return
  const [head] = await findLastPosition(db, companyId)
  const [from, to] = [held.held_from_position, head?.last_position ?? 0]
  const counted = await countRange(db, companyId, from, to)
  const total = counted ? countOf(counted.names, held.event_names) : to - from + 1
  const parameters: RecoverRange = {
    subscription_id: id,
    from_position: from,
    to_position: to,
    then_active: true,
    after_replay: replayId,
  }
  await openJob(db, author, companyId, { id: jobId, kind: RECOVER_KIND, parameters, total })
}

/**
 * The job that was to send what was held ended before it was done: the subscription is inactive, since new events would
 * come before older ones, and can be enabled with `recover`.
 */
export async function stopHeld(
  db: Db,
  author: Author,
  companyId: string,
  id: string,
  jobId: string,
  reason: 'recovery_cancelled' | 'recovery_failed',
): Promise<void> {
  const { version, lastPosition } = await begin(db, companyId)
  const [before] = await findSubscriptionRow(db, companyId, id)
  if (before?.held_by !== jobId) return
  await stop(db, author, before, { ...withActive(before, false, lastPosition), version }, reason, lastPosition)
}
