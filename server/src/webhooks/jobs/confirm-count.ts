import { ProblemError } from '../../lib/problems.ts'

/** From here on whoever starts a job has to say how much he expects it to be. */
const UNCONFIRMED_MAX = 1_000

/** How far the number may have moved since it was looked at, as a share of what is expected. */
const TOLERANCE = 0.1
/** Estimates differ from one look to the next, and what was confirmed bounds them ({@link confirmedMax}). */
const ESTIMATE_TOLERANCE = 0.5

/** Throws count_required or count_changed. An estimate may be far too low, so it has to be confirmed whatever it is. */
export function confirmCount(count: number, expected: number | undefined, isEstimated = false): void {
  const about = isEstimated ? 'About ' : ''
  if (expected === undefined) {
    if (count <= UNCONFIRMED_MAX && !isEstimated) return
    const message = `${about}${count} fit the filter; confirm that with expected_count`
    throw new ProblemError('count_required', message, [{ pointer: '/expected_count', code: 'required', message }])
  }
  const moved = Math.abs(count - expected)
  if (moved <= (isEstimated ? Math.max(UNCONFIRMED_MAX, expected * ESTIMATE_TOLERANCE) : expected * TOLERANCE)) return
  const message = `${about}${count} fit the filter now, and ${expected} were expected`
  throw new ProblemError('count_changed', message, [{ pointer: '/expected_count', code: 'count_changed', message }])
}

/** How much may be done of what was an estimate, and was confirmed with this number. */
export function confirmedMax(expected: number): number {
  return Math.max(UNCONFIRMED_MAX, Math.ceil(expected * (1 + TOLERANCE)))
}
