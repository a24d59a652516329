import type { Db } from '../db/statement.ts'
import { matchesEventName } from '../events/event-names.ts'
import { ProblemError } from '../lib/problems.ts'
import { countByName } from './subscription-store.ts'

/** Positions that are counted, or recovered by one job, at most: somebody waits for the count. */
const POSITIONS_MAX = 5_000_000

/** Throws job_too_large. Both ends are included. */
export function refuseLongRange(from: number, to: number): void {
  if (to - from >= POSITIONS_MAX) throw longRange()
}

export function longRange(): ProblemError {
  const message = `A job recovers ${POSITIONS_MAX} positions at most; enable it without recover, then recover shorter ranges`
  return new ProblemError('job_too_large', message)
}

interface CountOfName {
  readonly event_name: string
  readonly count: number
}

/** How many of the events have names that the patterns choose. */
export function countOf(names: readonly CountOfName[], patterns: readonly string[]): number {
  const chosen = names.filter(({ event_name }) => patterns.some((pattern) => matchesEventName(pattern, event_name)))
  return chosen.reduce((sum, { count }) => sum + count, 0)
}

/** The events of a range of positions by their names, as they were counted before somebody took a lock. */
export interface CountedRange {
  readonly from: number
  readonly to: number
  readonly names: readonly CountOfName[]
}

/** Undefined for a range that is too long to be counted. */
export async function countRange(
  db: Db,
  companyId: string,
  from: number,
  to: number,
): Promise<CountedRange | undefined> {
  if (to - from >= POSITIONS_MAX) return undefined
  return { from, to, names: await countByName(db, companyId, from, to) }
}

/**
 * What a range holds that was counted a moment ago and has moved on since, at either end: only the difference is counted.
 * So the lock under which this is done is short, however long the range is.
 */
export async function countMoved(
  db: Db,
  companyId: string,
  counted: CountedRange,
  { from, to }: Pick<CountedRange, 'from' | 'to'>,
  patterns: readonly string[],
): Promise<number> {
  const count = async (first: number, last: number): Promise<number> =>
    first > last ? 0 : countOf(await countByName(db, companyId, first, last), patterns)
  if (from < counted.from || from > counted.to) return await count(from, to)
  const left = await count(counted.from, from - 1)
  return countOf(counted.names, patterns) - left + (await count(counted.to + 1, to))
}
