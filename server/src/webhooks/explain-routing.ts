import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { LoggedEvents } from '../events/read-logged.ts'
import { readLogged } from '../events/read-logged.ts'
import { RecentEvents } from '../events/recent-events.ts'
import type { PageRequest } from '../lib/cursor.ts'
import { decodeCursor, encodeCursor, pageRows } from '../lib/cursor.ts'
import type { FilterFailure } from '../lib/filter/condition.ts'
import { decideRouting, toRoutable } from './routing-decision.ts'
import type { RoutingDecision } from './routing-decision.ts'
import type { VersionRow } from './subscription-set.ts'
import { toSubscription, versionColumns } from './subscription-set.ts'

/** Why a subscription was sent an event, or was not. */
export interface RoutingExplanation {
  readonly subscription_id: string
  /** The version that was in force at the event's position. */
  readonly subscription_version: number
  /** Null when it cannot be said any more: it has a filter, and the event is stored no more. */
  readonly matched: boolean | null
  /** Null when it matched. */
  readonly reason: Exclude<RoutingDecision, { isOwed: true }>['reason'] | 'event_not_stored' | null
  /** Of a filter: the conditions that failed. */
  readonly failed_conditions: FilterFailure[]
}

export interface RoutingPage {
  readonly explanations: RoutingExplanation[]
  readonly nextCursor: string | null
}

/** Those that were deleted at that position are left out. */
const readVersionsAt = statement<
  [companyId: string, position: number, afterSubscriptionId: string, limit: number],
  VersionRow
>(
  'routing.read_versions_at',
  `select ${versionColumns}
     from (
       select distinct on (subscription_id) ${versionColumns}
         from event_subscription_versions
        where company_id = $1 and after_position < $2 and subscription_id > $3
        order by subscription_id, version desc
     ) v
    where company_id = $1 and status <> 'deleted'
    order by subscription_id
    limit $4`,
)

/**
 * How an event was routed, subscription by subscription, in the order of their ids. It is decided anew, from the versions
 * that were in force at its position and by the code that routes.
 */
export async function explainRouting(
  db: Db,
  companyId: string,
  event: { readonly id: string; readonly event_name: string; readonly position: number | null },
  page: PageRequest,
): Promise<RoutingPage> {
  if (event.position === null) return { explanations: [], nextCursor: null }
  const limit = pageRows(page)
  const [after] = page.cursor === undefined ? [BEFORE_ALL_IDS] : decodeCursor('routing', page.cursor, ['uuid'])
  const rows = await readVersionsAt(db, companyId, event.position, after, limit + 1)
  const shown = rows.slice(0, limit)
  const logged = await readLogged(db, new RecentEvents(0), companyId, [event.id])
  const last = shown.at(-1)
  return {
    explanations: shown.map((row) => explain(row, event.event_name, logged.get(event.id))),
    nextCursor: last && rows.length > limit ? encodeCursor('routing', [last.subscription_id]) : null,
  }
}

const BEFORE_ALL_IDS = '00000000-0000-0000-0000-000000000000'

function explain(row: VersionRow, eventName: string, event: ReturnType<LoggedEvents['get']>): RoutingExplanation {
  const subscription = toSubscription(row)
  const decision = decideRouting(subscription, event ? toRoutable(event) : { eventName })
  const who = { subscription_id: subscription.id, subscription_version: subscription.version }
  if (decision.isOwed) {
    const isKnown = event !== undefined || subscription.filter === undefined
    if (!isKnown) return { ...who, matched: null, reason: 'event_not_stored', failed_conditions: [] }
    return { ...who, matched: true, reason: null, failed_conditions: [] }
  }
  const failed = decision.reason === 'filter' ? [...decision.failures] : []
  return { ...who, matched: false, reason: decision.reason, failed_conditions: failed }
}
