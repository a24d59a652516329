import type { TokenBucket, TokenRate } from '../lib/token-bucket.ts'
import { refill } from '../lib/token-bucket.ts'
import { callsAllowed } from './breaker.ts'
import type { LockedSubscription } from './subscription-health.ts'

/** What may be leased of a subscription now. Pure. */
export interface LeaseTerms {
  /** Deliveries to lease, at most. */
  readonly slots: number
  /** Calls under way at once, over all processes, with these. */
  readonly callsMax: number
  /** When it makes sense to ask again although something is due, ms; 0: any time. */
  readonly waitMs: number
}

const nothing: LeaseTerms = { slots: 0, callsMax: 0, waitMs: 0 }

const DELETED_AT_ONCE = 256

/** A rate limit that is used up is not asked for each of its tokens: a tenth of a second's worth come together. */
const RATE_WAIT_MIN_MS = 100

export function leaseTerms(subscription: LockedSubscription, wanted: number): LeaseTerms {
  const { status, concurrency, breaker } = subscription
  // What is left of a deleted one is ended without a call; nothing of an inactive one is touched.
  if (status === 'deleted') return { slots: wanted, callsMax: atOnce(subscription), waitMs: 0 }
  if (status !== 'active') return nothing
  const callsMax = callsAllowed(breaker, concurrency)
  if (callsMax === 0) return { ...nothing, waitMs: Math.ceil(breaker.openMs) }
  const rate = rateOf(subscription)
  if (!rate) return { slots: wanted, callsMax, waitMs: 0 }
  const tokens = Math.floor(refill(subscription.bucket, rate, subscription.nowMs).tokens)
  const waitMs = tokens < wanted ? Math.max(RATE_WAIT_MIN_MS, Math.ceil(1_000 / rate.perSecond)) : 0
  return { slots: Math.min(wanted, tokens), callsMax, waitMs }
}

/** How many deliveries may be in hand at once: of a deleted subscription many, since none of them is called. */
export function atOnce({ status, concurrency }: Pick<LockedSubscription, 'status' | 'concurrency'>): number {
  return status === 'deleted' ? DELETED_AT_ONCE : concurrency
}

/** What the rate limit has left after so many calls; undefined where there is none. */
export function spend(subscription: LockedSubscription, calls: number): TokenBucket | undefined {
  const rate = rateOf(subscription)
  if (!rate || calls === 0 || subscription.status === 'deleted') return undefined
  const { tokens, atMs } = refill(subscription.bucket, rate, subscription.nowMs)
  return { tokens: tokens - calls, atMs }
}

/** A second's worth may come at once, but never so much that two in a row are twice the limit for long. */
function rateOf({ rateLimit }: LockedSubscription): TokenRate | undefined {
  return rateLimit === null ? undefined : { perSecond: rateLimit, burst: Math.max(1, Math.ceil(rateLimit / 5)) }
}
