import type { Db } from '../../db/statement.ts'
import type { Clock } from '../../lib/clock.ts'
import { systemClock } from '../../lib/clock.ts'
import { deliveryId } from '../../lib/ids.ts'
import { systemActor } from '../../events/administrative-event.ts'
import { holdEvents, letHeldFollow } from '../hold-events.ts'
import { insertMissing } from '../insert-deliveries.ts'
import { insertOrdered } from '../insert-ordered.ts'
import type { JobAtWork, JobSlice } from '../jobs/job-kinds.ts'
import { confirmedMax } from '../jobs/confirm-count.ts'
import { jobKind } from '../jobs/job-kinds.ts'
import { isFanningOut } from '../jobs/open-fan-outs.ts'
import { JUDGING_MAX_MS, JudgingTime } from '../judging-time.ts'
import { orderKeyOf, replayOrderKeyOf } from '../order-key.ts'
import { KnownFilters } from '../routing-decision.ts'
import { lockSubscriptions } from '../subscription-health.ts'
import type { Subscription } from '../subscription-set.ts'
import { lockHeldBy } from '../subscription-store.ts'
import type { ChosenEvent } from './choose-events.ts'
import { chooseEvents } from './choose-events.ts'
import { countReplay } from './estimate-replay.ts'
import { readSourcePage } from './read-source.ts'
import type { ReplayParameters } from './replay-parameters.ts'
import { advance, openTargets, readProgress, writeProgress } from './replay-progress.ts'
import type { ReplayProgress } from './replay-progress.ts'
import type { TargetSubscription, Waiting } from './replay-targets.ts'
import { readTargetSubscriptions } from './replay-targets.ts'

export const REPLAY_KIND = 'replay_events'

/** Rows of the source that a slice looks at. */
const PAGE_ROWS = 1_000

/** Deliveries that a slice adds at most, however high the rate. */
const SLICE_MAX = 1_000

/** While what was added before is being posted; and while somebody has to do something. */
const DUE_REST_MS = 25
const WAITING_REST_MS = 1_000

/**
 * Posts past events to subscriptions again, each once: its delivery's id is made of subscription, event and replay. A target
 * goes along the source in the order of positions, a slice at a time; the slice's deliveries, the counts and the position
 * that was reached are one transaction. Events about one entity are a chain, so they come one after the other.
 *
 * Skipped are events that the subscription's names (`other_event_names`) or filter (`filter`) do not choose, that are stored
 * no more (`payload_expired`), that the mode leaves out (`delivered`, `pending`, `not_failed`), and all of a subscription that
 * was deleted (`subscription_deleted`). One that is not active, fails, or has much due is waited for.
 *
 * An ordered subscription gets its own order: its new events are held back (hold-events.ts), what is pending is waited for,
 * then the past events are added in its own chains, and when the target is through, or the replay ends before that, the
 * held events follow.
 */
export const replayEvents = jobKind<ReplayParameters>({
  kind: REPLAY_KIND,
  scope: 'replays:write',
  goesOnAfterFailure: true,
  count: countReplay,
  slice: async (db, job) => await replaySlice(db, job),
  abandoned: async (db, author, { companyId, id, parameters }) => {
    for (const target of parameters.target.subscription_ids) await letHeldFollow(db, author, companyId, target, id)
  },
})

/** @param clock for the time in which filters are asked; where it ends the slice does */
export async function replaySlice(
  db: Db,
  job: JobAtWork<ReplayParameters>,
  clock: Pick<Clock, 'elapsed'> = systemClock,
): Promise<JobSlice> {
  const { companyId, parameters } = job
  const { source, target, rate } = parameters
  const progress = readProgress(job.cursor, target.subscription_ids, source.from_position)
  const open = openTargets(progress)
  const left = leftOf(job)
  if (open.length > 0 && left <= 0) return waitingAt(job, 'more_than_confirmed')
  const sliceMax = Math.max(1, Math.min(SLICE_MAX, Math.ceil(rate / 2), left))
  const subscriptions = await readTargetSubscriptions(
    db,
    companyId,
    open.map(({ id }) => id),
    { rateMax: sliceMax, replayId: job.id, mode: parameters.mode },
  )
  const states = open.map((place) => ({ ...place, state: subscriptions.get(place.id) }))
  const next = states.find(({ state }) => state?.waitsFor === undefined)
  if (!next) {
    const [first] = states
    return first?.state?.waitsFor ? waitingAt(job, first.state.waitsFor) : finishedAt(progress)
  }
  if (!next.state || next.state.isDeleted) return await skipSlice(db, job, progress, next)
  if (next.state.needsHold) return await holdSlice(db, job, next)
  return await postSlice(db, job, progress, { ...next, state: next.state }, { clock, sliceMax })
}

/** How many may be added still. What was counted exactly cannot become more; an estimate can, and then it was confirmed. */
function leftOf({ done, parameters }: JobAtWork<ReplayParameters>): number {
  const { is_total_estimated: isEstimated, confirmed_count: confirmed = 0 } = parameters
  return isEstimated ? confirmedMax(confirmed) - done : Infinity
}

type Place = ReturnType<typeof openTargets>[number]

/** All that a subscription that is gone would have been sent, counted page by page. */
async function skipSlice(
  db: Db,
  { companyId, parameters }: JobAtWork<ReplayParameters>,
  progress: ReplayProgress,
  { id, after }: Place,
): Promise<JobSlice> {
  const { rows, reached } = await readSourcePage(db, companyId, parameters.source, after, PAGE_ROWS)
  return { done: 0, skipped: { subscription_deleted: rows.length }, ...reachedBy(progress, id, reached) }
}

async function holdSlice(db: Db, job: JobAtWork<ReplayParameters>, { id }: Place): Promise<JobSlice> {
  const isHeld = await holdEvents(db, job.companyId, id, job.id)
  return isHeld ? waitingAt(job, 'deliveries_pending') : waitingAt(job, 'subscription_not_active')
}

async function postSlice(
  db: Db,
  job: JobAtWork<ReplayParameters>,
  progress: ReplayProgress,
  { id, after, state }: Place & { readonly state: TargetSubscription },
  { clock, sliceMax }: { readonly clock: Pick<Clock, 'elapsed'>; readonly sliceMax: number },
): Promise<JobSlice> {
  const { companyId, parameters } = job
  const { source, mode, rate } = parameters
  const page = await readSourcePage(db, companyId, source, after, PAGE_ROWS)
  const [first, last] = [page.rows[0], page.rows.at(-1)]
  if (mode !== 'all' && first && last && (await isFanningOut(db, companyId, first.position, last.position, id))) {
    return waitingAt(job, 'fan_out')
  }
  if (state.heldFrom !== undefined) {
    if (await isFanningOut(db, companyId, 1, state.heldFrom - 1, id)) return waitingAt(job, 'fan_out')
    const isHeld = (await lockHeldBy(db, companyId, id, job.id)).length > 0
    if (!isHeld) return waitingAt(job, 'subscription_not_active')
  }
  const judges = {
    filters: new KnownFilters(),
    time: new JudgingTime(clock, JUDGING_MAX_MS),
    sourceFilter: source.filter && JSON.stringify(source.filter),
  }
  const max = Math.min(state.addMax, sliceMax)
  const { chosen, skipped, looked } = await chooseEvents(db, state.subscription, page.rows, { mode, max }, judges)
  const reached = looked === page.rows.length ? page.reached : (page.rows[looked - 1]?.position ?? after)
  const author = { actor: systemActor, nowMs: systemClock.now() }
  if (reached === null) await letHeldFollow(db, author, companyId, id, job.id)
  const done = await addDeliveries(db, job, state, chosen)
  return {
    done,
    skipped: Object.fromEntries(skipped),
    ...reachedBy(progress, id, reached),
    paceMs: (done * 1_000) / rate,
    wake: done > 0 ? [id] : [],
  }
}

async function addDeliveries(
  db: Db,
  { companyId, id: replayId }: JobAtWork<ReplayParameters>,
  { subscription, heldFrom }: TargetSubscription,
  chosen: readonly ChosenEvent[],
): Promise<number> {
  const subscriptionId = subscription.id
  const keyOf = heldFrom === undefined ? undefined : subscription
  const deliveries = chosen.map(({ row }) => ({
    id: deliveryId(subscriptionId, row.event_id, replayId),
    companyId,
    subscriptionId,
    eventId: row.event_id,
    position: row.position,
    replayId,
    orderKey: chainOf(keyOf, replayId, { row }),
  }))
  const free = deliveries.filter(({ orderKey }) => orderKey === undefined)
  const ordered = deliveries.flatMap(({ orderKey, ...one }) => (orderKey === undefined ? [] : { ...one, orderKey }))
  if (ordered.length > 0) await lockSubscriptions(db, [{ companyId, subscriptionId }])
  return (await insertMissing(db, free)).length + (await insertOrdered(db, ordered)).length
}

/** @param held undefined where the replay has chains of its own */
function chainOf(
  held: Subscription | undefined,
  replayId: string,
  { row }: Pick<ChosenEvent, 'row'>,
): string | undefined {
  const { entity_type: type, entity_id: id } = row
  if (!held || held.ordering === 'none') return replayOrderKeyOf(replayId, type, id)
  return orderKeyOf(held, { entity: type === null ? undefined : { type, id: id ?? '' } })
}

function reachedBy(
  progress: ReplayProgress,
  id: string,
  reached: number | null,
): Pick<JobSlice, 'cursor' | 'finished'> {
  const next = advance(progress, id, reached)
  return { cursor: writeProgress(next), finished: openTargets(next).length === 0 }
}

function finishedAt(progress: ReplayProgress): JobSlice {
  return { done: 0, skipped: {}, cursor: writeProgress(progress), finished: true }
}

function waitingAt(
  { cursor }: JobAtWork<ReplayParameters>,
  waitingFor: Waiting | 'fan_out' | 'more_than_confirmed',
): JobSlice {
  const restMs = waitingFor === 'deliveries_due' || waitingFor === 'deliveries_pending' ? DUE_REST_MS : WAITING_REST_MS
  return { done: 0, skipped: {}, cursor, finished: false, waitingFor, restMs }
}
