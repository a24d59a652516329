import { deliveryId } from '../../src/lib/ids.ts'
import type { MadeEvent, Story } from './made-event.ts'
import { madeEventId, scatter } from './made-event.ts'

/** One row of the ledger. */
export interface MadeAttempt {
  readonly id: string
  readonly deliveryId: string
  readonly subscriptionId: string
  readonly attemptNo: number
  readonly outcome: 'delivered' | 'will_retry' | 'failed' | 'cancelled'
  readonly reason: string
  readonly status: number | null
  readonly latencyMs: number | null
  readonly startedMs: number
}

export const SUBSCRIPTIONS = 40

export function subscriptionIdOf({ company }: Story, number: number): string {
  return `018f0000-0000-7000-8${company}00-${(number % SUBSCRIPTIONS).toString(16).padStart(12, '0')}`
}

/** From this event on, all that are owed to somebody still wait, for a subscription that is not active: 2,000 at most. */
export function firstPending({ events }: Story): number {
  return events - Math.min(8_000, Math.floor(events / 20))
}

export function isPending(story: Story, n: number): boolean {
  return n % 4 === 0 && n >= firstPending(story)
}

/**
 * What became of the n-th event of a story: one in four is owed to a subscription. Nine in ten of them are delivered at
 * once, some after a retry, one in 50 fails, one in 1,000 was cancelled.
 */
export function madeAttempts(story: Story, n: number, event: MadeEvent): readonly MadeAttempt[] {
  if (n % 4 !== 0 || isPending(story, n) || event.name.startsWith('daybook.')) return []
  const fate = scatter(n, 9) % 1_000
  const subscriptionId = subscriptionIdOf(story, scatter(n, 10))
  const delivery = deliveryId(subscriptionId, event.id)
  const common = { deliveryId: delivery, subscriptionId }
  const attempt = (no: number, laterMs: number): Pick<MadeAttempt, 'id' | 'attemptNo' | 'startedMs' | 'latencyMs'> => ({
    id: attemptId(story, n, no, event.recordedMs + laterMs),
    attemptNo: no,
    startedMs: event.recordedMs + laterMs,
    latencyMs: 5 + (scatter(n, 11) % 2_000) / 10,
  })
  if (fate === 0) {
    const ended = { outcome: 'cancelled', reason: 'subscription_deleted', status: null } as const
    return [{ ...common, ...attempt(0, 50), ...ended, latencyMs: null }]
  }
  if (fate < 20) return [{ ...common, ...attempt(1, 20), outcome: 'failed', reason: 'http_410', status: 410 }]
  const delivered = { outcome: 'delivered', reason: 'http_204', status: 204 } as const
  if (fate >= 100) return [{ ...common, ...attempt(1, 20), ...delivered }]
  return [
    { ...common, ...attempt(1, 20), outcome: 'will_retry', reason: 'http_503', status: 503 },
    { ...common, ...attempt(2, 60_000), ...delivered },
  ]
}

/** The time of the attempt before what tells it from all others. */
function attemptId(story: Story, n: number, no: number, atMs: number): string {
  const time = atMs.toString(16).padStart(12, '0')
  const tail = madeEventId(story, n).slice(20)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${no.toString(16).padStart(3, '0')}-9${tail}`
}
