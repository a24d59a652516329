import { ProblemError } from '../../lib/problems.ts'
import type { Granularity, Span } from '../../lib/time-buckets.ts'
import { bucketMs, bucketStarts, keptMs, wholeBuckets } from '../../lib/time-buckets.ts'
import type { TimeRange } from '../../lib/time-range.ts'

export const BUCKETS_MAX = 750

const hourMs = bucketMs.hour

export interface StatsSpan extends Span {
  readonly granularity: Granularity
  /** The time of the same length before it; undefined where it is not kept at this granularity any more. */
  readonly previous: Span | undefined
}

/**
 * The whole buckets that a question is about. Without a start it is the day before the end; without an end it ends now.
 * `auto` takes minutes for three hours and less, hours for a week and less, if they are still kept, and days else. Throws
 * invalid_time where the range is empty, in the future, older than what is kept, or more than {@link BUCKETS_MAX} buckets.
 */
export function statsSpan(range: TimeRange, wanted: Granularity | 'auto', nowMs: number): StatsSpan {
  const toMs = Math.min(range.to?.getTime() ?? nowMs, nowMs)
  const fromMs = range.from?.getTime() ?? toMs - 24 * hourMs
  if (fromMs >= toMs) throw refused('/from', 'Must be before the end of the range, and before now')
  const granularity = wanted === 'auto' ? granularityFor({ fromMs, toMs }, nowMs) : wanted
  const span = wholeBuckets({ fromMs, toMs }, granularity)
  if (fromMs < nowMs - keptMs[granularity]) {
    throw refused(
      '/from',
      `A ${granularity} is kept for ${keptMs[granularity] / bucketMs.day} days; ask for coarser buckets`,
    )
  }
  if (bucketStarts(span, granularity).length > BUCKETS_MAX) {
    throw refused('/bucket', `The range has more than ${BUCKETS_MAX} of them; ask for coarser buckets`)
  }
  const previousFromMs = span.fromMs - (span.toMs - span.fromMs)
  const isKept = previousFromMs >= Math.max(0, nowMs - keptMs[granularity])
  return { ...span, granularity, previous: isKept ? { fromMs: previousFromMs, toMs: span.fromMs } : undefined }
}

function granularityFor({ fromMs, toMs }: Span, nowMs: number): Granularity {
  const lengthMs = toMs - fromMs
  const isKept = (granularity: Granularity): boolean => fromMs - lengthMs - hourMs >= nowMs - keptMs[granularity]
  if (lengthMs <= 3 * hourMs && isKept('minute')) return 'minute'
  return lengthMs <= 7 * bucketMs.day && isKept('hour') ? 'hour' : 'day'
}

function refused(pointer: string, message: string): ProblemError {
  return new ProblemError('invalid_time', `${pointer}: ${message}`, [{ pointer, code: 'invalid_time', message }])
}
