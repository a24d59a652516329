import { matchesEventName } from '../event-names.ts'

/** How long the payloads of some event names are kept. */
export interface RetentionRule {
  /** A name, a prefix such as `appointment.*`, or `*` for every business event. */
  readonly event_name: string
  /** Days; null is for ever. */
  readonly payload_retention_days: number | null
}

/** What a company keeps, and how long. Days are counted from the recording; null is for ever. */
export interface Retention {
  /** Of all event names that no rule chooses, `daybook.*` among them. */
  readonly payload_retention_days: number | null
  /** Of rows of the ledger. */
  readonly ledger_retention_days: number | null
  readonly rules: readonly RetentionRule[]
}

export const keepAll: Retention = { payload_retention_days: null, ledger_retention_days: null, rules: [] }

/**
 * An event can be published again under its id for 30 days, and gets its first answer as long as its row is there. One day
 * more is room for clocks that differ.
 */
export const RETENTION_DAYS_MIN = 31
export const RETENTION_DAYS_MAX = 36_500

/** The days of a name: those of the rule that says most about it (its own name, then the longest prefix, then `*`). */
export function payloadDaysOf(retention: Retention, eventName: string): number | null {
  let best: RetentionRule | undefined
  for (const rule of retention.rules) {
    if (!matchesEventName(rule.event_name, eventName)) continue
    if (!best || weightOf(rule) > weightOf(best)) best = rule
  }
  return best ? best.payload_retention_days : retention.payload_retention_days
}

/** Rules that choose the same name have different lengths, but for a name and the star below it, which never meet. */
function weightOf({ event_name: pattern }: RetentionRule): number {
  return pattern.endsWith('*') ? pattern.length : Infinity
}

/** The longest that any payload is kept, of whatever name; null is for ever. */
export function longestPayloadDays({ payload_retention_days: others, rules }: Retention): number | null {
  const all = [others, ...rules.map((rule) => rule.payload_retention_days)]
  return all.reduce<number | null>((most, days) => (most === null || days === null ? null : Math.max(most, days)), 0)
}

/** Whether anything ends at all. */
export function endsAnything({ payload_retention_days, ledger_retention_days, rules }: Retention): boolean {
  return [payload_retention_days, ledger_retention_days, ...rules.map((rule) => rule.payload_retention_days)].some(
    (days) => days !== null,
  )
}

const DAY_MS = 24 * 60 * 60 * 1_000

/** What was recorded before this time has been kept for so many days: the last midnight in UTC, so many days ago. */
export function endOfDaysMs(days: number, nowMs: number): number {
  return Math.floor(nowMs / DAY_MS) * DAY_MS - days * DAY_MS
}
