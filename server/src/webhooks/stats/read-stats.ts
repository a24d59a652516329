import type { Db } from '../../db/statement.ts'
import { matchesEventName } from '../../events/event-names.ts'
import { expandEventNames } from '../../events/expand-event-names.ts'
import type { EventBucket, EventCount } from '../../events/stats/read-event-stats.ts'
import { eventsByBucket, sumEvents } from '../../events/stats/read-event-stats.ts'
import { LATENCY_ERROR, latenciesAt } from '../../lib/latency-histogram.ts'
import { ProblemError } from '../../lib/problems.ts'
import type { Granularity, Span } from '../../lib/time-buckets.ts'
import { bucketStarts } from '../../lib/time-buckets.ts'
import type { DeliveryCounts } from './delivery-counts.ts'
import { noDeliveries } from './delivery-counts.ts'
import type { DeliveryScope, WorstSubscription } from './read-delivery-stats.ts'
import { deliveriesByBucket, sumDeliveries, worstSubscriptions } from './read-delivery-stats.ts'
import type { StatsSpan } from './stats-span.ts'

export interface StatsFilter {
  /** Names, or prefixes such as `appointment.*`. */
  readonly event_names?: readonly string[] | undefined
  readonly subscription_id?: string | undefined
}

export interface Latency {
  readonly p50: number
  readonly p90: number
  readonly p95: number
  readonly p99: number
}

/** How deliveries went, for people. */
export interface DeliveryFigures {
  readonly attempts: number
  readonly delivered: number
  readonly will_retry: number
  readonly failed: number
  readonly cancelled: number
  readonly unknown: number
  /** Delivered ones among those that ended delivered or failed; null where none did. */
  readonly success_rate: number | null
  /** Milliseconds, of calls that were answered; null where none was. */
  readonly latency_ms: Latency | null
}

export interface Totals extends DeliveryFigures {
  readonly events: number
}

export interface StatsBucket extends Totals {
  readonly starts_at: string
  /** The most frequent names of the period. */
  readonly events_by_name: Readonly<Record<string, number>>
  readonly other_events: number
}

export interface ReasonCount {
  readonly outcome: string
  readonly reason: string
  readonly class: string
  readonly count: number
}

export interface Stats {
  readonly from: string
  readonly to: string
  readonly bucket: Granularity
  readonly latency_error: number
  readonly buckets: StatsBucket[]
  readonly totals: Totals
  readonly previous: (Totals & { readonly from: string; readonly to: string }) | null
  readonly events_by_name: EventCount[]
  readonly reasons: ReasonCount[]
  readonly causes: { readonly class: string; readonly count: number }[]
  readonly replays: DeliveryFigures
  readonly worst_subscriptions: (WorstSubscription & { readonly success_rate: number | null })[]
}

const NAMES_OF_THEIR_OWN = 10
const NAMES_SHOWN = 100
const REASONS_SHOWN = 50
const WORST_SHOWN = 10
const CAUSES_SHOWN = 10

/**
 * What was recorded and how it was delivered. Filtered by names, both are those of the names; filtered by subscription, the
 * deliveries are its own and the events all of the company's. Throws invalid_event_name, and invalid_request for both filters
 * at once: they are counted side by side, not crosswise.
 */
export async function readStats(db: Db, companyId: string, span: StatsSpan, filter: StatsFilter): Promise<Stats> {
  const scope = await scopeOf(db, companyId, filter)
  const isWanted = wantedNames(filter)
  const byName = (await sumEvents(db, companyId, span)).filter(isWanted)
  const ofTheirOwn = byName.slice(0, NAMES_OF_THEIR_OWN).map(({ event_name }) => event_name)
  const names = byName.map(({ event_name }) => event_name)
  const events = await eventsByBucket(db, companyId, span, span.granularity, names, ofTheirOwn)
  const deliveries = await deliveriesByBucket(db, companyId, scope, span, span.granularity)
  const sum = await sumDeliveries(db, companyId, scope, span, false)
  const replays = await sumDeliveries(db, companyId, scope, span, true)
  const worst = scope.scope === 'all' ? await worstSubscriptions(db, companyId, span, WORST_SHOWN) : []
  const reasons = reasonsOf(sum)
  return {
    ...timesOf(span),
    bucket: span.granularity,
    latency_error: LATENCY_ERROR,
    buckets: toBuckets(span, events, deliveries),
    totals: { events: countOf(byName), ...figuresOf(sum) },
    previous: span.previous ? await readPrevious(db, companyId, span.previous, scope, isWanted) : null,
    events_by_name: byName.slice(0, NAMES_SHOWN),
    reasons: reasons.slice(0, REASONS_SHOWN),
    causes: causesOf(reasons),
    replays: figuresOf(replays),
    worst_subscriptions: worst.map((one) => ({ ...one, success_rate: rateOf(one) })),
  }
}

async function scopeOf(db: Db, companyId: string, filter: StatsFilter): Promise<DeliveryScope> {
  const { event_names: patterns, subscription_id: subscriptionId } = filter
  if (patterns !== undefined && subscriptionId !== undefined) {
    const message = 'Not together with subscription_id'
    throw new ProblemError('invalid_request', `The query at /event_names: ${message}`, [
      { pointer: '/event_names', code: 'exclusive', message },
    ])
  }
  if (patterns !== undefined) {
    return { scope: 'event_name', subjects: await expandEventNames(db, companyId, patterns) }
  }
  return subscriptionId === undefined
    ? { scope: 'all', subjects: [''] }
    : { scope: 'subscription', subjects: [subscriptionId] }
}

function wantedNames({ event_names: patterns = ['*'] }: StatsFilter): (count: EventCount) => boolean {
  return ({ event_name }) => patterns.some((pattern) => matchesEventName(pattern, event_name))
}

async function readPrevious(
  db: Db,
  companyId: string,
  span: Span,
  scope: DeliveryScope,
  isWanted: (count: EventCount) => boolean,
): Promise<NonNullable<Stats['previous']>> {
  const events = countOf((await sumEvents(db, companyId, span)).filter(isWanted))
  return { ...timesOf(span), events, ...figuresOf(await sumDeliveries(db, companyId, scope, span, false)) }
}

function toBuckets(
  span: StatsSpan,
  events: ReadonlyMap<number, EventBucket>,
  deliveries: ReadonlyMap<number, DeliveryCounts>,
): StatsBucket[] {
  return bucketStarts(span, span.granularity).map((startMs): StatsBucket => {
    const { named, others } = events.get(startMs) ?? { named: {}, others: 0 }
    return {
      starts_at: new Date(startMs).toISOString(),
      events: Object.values(named).reduce((sum, count) => sum + count, others),
      events_by_name: named,
      other_events: others,
      ...figuresOf(deliveries.get(startMs) ?? noDeliveries()),
    }
  })
}

function countOf(counts: readonly { readonly events: number }[]): number {
  return counts.reduce((sum, { events }) => sum + events, 0)
}

function timesOf({ fromMs, toMs }: Span): { readonly from: string; readonly to: string } {
  return { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() }
}

function figuresOf(counts: DeliveryCounts): DeliveryFigures {
  const { attempts, delivered, will_retry, failed, cancelled, unknown } = counts
  return {
    attempts,
    delivered,
    will_retry,
    failed,
    cancelled,
    unknown,
    success_rate: rateOf(counts),
    latency_ms: latencyOf(counts),
  }
}

function rateOf({ delivered, failed }: { readonly delivered: number; readonly failed: number }): number | null {
  return delivered + failed === 0 ? null : delivered / (delivered + failed)
}

const PARTS = [0.5, 0.9, 0.95, 0.99]

function latencyOf({ latencies }: DeliveryCounts): Latency | null {
  const [p50, p90, p95, p99] = latenciesAt(latencies, PARTS).map((ms) => Number(ms.toPrecision(4)))
  if (p50 === undefined || p90 === undefined || p95 === undefined || p99 === undefined) return null
  return { p50, p90, p95, p99 }
}

function reasonsOf({ reasons }: DeliveryCounts): ReasonCount[] {
  return Object.entries(reasons)
    .map(([key, count]) => {
      const [outcome = '', reason = ''] = key.split(' ', 2)
      return { outcome, reason, class: classOfReason(reason), count }
    })
    .sort((one, other) => other.count - one.count || (one.reason < other.reason ? -1 : 1))
}

/** `http_5xx` for every `http_503` and the like; a reason that is no status is a class of its own. */
function classOfReason(reason: string): string {
  return /^http_\d{3}$/.test(reason) ? `${reason.slice(0, 6)}xx` : reason
}

/** Why calls did not deliver, by class, the most frequent first. */
function causesOf(reasons: readonly ReasonCount[]): Stats['causes'] {
  const counts = new Map<string, number>()
  for (const { outcome, class: one, count } of reasons) {
    if (outcome === 'will_retry' || outcome === 'failed' || outcome === 'unknown') {
      counts.set(one, (counts.get(one) ?? 0) + count)
    }
  }
  return [...counts]
    .map(([one, count]) => ({ class: one, count }))
    .sort((one, other) => other.count - one.count)
    .slice(0, CAUSES_SHOWN)
}
