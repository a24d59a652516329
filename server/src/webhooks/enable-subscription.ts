import type { Db } from '../db/statement.ts'
import type { Author } from '../events/administrative-event.ts'
import { matchesEventName } from '../events/event-names.ts'
import { ProblemError } from '../lib/problems.ts'
import type { Job } from './jobs/job-store.ts'
import { recoverEvents } from './jobs/recover-events.ts'
import { startJob } from './jobs/start-job.ts'
import type { SubscriptionRow } from './subscription-store.ts'
import { countByName, lockHead } from './subscription-store.ts'
import { activate, begin, getSubscription } from './subscriptions.ts'

/** Events that were held back while a subscription was not active. */
export interface Held {
  readonly from_position: number
  readonly to_position: number
  readonly count: number
}

/**
 * Posts to it again; its waiting deliveries are due at once. Answers with what was held back since it stopped, and with
 * `recover` starts the job that sends it. An ordered subscription that recovers becomes active by that job, when all
 * that it missed is queued before what is new. Throws count_required, count_changed or job_limit.
 */
export async function enableSubscription(
  db: Db,
  author: Author,
  companyId: string,
  id: string,
  options: { readonly recover?: boolean; readonly expectedCount?: number | undefined } = {},
): Promise<{ subscription: SubscriptionRow; held: Held | null; job: Job | null }> {
  const { version, lastPosition } = await begin(db, companyId)
  const before = await getSubscription(db, companyId, id)
  if (before.status === 'active') return { subscription: before, held: null, job: null }
  const held = await countHeld(db, before, lastPosition)
  const isOrdered = before.ordering !== 'none'
  const job =
    options.recover && held && held.count > 0
      ? await startRecovery(db, author, before, held, { thenActive: isOrdered, expectedCount: options.expectedCount })
      : null
  if (job && isOrdered) return { subscription: before, held, job }
  const subscription = await activate(db, author, before, { version, lastPosition, told: { held, job_id: job?.id } })
  return { subscription, held, job }
}

/**
 * Starts the job that sends an active subscription the events of a range of positions that were never owed to it. Throws
 * not_found, subscription_not_recoverable, count_required, count_changed or job_limit.
 */
export async function recoverSubscription(
  db: Db,
  author: Author,
  companyId: string,
  id: string,
  range: { readonly from_position: number; readonly to_position?: number | undefined },
  expectedCount: number | undefined,
): Promise<Job> {
  const [head] = await lockHead(db, companyId)
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
  const to = Math.min(range.to_position ?? lastPosition, lastPosition)
  const held = { from_position: range.from_position, to_position: to }
  return await startRecovery(db, author, row, held, { thenActive: false, expectedCount })
}

async function startRecovery(
  db: Db,
  author: Author,
  { company_id: companyId, id }: SubscriptionRow,
  { from_position, to_position }: Pick<Held, 'from_position' | 'to_position'>,
  options: { readonly thenActive: boolean; readonly expectedCount: number | undefined },
): Promise<Job> {
  const range = { subscription_id: id, from_position, to_position, then_active: options.thenActive }
  return await startJob(db, author, companyId, recoverEvents, range, options.expectedCount)
}

async function countHeld(db: Db, before: SubscriptionRow, lastPosition: number): Promise<Held | null> {
  const from = before.held_from_position
  if (from === null) return null
  const names = await countByName(db, before.company_id, from, lastPosition)
  const matching = names.filter(({ event_name }) => before.event_names.some((one) => matchesEventName(one, event_name)))
  return { from_position: from, to_position: lastPosition, count: matching.reduce((sum, { count }) => sum + count, 0) }
}
