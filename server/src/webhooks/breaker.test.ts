import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Breaker, BreakerRule, CallKind } from './breaker.ts'
import { afterCall, callKindOf, callsAllowed, closedBreaker, FAILURES_MAX, openMaxFor } from './breaker.ts'

const rule: BreakerRule = { failuresMax: FAILURES_MAX, openMaxMs: openMaxFor([60_000]), random: () => 0.5 }

function after(breaker: Breaker, ...kinds: CallKind[]): Breaker {
  return kinds.reduce((state, kind) => afterCall(state, kind, 64, rule), breaker)
}

const failed = (count: number): CallKind[] => Array<CallKind>(count).fill('failed')

/** Its time is over: the next call is a probe. */
function waited(breaker: Breaker): Breaker {
  return { ...breaker, openMs: 0 }
}

test('it opens at the fifth failure in a row, not at the fourth, and nothing is called then', () => {
  const four = after(closedBreaker, ...failed(4))
  assert.equal(callsAllowed(four, 64), 64)
  const five = after(four, 'failed')
  assert.equal(five.state, 'open')
  assert.equal(five.openMs, 2_000)
  assert.equal(callsAllowed(five, 64), 0)
})

test('an answer between them begins the row anew; what tells nothing of the receiver does not', () => {
  assert.equal(after(closedBreaker, ...failed(4), 'answered', ...failed(4)).state, 'closed')
  assert.equal(after(closedBreaker, ...failed(4), 'neutral', 'failed').state, 'open')
})

test('when its time is over one call probes; one that fails opens it for twice as long, 30 s at most', () => {
  let breaker = after(closedBreaker, ...failed(5))
  const times: number[] = []
  for (let turn = 0; turn < 7; turn++) {
    times.push(breaker.openMs)
    breaker = waited(breaker)
    assert.equal(callsAllowed(breaker, 64), 1)
    breaker = after(breaker, 'failed')
  }
  assert.deepEqual(times, [2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
})

test('calls that were begun before it opened do not make it stay open longer', () => {
  const open = after(closedBreaker, ...failed(5))
  assert.equal(after(open, ...failed(60)), open)
})

test('after an answered probe the calls come back in steps, and it is closed when they are as many as allowed', () => {
  let breaker = waited(after(closedBreaker, ...failed(5)))
  const allowed: number[] = []
  for (let turn = 0; turn < 6; turn++) {
    breaker = after(breaker, 'answered')
    allowed.push(callsAllowed(breaker, 64))
  }
  assert.deepEqual(allowed, [2, 4, 8, 16, 32, 64])
  assert.deepEqual(breaker, closedBreaker)
})

test('a failure while it recovers opens it again, for longer than before', () => {
  const recovering = after(waited(after(closedBreaker, ...failed(5))), 'answered')
  assert.equal(after(recovering, 'failed').openMs, 4_000)
})

test('a deadline that was reached marks it as slow until the next answer', () => {
  const slow = after(closedBreaker, 'timed_out')
  assert.deepEqual([slow.isSlow, slow.state], [true, 'closed'])
  assert.equal(after(slow, 'failed').isSlow, true)
  assert.equal(after(slow, 'answered').isSlow, false)
})

test('what waits while it is open does not come back in step: the time is spread', () => {
  const opened = (random: number): Breaker =>
    failed(5).reduce((state, kind) => afterCall(state, kind, 64, { ...rule, random: () => random }), closedBreaker)
  assert.deepEqual([opened(0).openMs, opened(0.999).openMs], [1_800, 2_200])
})

test('whatever calls bring: it never allows more than the subscription, and answers alone always close it', () => {
  const kind = fc.constantFrom<CallKind>('answered', 'failed', 'timed_out', 'neutral')
  const step = fc.record({ kind, random: fc.double({ min: 0, max: 0.99, noNaN: true }), isOver: fc.boolean() })
  const property = fc.property(fc.integer({ min: 1, max: 256 }), fc.array(step), (concurrency, steps) => {
    let breaker = closedBreaker
    for (const { kind: next, random, isOver } of steps) {
      if (isOver) breaker = waited(breaker)
      breaker = afterCall(breaker, next, concurrency, { ...rule, random: () => random })
      const allowed = callsAllowed(breaker, concurrency)
      assert.ok(allowed >= 0 && allowed <= concurrency)
      assert.ok(breaker.openMs <= 33_000)
      // Nothing waits for ever: as soon as the time is over there is a call, and with it a next state.
      assert.ok(callsAllowed(waited(breaker), concurrency) >= 1)
    }
    for (let turn = 0; turn < 10; turn++) breaker = afterCall(breaker, 'answered', concurrency, rule)
    assert.deepEqual(breaker, closedBreaker)
  })
  fc.assert(property)
})

test('reasons of the ledger are what they say of the receiver', () => {
  const kinds = (...reasons: string[]): CallKind[] => reasons.map(callKindOf)
  assert.deepEqual(
    new Set(kinds('http_200', 'http_204', 'http_301', 'http_400', 'http_404', 'http_410')),
    new Set(['answered']),
  )
  assert.deepEqual(new Set(kinds('http_500', 'http_503', 'http_408', 'http_429')), new Set(['failed']))
  assert.deepEqual(new Set(kinds('connect_failed', 'reset', 'dns_error', 'tls_error')), new Set(['failed']))
  assert.deepEqual(new Set(kinds('timeout', 'connect_timeout')), new Set(['timed_out']))
  assert.deepEqual(new Set(kinds('cancelled', 'blocked_address', 'secret_unreadable')), new Set(['neutral']))
})

test('it is open for half of the first delay of the retry schedule at most, and never longer than 30 s', () => {
  assert.deepEqual([[60_000, 300_000], [10_000], [1_000], []].map(openMaxFor), [30_000, 5_000, 500, 30_000])
  const quick = { ...rule, openMaxMs: openMaxFor([1_000]) }
  const open = failed(5).reduce((state, kind) => afterCall(state, kind, 64, quick), closedBreaker)
  assert.equal(open.openMs, 500)
})
