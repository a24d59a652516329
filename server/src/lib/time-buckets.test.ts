import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { bucketMs, bucketOf, bucketStarts, coverSpan, wholeBuckets } from './time-buckets.ts'

const span = fc
  .tuple(fc.integer({ min: 0, max: 40_000_000 }), fc.integer({ min: 0, max: 600_000 }))
  .map(([from, length]) => ({ fromMs: from * bucketMs.minute, toMs: (from + length) * bucketMs.minute }))

test('the pieces of a span are whole buckets, side by side, and together the span', () => {
  fc.assert(
    fc.property(span, ({ fromMs, toMs }) => {
      let reached = fromMs
      for (const piece of coverSpan({ fromMs, toMs })) {
        assert.equal(piece.fromMs, reached)
        assert.equal(bucketOf(piece.fromMs, piece.granularity), piece.fromMs)
        assert.equal(bucketOf(piece.toMs, piece.granularity), piece.toMs)
        assert.ok(piece.toMs > piece.fromMs)
        reached = piece.toMs
      }
      assert.equal(reached, toMs)
    }),
  )
})

test('the pieces of a span are few buckets', () => {
  fc.assert(
    fc.property(span, (given) => {
      const buckets = coverSpan(given).reduce((sum, piece) => sum + bucketStarts(piece, piece.granularity).length, 0)
      assert.ok(buckets <= (given.toMs - given.fromMs) / bucketMs.day + 2 * 59 + 2 * 23)
    }),
  )
})

test('the whole buckets of a span have all of it, and none more than they must', () => {
  fc.assert(
    fc.property(span, fc.constantFrom('minute', 'hour', 'day'), (given, granularity) => {
      const whole = wholeBuckets(given, granularity)
      assert.ok(whole.fromMs <= given.fromMs && given.fromMs - whole.fromMs < bucketMs[granularity])
      assert.ok(whole.toMs >= given.toMs && whole.toMs - given.toMs < bucketMs[granularity])
    }),
  )
})
