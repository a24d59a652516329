/**
 * The circuit breaker of a subscription: when nobody answers there, its calls stop, and one at a time finds out whether
 * somebody does again. Pure; the state is a row of subscription_health, so that it holds over processes and restarts.
 *
 * Closed, until five calls in a row failed. Open, and nothing is called, for 2 s, then 4, 8, … 30. Then one call
 * probes: when it fails, the breaker opens for longer; when it is answered, calls come back two at once, four, eight, so
 * that a receiver that has just come up is not run over by all that waited.
 *
 * Waiting deliveries stay due meanwhile.
 */
export interface Breaker {
  readonly state: 'closed' | 'open' | 'recovering'
  /** Calls that failed in a row. */
  readonly failures: number
  /** How often it opened since it was closed last. */
  readonly trips: number
  /** While open: milliseconds until a probe may be made; 0 or less when it may. */
  readonly openMs: number
  /** While recovering: calls at once. */
  readonly ramp: number
  /** Its last call ran into the deadline. */
  readonly isSlow: boolean
}

/** How a call bears on its breaker. `neutral`: it tells nothing of the receiver. */
export type CallKind = 'answered' | 'failed' | 'timed_out' | 'neutral'

export const closedBreaker: Breaker = { state: 'closed', failures: 0, trips: 0, openMs: 0, ramp: 1, isSlow: false }

/** Chance, and how much it takes. */
export interface BreakerRule {
  /** Calls that fail in a row until it opens. */
  readonly failuresMax: number
  /** See {@link openMaxFor}. */
  readonly openMaxMs: number
  /** Gives numbers in [0, 1). */
  readonly random: () => number
}

export const FAILURES_MAX = 5

/**
 * The longest that a breaker is open, for subscriptions whose deliveries are tried again after `retrySchedule`: half of the
 * first delay and 30 s at most, so that an endpoint that is gone fails its deliveries, and is disabled, about as soon as
 * without a breaker.
 */
export function openMaxFor(retrySchedule: readonly number[]): number {
  return Math.min(OPEN_MAX_MS, (retrySchedule[0] ?? Infinity) / 2)
}

/** Nothing is held against the receiver. */
export function isClean({ state, failures, isSlow }: Breaker): boolean {
  return state === 'closed' && failures === 0 && !isSlow
}

const OPEN_FIRST_MS = 2_000
const OPEN_MAX_MS = 30_000
const JITTER_SHARE = 0.1

/** Calls at once that the breaker allows a subscription whose own limit is `concurrency`. */
export function callsAllowed(breaker: Breaker, concurrency: number): number {
  switch (breaker.state) {
    case 'closed':
      return concurrency
    case 'open':
      return breaker.openMs > 0 ? 0 : 1
    case 'recovering':
      return Math.min(breaker.ramp, concurrency)
  }
}

export function afterCall(breaker: Breaker, kind: CallKind, concurrency: number, rule: BreakerRule): Breaker {
  switch (kind) {
    case 'neutral':
      return breaker
    case 'answered':
      return afterAnswer(breaker, concurrency)
    case 'failed':
      return afterFailure(breaker, rule)
    case 'timed_out':
      return slow(afterFailure(breaker, rule))
  }
}

function afterAnswer(breaker: Breaker, concurrency: number): Breaker {
  if (breaker.state === 'closed') {
    return isClean(breaker) ? breaker : closedBreaker
  }
  const ramp = breaker.state === 'open' ? 2 : breaker.ramp * 2
  if (ramp >= concurrency) return closedBreaker
  return { ...closedBreaker, state: 'recovering', ramp, trips: breaker.trips }
}

function afterFailure(breaker: Breaker, { failuresMax, openMaxMs, random }: BreakerRule): Breaker {
  const failures = breaker.failures + 1
  if (breaker.state === 'closed' && failures < failuresMax) return { ...breaker, failures }
  // A call that was begun before it opened says nothing new.
  if (breaker.state === 'open' && breaker.openMs > 0) return breaker
  const trips = breaker.trips + 1
  const plannedMs = Math.min(openMaxMs, OPEN_FIRST_MS * 2 ** Math.min(trips - 1, 10))
  const openMs = Math.round(plannedMs * (1 - JITTER_SHARE + 2 * JITTER_SHARE * random()))
  return { ...breaker, state: 'open', failures, trips, openMs, ramp: 1 }
}

function slow(breaker: Breaker): Breaker {
  return breaker.isSlow ? breaker : { ...breaker, isSlow: true }
}

/** Troubles of this installation. */
const ours = new Set(['cancelled', 'secret_unreadable', 'local_shortage', 'proxy_error', 'internal_error'])

/** No call was made because of the subscription's own settings. */
const unsendable = new Set(['invalid_url', 'invalid_request', 'blocked_address'])

/** Whether it is our own trouble, which no subscription is to answer for. */
export function isOurs(reason: string): boolean {
  return ours.has(reason)
}

/**
 * By the reason of the ledger. An answer is an answer, also one that refuses the event; what says that the receiver cannot
 * take calls now (5xx, 408, 429) counts like no answer.
 */
export function callKindOf(reason: string): CallKind {
  if (reason === 'timeout' || reason === 'connect_timeout') return 'timed_out'
  if (isOurs(reason) || unsendable.has(reason)) return 'neutral'
  const status = /^http_(\d{3})$/.exec(reason)?.[1]
  if (status === undefined) return 'failed'
  return status.startsWith('5') || status === '408' || status === '429' ? 'failed' : 'answered'
}
