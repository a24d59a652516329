import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { PostErrorClass, PostResult } from './post-result.ts'
import { decideAfterAttempt, defaultRetrySchedule, delayAfterShortageMs } from './retry.ts'

const nowMs = Date.UTC(2026, 10, 23)

function answered(status: number, retryAfter?: string): PostResult {
  const headers: [string, string][] = retryAfter === undefined ? [] : [['retry-after', retryAfter]]
  return { kind: 'response', status, headers, body: Buffer.alloc(0), bodyTruncated: false, timings: { totalMs: 1 } }
}

function failed(errorClass: PostErrorClass): PostResult {
  return { kind: 'error', errorClass, message: '', sent: false, timings: { totalMs: 1 } }
}

function decide(result: PostResult, attemptNo = 1, random = 0.5): ReturnType<typeof decideAfterAttempt> {
  return decideAfterAttempt({ attemptNo, schedule: defaultRetrySchedule, result, nowMs, random: () => random })
}

test('a failing delivery is tried after 1, 5 and 15 minutes and then ends', () => {
  const ends = [1, 2, 3, 4].map((attemptNo) => decide(answered(500), attemptNo))
  assert.deepEqual(ends, [
    { outcome: 'will_retry', delayMs: 60_000, reason: 'http_500' },
    { outcome: 'will_retry', delayMs: 300_000, reason: 'http_500' },
    { outcome: 'will_retry', delayMs: 900_000, reason: 'http_500' },
    { outcome: 'failed', reason: 'http_500', gone: false },
  ])
})

test('2xx delivers and no other status does', () => {
  fc.assert(
    fc.property(fc.integer({ min: 200, max: 999 }), fc.integer({ min: 1, max: 9 }), (status, attemptNo) => {
      assert.equal(decide(answered(status), attemptNo).outcome === 'delivered', status < 300)
    }),
  )
})

test('410 ends the delivery at once and says that the receiver is gone', () => {
  assert.deepEqual(decide(answered(410)), { outcome: 'failed', reason: 'http_410', gone: true })
})

test('every error is retried on the schedule and keeps its class as the reason', () => {
  const classes: PostErrorClass[] = [
    'blocked_address',
    'invalid_url',
    'dns_error',
    'connect_refused',
    'timeout',
    'reset',
  ]
  for (const errorClass of classes) {
    assert.deepEqual(decide(failed(errorClass)), { outcome: 'will_retry', delayMs: 60_000, reason: errorClass })
    assert.deepEqual(decide(failed(errorClass), 4), { outcome: 'failed', reason: errorClass, gone: false })
  }
})

function delayOf(result: PostResult, attemptNo = 1, random = 0.5): number {
  const decision = decide(result, attemptNo, random)
  assert.equal(decision.outcome, 'will_retry')
  return decision.outcome === 'will_retry' ? decision.delayMs : Number.NaN
}

test('Retry-After is obeyed between the schedule and one hour', () => {
  assert.equal(delayOf(answered(429, '600'), 1, 0), 600_000)
  assert.equal(delayOf(answered(429, 'Mon, 23 Nov 2026 00:30:00 GMT'), 1, 0), 1_800_000)
  assert.equal(delayOf(answered(429, '5')), 60_000)
  assert.equal(delayOf(answered(503, '1000000000')), 3_600_000)
  assert.equal(delayOf(answered(503, 'Fri, 31 Dec 9999 23:59:59 GMT')), 3_600_000)
  assert.equal(delayOf(answered(503, '-1')), 60_000)
  assert.equal(delayOf(answered(503, 'NaN')), 60_000)
})

test('the delay keeps its bounds whatever the receiver asks', () => {
  const asked = fc.oneof(fc.string(), fc.nat().map(String), fc.bigInt({ min: 0n }).map(String), fc.constant(undefined))
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(asked, random, fc.integer({ min: 1, max: 3 }), (retryAfter, random, attemptNo) => {
      const planned = defaultRetrySchedule[attemptNo - 1] ?? 0
      const delayMs = delayOf(answered(503, retryAfter), attemptNo, random)
      assert.ok(Number.isInteger(delayMs))
      assert.ok(delayMs >= planned * 0.9 && delayMs <= 3_600_000)
      if (retryAfter === undefined) assert.ok(delayMs <= planned * 1.1)
      const seconds = Number(retryAfter)
      if (/^\d+$/.test(retryAfter ?? '') && seconds <= 3_600) assert.ok(delayMs >= seconds * 1000)
    }),
  )
})

test('a schedule’s own delay of more than an hour stands', () => {
  const facts = { attemptNo: 1, schedule: [7_200_000], nowMs, random: () => 0.5 }
  const decision = decideAfterAttempt({ ...facts, result: answered(503, '10800') })
  assert.deepEqual(decision, { outcome: 'will_retry', delayMs: 7_200_000, reason: 'http_503' })
})

test('after a shortage of ours the next attempt comes within seconds, spread so that not all come at once', () => {
  assert.deepEqual([0, 0.5, 0.999].map(delayAfterShortageMs), [2_500, 5_000, 7_495])
})
