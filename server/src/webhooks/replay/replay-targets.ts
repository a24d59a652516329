import { statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import { areManyBlocked } from './blocked-chains.ts'
import type { ReplayMode } from './replay-parameters.ts'
import type { Subscription, VersionRow } from '../subscription-set.ts'
import { currentColumns, toSubscription } from '../subscription-set.ts'

/** Why nothing can be added to a subscription now. Stable words: they are shown. */
export type Waiting =
  | 'subscription_not_active'
  | 'subscription_held'
  | 'recovery'
  | 'deliveries_pending'
  | 'breaker_open'
  | 'deliveries_due'
  | 'deliveries_blocked'

export interface TargetSubscription {
  readonly subscription: Subscription
  readonly isDeleted: boolean
  /** It is ordered, and its new events are held back for this replay; from which position. */
  readonly heldFrom: number | undefined
  /** It is ordered, and its new events have to be held back before anything is added. */
  readonly needsHold: boolean
  readonly waitsFor: Waiting | undefined
  /** Deliveries that may be added to it at once; where its calls failed, the one that asks whether they do still. */
  readonly addMax: number
}

interface TargetRow extends VersionRow {
  breaker: 'closed' | 'open' | 'recovering' | null
  held_from_position: number | null
  add_max: number
  has_others_pending: boolean
  is_recovering: boolean
  has_many_due: boolean
  has_many_blocked: boolean
  has_attempts_to_come: boolean
}

/** So many deliveries keep all calls busy that are made at once, and a fresh event waits for few of them. */
const addMax = 'least($3, 2 * s.concurrency, greatest(1, coalesce(s.rate_limit / 2, $3)))'

/**
 * What is due is posted in the order of its time, so what a replay adds is in the way of fresh events: it adds while less
 * is due than {@link addMax}, however long its calls take. What is blocked behind an earlier delivery is in nobody's way, and
 * bounded so that it does not fill the table.
 *
 * To an ordered subscription it adds where nothing else is pending: what is not of this replay, or was added by it before
 * the subscription had an order.
 */
const readTargets = statement<
  [companyId: string, subscriptionIds: readonly string[], rateMax: number, blockedMax: number, replayId: string | null],
  TargetRow
>(
  'replay.read_targets',
  `select s.*, h.breaker, ${addMax} as add_max,
          (select d.id
             from webhook_deliveries d
            where d.company_id = $1 and d.subscription_id = s.subscription_id and d.due_at <= now()
            order by d.due_at
           offset ${addMax}
            limit 1) is not null as has_many_due,
          s.held_by is not null and (select d.id
             from webhook_deliveries d
            where d.company_id = $1 and d.subscription_id = s.subscription_id
              and (d.replay_id is distinct from $5 or starts_with(d.order_key, '/'))
            limit 1) is not null as has_others_pending,
          (select j.id
             from jobs j
            where j.company_id = $1 and j.state in ('queued', 'running', 'paused') and j.kind = 'recover_events'
              and j.parameters ->> 'subscription_id' = s.subscription_id::text
            limit 1) is not null as is_recovering,
          (select d.id
             from webhook_deliveries d
            where d.company_id = $1 and d.subscription_id = s.subscription_id and d.due_at = 'infinity'
              and d.replay_id = $5
           offset $4
            limit 1) is not null as has_many_blocked,
          (select d.id
             from webhook_deliveries d
            where d.company_id = $1 and d.subscription_id = s.subscription_id and d.due_at < 'infinity'
            limit 1) is not null as has_attempts_to_come
     from (
       select ${currentColumns}, rate_limit, held_from_position
         from event_subscriptions
        where company_id = $1 and id = any($2::uuid[])
     ) s
     left join subscription_health h on h.company_id = $1 and h.subscription_id = s.subscription_id`,
)

/** From here on it is asked which chains they are of. */
const BLOCKED_MAX = 2_000

interface Asked {
  /** Deliveries that the rate allows at once. */
  readonly rateMax: number
  /** Null where none is under way. */
  readonly replayId?: string | null
  readonly mode?: ReplayMode
}

/** By id; deleted ones included. */
export async function readTargetSubscriptions(
  db: Db,
  companyId: string,
  ids: readonly string[],
  { rateMax, replayId = null, mode = 'all' }: Asked,
): Promise<ReadonlyMap<string, TargetSubscription>> {
  const rows = await readTargets(db, companyId, ids, rateMax, BLOCKED_MAX, replayId)
  const targets = new Map<string, TargetSubscription>()
  for (const row of rows) {
    const target = toTarget(row, replayId, mode)
    const isFull = !target.waitsFor && row.has_many_blocked && replayId !== null
    const own = target.heldFrom === undefined ? undefined : row.ordering
    const isBlocked =
      isFull && (await areManyBlocked(db, companyId, { subscriptionId: row.subscription_id, replayId }, own))
    targets.set(row.subscription_id, isBlocked ? { ...target, waitsFor: 'deliveries_blocked' } : target)
  }
  return targets
}

function toTarget(row: TargetRow, replayId: string | null, mode: ReplayMode): TargetSubscription {
  const isDeleted = row.status === 'deleted'
  const isHeld = row.held_by !== null && row.held_by === replayId
  return {
    subscription: toSubscription({ ...row, held_by: null }),
    isDeleted,
    heldFrom: isHeld ? (row.held_from_position ?? undefined) : undefined,
    needsHold: row.status === 'active' && row.ordering !== 'none' && row.held_by === null,
    waitsFor: isDeleted ? undefined : waitsFor(row, isHeld, mode),
    addMax: row.breaker === 'open' ? 1 : row.add_max,
  }
}

function waitsFor(row: TargetRow, isHeld: boolean, mode: ReplayMode): Waiting | undefined {
  if (row.status !== 'active') return 'subscription_not_active'
  if (row.held_by !== null && !isHeld) return 'subscription_held'
  // Its deliveries are not those of the replay, so what both send would come twice.
  if (mode !== 'all' && row.is_recovering) return 'recovery'
  if (row.ordering !== 'none' && !isHeld) return undefined // it is held first
  if (isHeld && row.has_others_pending) return 'deliveries_pending'
  // Nothing but an attempt can close it, so where none is to come one is added.
  if (row.breaker === 'open') return row.has_attempts_to_come ? 'breaker_open' : undefined
  return row.has_many_due ? 'deliveries_due' : undefined
}
