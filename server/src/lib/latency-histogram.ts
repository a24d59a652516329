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

/**
 * The latencies that so large parts (0 to 1, rising) of them do not pass, ms; none where there are none. Whole numbers are
 * the names of an object's members in rising order, so there is nothing to sort.
 */
export function latenciesAt(counts: LatencyCounts, parts: readonly number[]): readonly number[] {
  const classes = Object.entries(counts)
  const total = classes.reduce((sum, [, count]) => sum + count, 0)
  const found: number[] = []
  let passed = 0
  for (const [name, count] of classes) {
    passed += count
    while (found.length < parts.length && passed >= Math.max(1, Math.ceil((parts[found.length] ?? 1) * total))) {
      found.push(middleOf(Number(name)))
    }
  }
  return found
}

/** Both ends of the class are off by the same part of it. Of the first class and the last, the one end there is. */
function middleOf(one: number): number {
  const from = latencyBounds[one - 2] ?? FIRST_BOUND_MS
  const to = latencyBounds[one - 1] ?? from
  return one === 1 ? FIRST_BOUND_MS : (2 * from * to) / (from + to)
}
