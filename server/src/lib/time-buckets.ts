/** Times are cut into minutes, hours and days, in UTC. */
export const granularities = ['minute', 'hour', 'day'] as const
export type Granularity = (typeof granularities)[number]

export const bucketMs: Readonly<Record<Granularity, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 }

/** For how long buckets are kept, ms. Days stay for ever. */
export const keptMs = { minute: 2 * bucketMs.day, hour: 90 * bucketMs.day, day: Infinity } as const

/** Milliseconds since 1970, `toMs` not included. */
export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

export function bucketOf(timeMs: number, granularity: Granularity): number {
  return Math.floor(timeMs / bucketMs[granularity]) * bucketMs[granularity]
}

/** The buckets that count what happened then, but for those that would be forgotten at once. */
export function bucketsOf(timeMs: number, nowMs: number): readonly { granularity: Granularity; bucketMs: number }[] {
  return granularities
    .filter((granularity) => timeMs >= nowMs - keptMs[granularity])
    .map((granularity) => ({ granularity, bucketMs: bucketOf(timeMs, granularity) }))
}

/** The shortest span of whole buckets that has all of it. */
export function wholeBuckets({ fromMs, toMs }: Span, granularity: Granularity): Span {
  const length = bucketMs[granularity]
  return { fromMs: bucketOf(fromMs, granularity), toMs: Math.ceil(toMs / length) * length }
}

/** Where the buckets of a span begin. */
export function bucketStarts({ fromMs, toMs }: Span, granularity: Granularity): readonly number[] {
  const length = bucketMs[granularity]
  return Array.from({ length: Math.ceil((toMs - fromMs) / length) }, (_, index) => fromMs + index * length)
}

export interface Piece extends Span {
  readonly granularity: Granularity
}

/**
 * A span of whole minutes as few pieces of whole buckets, each as coarse as can be: minutes up to the first full hour,
 * hours up to the first midnight, days, and so down again. A year is 365 buckets and not half a million.
 */
export function coverSpan({ fromMs, toMs }: Span): readonly Piece[] {
  const pieces: Piece[] = []
  const cover = (span: Span, index: number): void => {
    const granularity = granularities[index]
    if (granularity === undefined || span.fromMs >= span.toMs) return
    const coarser = granularities[index + 1]
    const inner = coarser && {
      fromMs: wholeBuckets({ fromMs: span.fromMs, toMs: span.fromMs }, coarser).toMs,
      toMs: bucketOf(span.toMs, coarser),
    }
    if (!inner || inner.fromMs >= inner.toMs) {
      pieces.push({ ...span, granularity })
      return
    }
    if (span.fromMs < inner.fromMs) pieces.push({ fromMs: span.fromMs, toMs: inner.fromMs, granularity })
    cover(inner, index + 1)
    if (inner.toMs < span.toMs) pieces.push({ fromMs: inner.toMs, toMs: span.toMs, granularity })
  }
  cover({ fromMs, toMs }, 0)
  return pieces
}
