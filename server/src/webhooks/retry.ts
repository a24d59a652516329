import type { PostResult } from './post-result.ts'
import { parseRetryAfterMs } from './retry-after.ts'

/** Milliseconds to wait after the 1st, 2nd, … failed attempt. One attempt more than there are delays is made. */
export type RetrySchedule = readonly number[]

export const defaultRetrySchedule: RetrySchedule = [60_000, 300_000, 900_000]

/** Delays are spread by this share to both sides, so that what failed together does not come back together. */
const jitterShare = 0.1
const maxRetryAfterMs = 3_600_000

export type AfterAttempt =
  | { readonly outcome: 'delivered' }
  | { readonly outcome: 'will_retry'; readonly delayMs: number; readonly reason: string }
  /** `gone`: the receiver answered 410 and wants no more calls at all, so its subscription is to be disabled. */
  | { readonly outcome: 'failed'; readonly reason: string; readonly gone: boolean }

interface AttemptFacts {
  /** 1 for a delivery's first attempt. */
  readonly attemptNo: number
  readonly schedule: RetrySchedule
  readonly result: PostResult
  readonly nowMs: number
  /** Gives numbers in [0, 1). */
  readonly random: () => number
}

/**
 * What an attempt means for its delivery. Only 2xx delivers; a redirect is a failure like any other status. Only 410 ends a
 * delivery before its schedule does. A blocked address or a refused URL follows the schedule too: DNS and the
 * operator's list are things that get repaired, and an early end would be the harder one to explain.
 */
export function decideAfterAttempt({ attemptNo, schedule, result, nowMs, random }: AttemptFacts): AfterAttempt {
  const status = result.kind === 'response' ? result.status : 0
  if (status >= 200 && status <= 299) return { outcome: 'delivered' }
  const reason = reasonOf(result)
  if (status === 410) return { outcome: 'failed', reason, gone: true }
  const plannedMs = schedule[attemptNo - 1]
  if (plannedMs === undefined) return { outcome: 'failed', reason, gone: false }
  return { outcome: 'will_retry', delayMs: retryDelayMs(plannedMs, askedDelayMs(result, nowMs), random()), reason }
}

const shortageDelayMs = 5_000

/** How long to wait when it was this process that had no means for a call: 2.5 to 7.5 s, so that not all come back at once. */
export function delayAfterShortageMs(random: number): number {
  return Math.round(shortageDelayMs * (0.5 + random))
}

/** The stable word for an attempt's result: `http_<status>`, or the class of the error. */
export function reasonOf(result: PostResult): string {
  return result.kind === 'response' ? `http_${result.status}` : result.errorClass
}

/**
 * The schedule's delay with its jitter; or what the receiver's `Retry-After` asked for, within [that delay, one hour]. So a
 * receiver can slow us down, for an hour per attempt at most, and can neither hurry us nor hold a delivery for days.
 * A schedule whose own delay is longer than an hour stands. A delay the receiver asked for is only spread upwards.
 */
function retryDelayMs(plannedMs: number, askedMs: number | null, random: number): number {
  const delayMs = Math.round(plannedMs * (1 - jitterShare + 2 * jitterShare * random))
  if (askedMs === null || askedMs <= delayMs) return delayMs
  const spreadMs = Math.round(askedMs * (1 + jitterShare * random))
  return Math.max(delayMs, Math.min(spreadMs, maxRetryAfterMs))
}

function askedDelayMs(result: PostResult, nowMs: number): number | null {
  if (result.kind !== 'response') return null
  const header = result.headers.find(([name]) => name === 'retry-after')
  return header ? parseRetryAfterMs(header[1], nowMs) : null
}
