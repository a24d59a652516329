/**
 * Latencies as counts in fixed classes whose bounds grow by one factor, so that histograms of any times and places merge
 * exactly, by addition (the construction of DDSketch, Masson and others, VLDB 2019).
 *
 * Class 1 is below a tenth of a millisecond, the last one above 16 minutes; class n + 1 begins at the n-th bound. A
 * percentile is told as the middle of its class, so it is {@link LATENCY_ERROR} of its value off at most.
 */
export const LATENCY_ERROR = 0.05

const FIRST_BOUND_MS = 0.1
const BOUNDS = 161

/** Milliseconds, rising. Rounded, so that they are the same numbers on every machine. */
export const latencyBounds: readonly number[] = Array.from({ length: BOUNDS }, (_, index) =>
  Number((FIRST_BOUND_MS * ((1 + LATENCY_ERROR) / (1 - LATENCY_ERROR)) ** index).toPrecision(6)),
)

/** How often each class was seen. */
export type LatencyCounts = Readonly<Record<string, number>>

/** The number of bounds that are not above it, and one: `width_bucket(ms, bounds) + 1` in SQL. */
export function latencyClass(ms: number): number {
  let [low, high] = [0, BOUNDS]
  while (low < high) {
    const middle = (low + high) >> 1
    if (ms >= (latencyBounds[middle] ?? Infinity)) low = middle + 1
    else high = middle
  }
  return low + 1
}

/** The latency that so large a part (0 to 1) of them does not pass, ms; undefined where there are none. */
export function latencyAt(counts: LatencyCounts, part: number): number | undefined {
  const classes = Object.entries(counts)
    .map(([name, count]) => [Number(name), count] as const)
    .sort(([one], [other]) => one - other)
  const total = classes.reduce((sum, [, count]) => sum + count, 0)
  let left = Math.max(1, Math.ceil(part * total))
  for (const [one, count] of classes) {
    left -= count
    if (left <= 0) return middleOf(one)
  }
  return undefined
}

/** Both ends of the class are off by the same part of it. Of the first class and the last, the one end there is. */
function middleOf(one: number): number {
  const from = latencyBounds[one - 2] ?? FIRST_BOUND_MS
  const to = latencyBounds[one - 1] ?? from
  return one === 1 ? FIRST_BOUND_MS : (2 * from * to) / (from + to)
}
