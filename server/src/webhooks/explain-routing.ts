import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import { readLogged } from '../events/read-logged.ts'
import { RecentEvents } from '../events/recent-events.ts'
import type { PageRequest } from '../lib/cursor.ts'
import { decodeCursor, encodeCursor, pageRows } from '../lib/cursor.ts'
import { systemClock } from '../lib/clock.ts'
import type { FilterFailure } from '../lib/filter/condition.ts'
import { BEFORE_ALL_IDS } from '../lib/ids.ts'
import { TurnTaker } from '../lib/turn-taker.ts'
import type { RoutableEvent, RoutingDecision } from './routing-decision.ts'
import { decideRouting, KnownFilters, toRoutable } from './routing-decision.ts'
import type { VersionRow } from './subscription-set.ts'
import { toSubscription, versionColumns } from './subscription-set.ts'

/** Why a subscription was sent an event, or was not. */
export interface RoutingExplanation {
  readonly subscription_id: string
  /** The version that was in force at the event's position. */
  readonly subscription_version: number
  /** Null when it cannot be said any more: it has a filter, and the event is stored no more. */
  readonly matched: boolean | null
  /** Null when it matched, unless it did because its filter was too costly to judge the event. */
  readonly reason: RoutingDecision['reason'] | 'event_not_stored'
  /** Of a filter: the conditions that failed. */
  readonly failed_conditions: FilterFailure[]
}

export interface RoutingPage {
  readonly explanations: RoutingExplanation[]
  readonly nextCursor: string | null
}

const LOOKED_AT_MAX = 1_000
const TIME_MAX_MS = 1_000

/**
 * Of the subscriptions after a cursor, a thousand at most, each as it was at a position; without those that were not there
 * yet or no more. So it reads no more of a company's subscriptions than are looked at, however many versions they have.
 */
const readVersionsAt = statement<
  [companyId: string, position: number, afterSubscriptionId: string, limit: number],
  VersionRow
>(
  'routing.read_versions_at',
  `select v.*
     from (select id from event_subscriptions where company_id = $1 and id > $3 order by id limit ${LOOKED_AT_MAX}) s
    cross join lateral (
      select ${versionColumns}
        from event_subscription_versions
       where company_id = $1 and subscription_id = s.id and after_position < $2
       order by version desc
       limit 1
    ) v
    where v.status <> 'deleted'
    order by s.id
    limit $4`,
)

/** The last that {@link readVersionsAt} looks at, if there may be others after it. */
const findLastLookedAt = statement<[companyId: string, afterSubscriptionId: string], { id: string }>(
  'routing.find_last_looked_at',
  `select id
     from event_subscriptions
    where company_id = $1 and id > $2
    order by id
   offset ${LOOKED_AT_MAX - 1}
    limit 1`,
)

/**
 * How an event was routed, subscription by subscription, in the order of their ids. It is decided anew, from the versions
 * that were in force at its position and by the code that routes. A page may be shorter than asked for, or empty, and have
 * a cursor: it ends after a thousand subscriptions, and after a second. Others on this thread have their turn between.
 */
export async function explainRouting(
  db: Db,
  companyId: string,
  event: { readonly id: string; readonly event_name: string; readonly position: number | null },
  page: PageRequest,
  elapsedMs: () => number = () => systemClock.elapsed(),
): Promise<RoutingPage> {
  if (event.position === null) return { explanations: [], nextCursor: null }
  const endsMs = elapsedMs() + TIME_MAX_MS
  const limit = pageRows(page)
  const [after] = page.cursor === undefined ? [BEFORE_ALL_IDS] : decodeCursor('routing', page.cursor, ['uuid'])
  const rows = await readVersionsAt(db, companyId, event.position, after, limit + 1)
  const logged = (await readLogged(db, new RecentEvents(0), companyId, [event.id])).get(event.id)
  const asked = logged ? toRoutable(logged) : { eventName: event.event_name }
  const filters = new KnownFilters()
  const turns = new TurnTaker(elapsedMs)
  const explanations: RoutingExplanation[] = []
  for (const row of rows.slice(0, limit)) {
    explanations.push(explain(row, asked, filters))
    if (elapsedMs() >= endsMs) break
    await turns.next()
  }
  const isCut = explanations.length < rows.length
  const [last] = isCut ? rows.slice(explanations.length - 1) : []
  const reached = isCut ? last?.subscription_id : (await findLastLookedAt(db, companyId, after))[0]?.id
  return { explanations, nextCursor: reached === undefined ? null : encodeCursor('routing', [reached]) }
}

function explain(row: VersionRow, event: RoutableEvent, filters: KnownFilters): RoutingExplanation {
  const subscription = toSubscription(row)
  const decision = decideRouting(subscription, event, filters)
  const who = { subscription_id: subscription.id, subscription_version: subscription.version }
  if (decision.isOwed) {
    const isKnown = event.filtered !== undefined || subscription.filter === undefined
    if (!isKnown) return { ...who, matched: null, reason: 'event_not_stored', failed_conditions: [] }
    return { ...who, matched: true, reason: decision.reason, failed_conditions: [] }
  }
  const failed = decision.reason === 'filter' ? [...decision.failures()] : []
  return { ...who, matched: false, reason: decision.reason, failed_conditions: failed }
}
