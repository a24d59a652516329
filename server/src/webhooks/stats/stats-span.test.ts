import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ProblemError } from '../../lib/problems.ts'
import { bucketMs, bucketStarts, keptMs } from '../../lib/time-buckets.ts'
import { BUCKETS_MAX, statsSpan } from './stats-span.ts'

const nowMs = Date.UTC(2026, 2, 12, 10, 30, 15)

test('auto always finds buckets, and a time before to compare with, for a range within two years', () => {
  const minutes = fc.integer({ min: 1, max: 365 * 24 * 60 })
  fc.assert(
    fc.property(minutes, minutes, (ago, length) => {
      const fromMs = nowMs - ago * bucketMs.minute
      const to = new Date(fromMs + length * bucketMs.minute)
      const { granularity, previous, ...span } = statsSpan({ from: new Date(fromMs), to }, 'auto', nowMs)
      assert.ok(bucketStarts(span, granularity).length <= BUCKETS_MAX)
      assert.ok(span.fromMs <= fromMs && span.toMs > fromMs)
      assert.ok(previous && previous.fromMs >= nowMs - keptMs[granularity])
      assert.equal(previous.toMs - previous.fromMs, span.toMs - span.fromMs)
    }),
  )
})

test('what lies in the future is left out', () => {
  const { toMs } = statsSpan({ to: new Date(nowMs + bucketMs.day) }, 'hour', nowMs)
  assert.equal(toMs, Date.UTC(2026, 2, 12, 11))
  assert.throws(() => statsSpan({ from: new Date(nowMs + 1) }, 'auto', nowMs), ProblemError)
})
