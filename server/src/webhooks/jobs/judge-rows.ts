import type { Db } from '../../db/statement.ts'
import type { Missing } from '../../events/read-logged.ts'
import { readLogged } from '../../events/read-logged.ts'
import { RecentEvents } from '../../events/recent-events.ts'
import type { TurnTaker } from '../../lib/turn-taker.ts'
import type { JudgingTime } from '../judging-time.ts'
import type { KnownFilters, RoutableEvent, RoutingDecision } from '../routing-decision.ts'
import { choosesName, decideRouting, toRoutable } from '../routing-decision.ts'
import type { Subscription } from '../subscription-set.ts'

/** What a subscription would get of an event that is past, as it is today. */
export interface JudgedRow<Row> {
  readonly row: Row
  /** Why not; null where it would get it. */
  readonly reason: Extract<RoutingDecision, { isOwed: false }>['reason'] | SourceReason | null
  /** Why there is nothing of the event to be sent; undefined where there is, and where its name is not chosen. */
  readonly missing: Missing | undefined
  /** Of the payload, in UTF-8. */
  readonly bytes: number
}

/** Of a further filter, which the event has to fulfil before the subscription is asked. */
type SourceReason = 'outside_source' | 'source_filter_too_costly'

export interface Judges {
  readonly filters: KnownFilters
  readonly time: JudgingTime
  /** JSON. */
  readonly sourceFilter?: string | undefined
  /** Of a thread that others need too. */
  readonly turns?: TurnTaker
}

/**
 * Judges rows in their order, as many as there is time for, one at least. The payloads of those whose names are chosen are
 * all in memory at once. An event that is stored no more is judged by its name.
 */
export async function judgeRows<Row extends { readonly event_id: string; readonly event_name: string }>(
  db: Db,
  subscription: Subscription,
  rows: readonly Row[],
  { filters, time, sourceFilter, turns }: Judges,
): Promise<readonly JudgedRow<Row>[]> {
  const chosen = new Set(rows.filter((row) => choosesName(subscription, row.event_name)).map((row) => row.event_id))
  const logged = await readLogged(db, new RecentEvents(0), subscription.companyId, chosen)
  const judged: JudgedRow<Row>[] = []
  for (const row of rows) {
    if (!chosen.has(row.event_id)) {
      judged.push({ row, reason: 'other_event_names', missing: undefined, bytes: 0 })
      continue
    }
    const event = logged.get(row.event_id)
    const asked = event ? toRoutable(event) : { eventName: row.event_name }
    const decision = decideRouting(subscription, asked, filters)
    judged.push({
      row,
      reason: judgeSource(asked, sourceFilter, filters) ?? (decision.isOwed ? null : decision.reason),
      missing: event ? undefined : logged.whyMissing(row.event_id),
      bytes: event ? Buffer.byteLength(event.payload) : 0,
    })
    if (time.isUp()) break
    await turns?.next()
  }
  return judged
}

function judgeSource(
  { filtered }: RoutableEvent,
  sourceFilter: string | undefined,
  filters: KnownFilters,
): SourceReason | undefined {
  if (sourceFilter === undefined || !filtered) return undefined
  const verdict = filters.read(sourceFilter)?.judge(filtered)
  if (verdict === 'wanted') return undefined
  return verdict === 'too_costly' ? 'source_filter_too_costly' : 'outside_source'
}
