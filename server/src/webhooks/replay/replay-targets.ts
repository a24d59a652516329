import { statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import type { Subscription, VersionRow } from '../subscription-set.ts'
import { currentColumns, toSubscription } from '../subscription-set.ts'

/** Why nothing can be added to a subscription now. Stable words: they are shown. */
export type Waiting = 'subscription_not_active' | 'subscription_ordered' | 'breaker_open' | 'deliveries_due'

export interface TargetSubscription {
  readonly subscription: Subscription
  readonly isDeleted: boolean
  readonly waitsFor: Waiting | undefined
  /** Its calls failed, and what is added is the one call that asks whether they do still. */
  readonly isProbe: boolean
}

interface TargetRow extends VersionRow {
  breaker: 'closed' | 'open' | 'recovering' | null
  has_many_due: boolean
  has_many_blocked: boolean
  has_attempts_to_come: boolean
}

/**
 * What is due is posted in the order of its time, so what a replay adds is in the way of fresh events: it adds while less
 * than about half a second's worth is due, by its own rate and by that of the subscription. What is blocked behind an earlier
 * delivery is in nobody's way, and bounded so that it does not fill the table.
 */
const readTargets = statement<
  [companyId: string, subscriptionIds: readonly string[], dueMax: number, blockedMax: number],
  TargetRow
>(
  'replay.read_targets',
  `select s.*, h.breaker,
          (select d.id
             from webhook_deliveries d
            where d.company_id = $1 and d.subscription_id = s.subscription_id and d.due_at <= now()
            order by d.due_at
           offset least($3, greatest(1, coalesce(s.rate_limit / 2, $3)))
            limit 1) is not null as has_many_due,
          (select d.id
             from webhook_deliveries d
            where d.company_id = $1 and d.subscription_id = s.subscription_id and d.due_at = 'infinity'
           offset $4
            limit 1) is not null as has_many_blocked,
          (select d.id
             from webhook_deliveries d
            where d.company_id = $1 and d.subscription_id = s.subscription_id and d.due_at < 'infinity'
            limit 1) is not null as has_attempts_to_come
     from (select ${currentColumns}, rate_limit from event_subscriptions where company_id = $1 and id = any($2::uuid[])) s
     left join subscription_health h on h.company_id = $1 and h.subscription_id = s.subscription_id`,
)

const BLOCKED_MAX = 2_000

/** By id; deleted ones included. */
export async function readTargetSubscriptions(
  db: Db,
  companyId: string,
  ids: readonly string[],
  dueMax: number,
): Promise<ReadonlyMap<string, TargetSubscription>> {
  const rows = await readTargets(db, companyId, ids, dueMax, BLOCKED_MAX)
  return new Map(rows.map((row) => [row.subscription_id, toTarget(row)]))
}

function toTarget(row: TargetRow): TargetSubscription {
  const isDeleted = row.status === 'deleted'
  return {
    subscription: toSubscription(row),
    isDeleted,
    waitsFor: isDeleted ? undefined : waitsFor(row),
    isProbe: row.breaker === 'open',
  }
}

function waitsFor(row: TargetRow): Waiting | undefined {
  if (row.status !== 'active') return 'subscription_not_active'
  if (row.ordering !== 'none') return 'subscription_ordered'
  // Nothing but an attempt can close it, so where none is to come one is added.
  if (row.breaker === 'open') return row.has_attempts_to_come ? 'breaker_open' : undefined
  return row.has_many_due || row.has_many_blocked ? 'deliveries_due' : undefined
}
