import type { Breaker, BreakerRule } from './breaker.ts'
import { afterCall, callKindOf } from './breaker.ts'
import type { AttemptRecord } from './record-results.ts'
import type { BreakerChange, LockedSubscription } from './subscription-health.ts'

/** The breakers that these results, in the order in which they ended, leave different from what they were. */
export function breakerChanges(
  locked: ReadonlyMap<string, LockedSubscription>,
  records: readonly AttemptRecord[],
  rule: BreakerRule,
): BreakerChange[] {
  const now = new Map<LockedSubscription, Breaker>()
  for (const { subscriptionId, attemptNo, reason } of records) {
    const subscription = locked.get(subscriptionId)
    if (!subscription || attemptNo === 0) continue // no call was made
    const before = now.get(subscription) ?? subscription.breaker
    now.set(subscription, afterCall(before, callKindOf(reason), subscription.concurrency, rule))
  }
  return [...now].flatMap(([{ companyId, subscriptionId, breaker: before }, breaker]) =>
    breaker === before ? [] : [{ companyId, subscriptionId, breaker }],
  )
}
