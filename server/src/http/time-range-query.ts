import { ProblemError } from '../lib/problems.ts'
import type { TimeRange } from '../lib/time-range.ts'
import { parseTime } from '../lib/time-range.ts'

/** `from` and `to` of a query. A fault names the one that is wrong. */
export function timeRangeOf(query: { readonly from?: string; readonly to?: string }, nowMs: number): TimeRange {
  return { from: timeOf('from', query.from, nowMs), to: timeOf('to', query.to, nowMs) }
}

/** A member of a query that is a time. */
export function timeOf(name: 'from' | 'to' | 'at', text: string | undefined, nowMs: number): Date | undefined {
  return timeAt(`/${name}`, text, nowMs)
}

/** A time at some place of a request. */
export function timeAt(pointer: string, text: string | undefined, nowMs: number): Date | undefined {
  if (text === undefined) return undefined
  try {
    return parseTime(text, nowMs)
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    const { code, message } = error
    throw new ProblemError(code, `${pointer}: ${message}`, [{ pointer, code, message }])
  }
}
