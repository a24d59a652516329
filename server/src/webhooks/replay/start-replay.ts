import type { Db } from '../../db/statement.ts'
import type { Author } from '../../events/administrative-event.ts'
import { positionsOf } from '../../events/event-conditions.ts'
import type { EntityRef } from '../../events/event.ts'
import { expandEventNames } from '../../events/expand-event-names.ts'
import { compileFilter } from '../../lib/filter/compile-filter.ts'
import { ProblemError } from '../../lib/problems.ts'
import type { Fault } from '../../lib/problems.ts'
import type { TimeRange } from '../../lib/time-range.ts'
import type { Job } from '../jobs/job-store.ts'
import { refuseAtJobLimit, startJob } from '../jobs/start-job.ts'
import { findLastPosition } from '../subscription-store.ts'
import type { InCompany, ReplayEstimate } from './estimate-replay.ts'
import { estimateReplay } from './estimate-replay.ts'
import { replayEvents } from './replay-events.ts'
import type { ReplayMode, ReplayParameters, ReplaySource, ReplayTarget } from './replay-parameters.ts'
import { readTargetSubscriptions } from './replay-targets.ts'

/** A replay as somebody orders it; everything that is given has to be fulfilled. */
export interface ReplayOrder {
  readonly source: TimeRange & {
    /** Both included. */
    readonly from_position?: number | undefined
    readonly to_position?: number | undefined
    /** Names, prefixes such as `appointment.*`, or `*` for every business event. */
    readonly event_names?: readonly string[] | undefined
    readonly entities?: readonly EntityRef[] | undefined
    readonly include_related?: boolean | undefined
    readonly correlation_id?: string | undefined
    readonly filter?: object | undefined
  }
  readonly target: ReplayTarget
  readonly mode: ReplayMode
  readonly rate: number
  readonly reason?: string | undefined
}

/**
 * What an order comes to now. Throws what {@link startReplay} does, but for what is about the count. It is looked at in
 * transactions of their own, so it can take a while.
 */
export async function planReplay(
  inCompany: InCompany,
  companyId: string,
  order: ReplayOrder,
): Promise<{ readonly parameters: ReplayParameters; readonly estimate: ReplayEstimate }> {
  const { target, mode, rate, reason } = order
  const source = await inCompany(async (db) => {
    await checkTarget(db, companyId, target)
    return await freezeSource(db, companyId, order.source)
  })
  const chosen = { source, target, mode, rate, ...(reason !== undefined && { reason }) }
  const estimate = await estimateReplay(inCompany, companyId, chosen)
  return { parameters: { ...chosen, is_total_estimated: estimate.is_estimated }, estimate }
}

/**
 * Starts the job. What it is about stands still from here on: the last position is that of this moment. Throws
 * unknown_subscription, invalid_event_name, invalid_filter, count_required, count_changed
 * or job_limit.
 */
export async function startReplay(
  inCompany: InCompany,
  author: Author,
  companyId: string,
  order: ReplayOrder,
  expectedCount: number | undefined,
): Promise<Job> {
  await inCompany((db) => refuseAtJobLimit(db, companyId))
  const { parameters, estimate } = await planReplay(inCompany, companyId, order)
  const counted = { count: estimate.count, isEstimated: estimate.is_estimated }
  const confirmed = counted.isEstimated && expectedCount !== undefined ? { confirmed_count: expectedCount } : {}
  return await inCompany(async (db) => {
    await checkTarget(db, companyId, order.target)
    const ordered: ReplayParameters = { ...parameters, ...confirmed }
    return await startJob(db, author, companyId, replayEvents, ordered, expectedCount, counted)
  })
}

async function checkTarget(db: Db, companyId: string, { subscription_ids: ids }: ReplayTarget): Promise<void> {
  const found = await readTargetSubscriptions(db, companyId, ids, { rateMax: 0 })
  const at = (index: number): string => `/target/subscription_ids/${index}`
  const unknown = ids.flatMap((id, index): Fault[] => {
    const target = found.get(id)
    if (target && !target.isDeleted) return []
    return [{ pointer: at(index), code: 'unknown_subscription', message: 'No such subscription' }]
  })
  if (unknown.length > 0) throw new ProblemError('unknown_subscription', `${unknown[0]?.pointer}: No such one`, unknown)
}

async function freezeSource(db: Db, companyId: string, given: ReplayOrder['source']): Promise<ReplaySource> {
  const { from, to, event_names, entities, include_related, correlation_id, filter } = given
  if (filter) checkFilter(filter)
  const names = event_names && (await expandEventNames(db, companyId, event_names))
  const [head] = await findLastPosition(db, companyId)
  const last = head?.last_position ?? 0
  // The exact times are asked of each event; the positions keep pages from looking at what cannot be meant.
  const { after, before } = await positionsOf(db, companyId, { from, to })
  return {
    from_position: Math.max(given.from_position ?? 1, after + 1),
    to_position: Math.min(given.to_position ?? last, last, before - 1),
    ...(from && { from: from.toISOString() }),
    ...(to && { to: to.toISOString() }),
    ...(names && { event_names: names }),
    ...(entities && { entities }),
    ...(entities && include_related && { include_related }),
    ...(correlation_id !== undefined && { correlation_id }),
    ...(filter && { filter }),
  }
}

function checkFilter(filter: object): void {
  const compiled = compileFilter(filter)
  if (compiled.ok) return
  const faults = compiled.faults.map((fault) => ({ ...fault, pointer: `/source/filter${fault.pointer}` }))
  throw new ProblemError('invalid_filter', `${faults[0]?.pointer}: ${faults[0]?.message}`, faults)
}
