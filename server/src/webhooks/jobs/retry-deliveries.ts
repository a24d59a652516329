import type { Db } from '../../db/statement.ts'
import { findStored } from '../../events/find-stored.ts'
import { hastenProbes, insertAgain, makeDue } from '../post-again.ts'
import type { EndingTerms } from './chosen-endings.ts'
import { scanChosenEndings, takeBackEndedSince } from './chosen-endings.ts'
import { lockIdle, scanChosenPending } from './chosen-pending.ts'
import { countChosen } from './count-chosen.ts'
import { isAnyCrowded } from './crowded-subscriptions.ts'
import type { ChoiceTerms, DeliveryChoice } from './delivery-choice.ts'
import { termsOf } from './delivery-choice.ts'
import type { JobAtWork, JobSlice } from './job-kinds.ts'
import { jobKind } from './job-kinds.ts'

/** Rows that a slice looks at. Small, so that nobody waits for it. */
const SLICE_ROWS = 200

/** So many deliveries of a subscription may be due, and a slice still adds to them. */
const DUE_MAX = 500

const CROWDED_REST_MS = 500

/**
 * Makes the next attempt of each chosen delivery now, as retryDelivery does for one: what has ended begins a new
 * schedule under its own id, what is pending stays on its own. Skipped are deliveries of subscriptions that were deleted
 * (`subscription_deleted`), those whose payload is no longer stored (`payload_expired`), those that somebody has retried since they were counted (`changed_since`), and of the pending
 * ones those in flight (`in_flight`) and those that wait for an earlier one (`delivery_blocked`). A subscription with many deliveries due is waited for.
 */
export const retryDeliveries = jobKind<DeliveryChoice>({
  kind: 'retry_deliveries',
  scope: 'deliveries:write',
  goesOnAfterFailure: true,
  isEmptyDone: true,
  count: countChosen,
  slice: async (db, job) => {
    const terms = await termsOf(db, job.companyId, job.parameters)
    if (!terms) return { done: 0, skipped: {}, cursor: null, finished: true }
    const { state } = job.parameters
    return state === 'pending'
      ? await retryPending(db, job, terms)
      : await retryEnded(db, job, { ...terms, outcome: state })
  },
})

async function retryEnded(db: Db, job: JobAtWork<DeliveryChoice>, terms: EndingTerms): Promise<JobSlice> {
  const { companyId, createdAt } = job
  const { chosen, reached } = await scanChosenEndings(db, companyId, terms, placeOf(job))
  const wanted = chosen.filter(({ is_deleted }) => !is_deleted)
  const eventIds = [...new Set(wanted.map(({ event_id }) => event_id))]
  const stored = await findStored(db, companyId, eventIds)
  const open = wanted.filter(({ event_id }) => stored.has(event_id))
  const subscriptionIds = distinct(open)
  if (await isAnyCrowded(db, companyId, subscriptionIds, DUE_MAX)) return waitingAt(job)
  const inserted = await insertAgain(db, companyId, open)
  const takenBack = await takeBackEndedSince(db, companyId, [...inserted], createdAt)
  await hastenOnce(db, job, subscriptionIds)
  const done = inserted.size - takenBack.size
  const skipped = {
    subscription_deleted: chosen.length - wanted.length,
    ...(open.length < wanted.length && { payload_expired: wanted.length - open.length }),
    changed_since: open.length - done,
  }
  return { done, skipped, cursor: reached, finished: reached === null, wake: subscriptionIds }
}

async function retryPending(db: Db, job: JobAtWork<DeliveryChoice>, terms: ChoiceTerms): Promise<JobSlice> {
  const { companyId } = job
  const { chosen, reached } = await scanChosenPending(db, companyId, terms, placeOf(job))
  const open = chosen.filter(({ is_deleted }) => !is_deleted)
  const subscriptionIds = distinct(open)
  if (await isAnyCrowded(db, companyId, subscriptionIds, DUE_MAX)) return waitingAt(job)
  const locked = await lockIdle(
    db,
    companyId,
    open.map(({ id }) => id),
  )
  const first = locked.filter(({ is_blocked }) => !is_blocked)
  await makeDue(
    db,
    companyId,
    first.map(({ id }) => id),
  )
  await hastenOnce(db, job, subscriptionIds)
  const skipped = {
    subscription_deleted: chosen.length - open.length,
    in_flight: open.length - locked.length,
    delivery_blocked: locked.length - first.length,
  }
  return { done: first.length, skipped, cursor: reached, finished: reached === null, wake: subscriptionIds }
}

function placeOf({ cursor, createdAt }: JobAtWork<DeliveryChoice>) {
  return { cursor, countedAt: createdAt, rows: SLICE_ROWS }
}

function waitingAt({ cursor }: JobAtWork<DeliveryChoice>): JobSlice {
  return { done: 0, skipped: {}, cursor, finished: false, waitingFor: 'deliveries_due', restMs: CROWDED_REST_MS }
}

/** Each breaker once: one that opened again since the job was started belongs to an endpoint that is dead still. */
async function hastenOnce(
  db: Db,
  { companyId, createdAt }: JobAtWork<DeliveryChoice>,
  subscriptionIds: readonly string[],
): Promise<void> {
  if (subscriptionIds.length > 0) await hastenProbes(db, companyId, subscriptionIds, createdAt)
}

function distinct(deliveries: readonly { readonly subscription_id: string }[]): readonly string[] {
  return [...new Set(deliveries.map(({ subscription_id }) => subscription_id))]
}
