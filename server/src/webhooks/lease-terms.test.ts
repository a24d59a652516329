import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { closedBreaker } from './breaker.ts'
import { leaseTerms, spend } from './lease-terms.ts'
import type { LockedSubscription } from './subscription-health.ts'

const healthy: LockedSubscription = {
  companyId: 'c',
  subscriptionId: 's',
  status: 'active',
  concurrency: 8,
  timeoutMs: 15_000,
  rateLimit: null,
  bucket: undefined,
  breaker: closedBreaker,
  nowMs: 1_000_000,
}

const open = { ...closedBreaker, state: 'open', openMs: 1_500.2 } as const

test('a healthy subscription is given what is asked for, within its own limit of calls', () => {
  assert.deepEqual(leaseTerms(healthy, 20), { slots: 20, callsMax: 8, waitMs: 0 })
})

test('of an inactive or disabled one nothing is leased, and nobody waits for it', () => {
  for (const status of ['inactive', 'disabled'] as const) {
    assert.deepEqual(leaseTerms({ ...healthy, status }, 20), { slots: 0, callsMax: 0, waitMs: 0 })
  }
})

test('an open breaker gives nothing and says how long; when its time is over it gives one call', () => {
  assert.deepEqual(leaseTerms({ ...healthy, breaker: open }, 20), { slots: 0, callsMax: 0, waitMs: 1_501 })
  assert.equal(leaseTerms({ ...healthy, breaker: { ...open, openMs: 0 } }, 20).callsMax, 1)
})

test('what is left of a deleted one is ended whatever its breaker and its rate limit say: no call is made', () => {
  const deleted = { ...healthy, status: 'deleted', breaker: open, rateLimit: 1 } as const
  assert.deepEqual(leaseTerms(deleted, 20), { slots: 20, callsMax: 256, waitMs: 0 })
  assert.equal(spend(deleted, 20), undefined)
})

test('over any span, no more calls are begun than the rate limit and its burst allow', () => {
  const step = fc.record({ passedMs: fc.integer({ min: 0, max: 3_000 }), wanted: fc.integer({ min: 1, max: 300 }) })
  const property = fc.property(
    fc.integer({ min: 1, max: 10_000 }),
    fc.array(step, { minLength: 1 }),
    (rateLimit, steps) => {
      let subscription: LockedSubscription = { ...healthy, rateLimit, concurrency: 256 }
      const startMs = subscription.nowMs
      let calls = 0
      for (const { passedMs, wanted } of steps) {
        subscription = { ...subscription, nowMs: subscription.nowMs + passedMs }
        const { slots, waitMs } = leaseTerms(subscription, wanted)
        assert.ok(slots >= 0 && slots <= wanted)
        assert.ok(slots === wanted || waitMs > 0, 'who gets less is told when to come again')
        calls += slots
        subscription = { ...subscription, bucket: spend(subscription, slots) ?? subscription.bucket }
      }
      const burst = Math.max(1, Math.ceil(rateLimit / 5))
      const seconds = (subscription.nowMs - startMs) / 1_000
      assert.ok(calls <= burst + rateLimit * seconds + 1, `${calls} calls in ${seconds} s at ${rateLimit}/s`)
    },
  )
  fc.assert(property)
})

test('a rate limit that is not used up for a while lets a fifth of a second pass at once, and no more', () => {
  const subscription = { ...healthy, rateLimit: 50, bucket: { tokens: 0, atMs: 0 } }
  assert.equal(leaseTerms(subscription, 100).slots, 10)
})
