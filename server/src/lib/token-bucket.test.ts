import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { refill, takeTokens } from './token-bucket.ts'
import type { TokenBucket, TokenRate } from './token-bucket.ts'

const rates = fc.record({
  perSecond: fc.double({ min: 0.01, max: 100_000, noNaN: true }),
  burst: fc.integer({ min: 1, max: 100_000 }),
})

/** Requests as pauses in milliseconds before each, and how many tokens it asks for. */
const requests = fc.array(fc.tuple(fc.double({ min: 0, max: 2_000, noNaN: true }), fc.integer({ min: 1, max: 40 })), {
  minLength: 1,
  maxLength: 200,
})

interface Take {
  readonly atMs: number
  readonly count: number
}

/** What is taken of what is asked for. */
function run(rate: TokenRate, asked: readonly (readonly [pauseMs: number, count: number])[]): readonly Take[] {
  const taken: Take[] = []
  let bucket: TokenBucket | undefined
  let nowMs = 0
  for (const [pauseMs, count] of asked) {
    nowMs += pauseMs
    const taking = takeTokens(bucket, rate, nowMs, count)
    bucket = taking.bucket
    if (taking.waitMs === 0) taken.push({ atMs: nowMs, count })
  }
  return taken
}

test('no span of time sees more than the burst and what the rate gives in it', () => {
  fc.assert(
    fc.property(rates, requests, (rate, asked) => {
      const taken = run(rate, asked)
      for (const [first, { atMs: fromMs }] of taken.entries()) {
        let sum = 0
        for (const { atMs, count } of taken.slice(first)) {
          sum += count
          assert.ok(sum <= rate.burst + ((atMs - fromMs) * rate.perSecond) / 1_000 + 1e-3)
        }
      }
    }),
  )
})

test('who is told to wait gets the tokens when the time is over, and not a millisecond and a half before', () => {
  fc.assert(
    fc.property(rates, requests, fc.integer({ min: 1, max: 40 }), (rate, asked, count) => {
      let bucket: TokenBucket | undefined
      let nowMs = 0
      for (const [pauseMs, one] of asked) bucket = takeTokens(bucket, rate, (nowMs += pauseMs), one).bucket
      const { waitMs } = takeTokens(bucket, rate, nowMs, count)
      if (count > rate.burst) {
        assert.equal(waitMs, Number.POSITIVE_INFINITY)
        return
      }
      assert.equal(takeTokens(bucket, rate, nowMs + waitMs, count).waitMs, 0)
      if (waitMs > 1) assert.ok(takeTokens(bucket, rate, nowMs + waitMs - 1.5, count).waitMs > 0)
    }),
  )
})

test('a bucket holds from nothing to its burst, whatever its clock does', () => {
  const times = fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 1 })
  fc.assert(
    fc.property(rates, times, (rate, clock) => {
      let bucket: TokenBucket | undefined
      for (const nowMs of clock) {
        bucket = takeTokens(bucket, rate, nowMs).bucket
        assert.ok(bucket.tokens >= 0 && bucket.tokens <= rate.burst)
      }
    }),
  )
})

test('a clock that is set back gives nothing twice, and stops nobody for longer than a bucket takes to fill', () => {
  const rate = { perSecond: 10, burst: 20 }
  const empty = { tokens: 0, atMs: 10_000 }
  assert.equal(takeTokens(empty, rate, 9_000).waitMs, 1_100)
  assert.equal(refill(refill(empty, rate, 9_000), rate, 10_000).tokens, 0)
  const followed = refill(empty, rate, 7_999)
  assert.deepEqual(followed, { tokens: 0, atMs: 7_999 })
  assert.equal(takeTokens(followed, rate, 8_099).waitMs, 0)
})

test('all tokens are taken or none', () => {
  const rate = { perSecond: 1, burst: 5 }
  const first = takeTokens(undefined, rate, 0, 3)
  assert.deepEqual(first, { bucket: { tokens: 2, atMs: 0 }, waitMs: 0 })
  assert.deepEqual(takeTokens(first.bucket, rate, 0, 3), { bucket: { tokens: 2, atMs: 0 }, waitMs: 1_000 })
})
