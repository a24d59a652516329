import type { Granularity } from '../../lib/time-buckets.ts'
import { bucketsOf } from '../../lib/time-buckets.ts'
import type { AttemptRecord } from '../record-results.ts'
import type { EndKind } from './attempt-journal.ts'
import { CODES_PER_KIND } from './attempt-journal.ts'

type Outcome = AttemptRecord['outcome']

/** How deliveries went, as numbers that add up. An end without a call counts as its outcome and not as an attempt. */
export interface DeliveryCounts extends Record<Outcome, number> {
  attempts: number
  /** By outcome and reason: `failed http_500`. */
  readonly reasons: Record<string, number>
  /** By class, of calls that were answered. */
  readonly latencies: Record<string, number>
}

export function noDeliveries(): DeliveryCounts {
  return { attempts: 0, delivered: 0, will_retry: 0, failed: 0, cancelled: 0, unknown: 0, reasons: {}, latencies: {} }
}

const numbers = ['attempts', 'delivered', 'will_retry', 'failed', 'cancelled', 'unknown'] as const

/** Adds the second to the first. */
export function addDeliveries(counts: DeliveryCounts, more: DeliveryCounts): void {
  for (const name of numbers) counts[name] += more[name]
  for (const name of ['reasons', 'latencies'] as const) {
    for (const [one, count] of Object.entries(more[name])) counts[name][one] = (counts[name][one] ?? 0) + count
  }
}

/** What a row of delivery_stats counts. */
export interface StatsKey {
  readonly companyId: string
  readonly granularity: Granularity
  readonly scope: 'all' | 'subscription' | 'event_name'
  readonly subject: string
  readonly isReplay: boolean
  readonly bucketMs: number
}

export interface CountedRow {
  readonly key: StatsKey
  readonly counts: DeliveryCounts
}

export function textOfKey({ companyId, granularity, scope, subject, isReplay, bucketMs }: StatsKey): string {
  return [companyId, granularity, scope, subject, isReplay, bucketMs].join(' ')
}

/** Ends of deliveries, added up for every row that counts them. */
export class DeliveryTally {
  readonly #nowMs: number
  readonly #rows = new Map<string, CountedRow>()

  constructor(nowMs: number) {
    this.#nowMs = nowMs
  }

  /** In the order of their keys, so that whoever writes them locks them in one order. */
  get rows(): readonly CountedRow[] {
    return [...this.#rows.entries()].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, row]) => row)
  }

  /** A row of the journal. */
  addJournalled(companyId: string, kinds: readonly EndKind[], codes: readonly number[] | null): void {
    const ends = kinds.map((): DeliveryEnds => ({ count: 0, latencies: {} }))
    for (const code of codes ?? kinds.map((_, index) => index * CODES_PER_KIND)) {
      const end = ends[Math.floor(code / CODES_PER_KIND)]
      if (!end) throw new RangeError('A journal row has a code without a kind')
      const latency = code % CODES_PER_KIND
      end.count++
      if (latency > 0) end.latencies[latency] = (end.latencies[latency] ?? 0) + 1
    }
    for (const [index, kind] of kinds.entries()) {
      const end = ends[index]
      if (end && end.count > 0) this.add(companyId, kind, end)
    }
  }

  add(companyId: string, kind: EndKind, { count, latencies }: DeliveryEnds): void {
    const [minute, subscriptionId, eventName, isReplay, outcome, isAttempt, reason] = kind
    const more = {
      ...noDeliveries(),
      attempts: isAttempt * count,
      reasons: { [`${outcome} ${reason}`]: count },
      latencies,
    }
    more[outcome] = count
    for (const bucket of bucketsOf(minute * 60_000, this.#nowMs)) {
      const common = { companyId, isReplay: isReplay === 1, ...bucket }
      this.#addTo({ ...common, scope: 'all', subject: '' }, more)
      this.#addTo({ ...common, scope: 'subscription', subject: subscriptionId }, more)
      this.#addTo({ ...common, scope: 'event_name', subject: eventName }, more)
    }
  }

  #addTo(key: StatsKey, more: DeliveryCounts): void {
    const text = textOfKey(key)
    let row = this.#rows.get(text)
    if (!row) this.#rows.set(text, (row = { key, counts: noDeliveries() }))
    addDeliveries(row.counts, more)
  }
}

/** So many ends of one kind. */
interface DeliveryEnds {
  count: number
  readonly latencies: Record<string, number>
}
