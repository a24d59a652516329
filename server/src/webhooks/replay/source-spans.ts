import type { ReplaySource } from './replay-parameters.ts'

/** So many parts of a source are looked at where not all of it can be: what one end holds says nothing of the other. */
const SPANS = 20

/** A part of a source's positions, and what was seen of it from its beginning on. */
export interface SourceSpan {
  readonly from: number
  readonly to: number
  /** The position behind which the next look begins; null where all of it was seen. */
  after: number | null
  /** What was chosen of what was seen. */
  count: number
}

/** One span where all positions may be looked at; otherwise equal ones, in order. */
export function spansOf({ from_position: from, to_position: to }: ReplaySource, lookedMax: number): SourceSpan[] {
  const length = Math.max(0, to - from + 1)
  const spans = length <= lookedMax ? 1 : SPANS
  const startOf = (index: number): number => from + Math.floor((length * index) / spans)
  return Array.from({ length: spans }, (_, index) => {
    const first = startOf(index)
    return { from: first, to: startOf(index + 1) - 1, after: first - 1, count: 0 }
  })
}

/**
 * How many are chosen in all of them: what was seen of a span is typical of the rest of it, and all that was seen of one that
 * was not looked at. Pure.
 */
export function countOfSpans(spans: readonly SourceSpan[]): number {
  let [count, seenLength, unseenLength] = [0, 0, 0]
  for (const span of spans) {
    const length = span.to - span.from + 1
    const seen = span.after === null ? length : Math.min(length, span.after - span.from + 1)
    if (seen > 0) count += (span.count * length) / seen
    if (seen > 0) seenLength += length
    else unseenLength += length
  }
  return seenLength === 0 ? count : count * (1 + unseenLength / seenLength)
}
