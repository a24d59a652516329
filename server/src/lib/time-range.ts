import { ProblemError } from './problems.ts'
import { parseRfc3339 } from './rfc3339.ts'

/** Half open: `from` included, `to` not. An absent end is open. */
export interface TimeRange {
  readonly from?: Date | undefined
  readonly to?: Date | undefined
}

const relative = /^-(\d{1,9})([smhd])$/

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

const newestMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

/**
 * The time that an end of a range names: RFC 3339 with an offset, `now`, or so many seconds, minutes, hours or days ago
 * (`-90s`, `-30m`, `-24h`, `-7d`; a day has 24 hours). Times outside 1970 to 9999, where nothing is recorded, become
 * the nearest one inside. Throws invalid_time for any other text.
 */
export function parseTime(text: string, nowMs: number): Date {
  const timeMs = text === 'now' ? nowMs : (parseAgo(text, nowMs) ?? parseRfc3339(text))
  if (timeMs === undefined) {
    throw new ProblemError(
      'invalid_time',
      'A time is RFC 3339 with an offset, or now, or relative, such as -24h or -7d',
    )
  }
  return new Date(Math.max(0, Math.min(timeMs, newestMs)))
}

function parseAgo(text: string, nowMs: number): number | undefined {
  const [, amount, unit = ''] = relative.exec(text) ?? []
  const ms = unitMs[unit]
  return ms === undefined ? undefined : nowMs - Number(amount) * ms
}
