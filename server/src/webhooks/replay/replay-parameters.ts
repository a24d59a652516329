import type { EntityRef } from '../../events/event.ts'

/**
 * `all`: what the source chooses. `missing`: of that, what was never delivered and is not pending. `failed`: what ended last as
 * failed or cancelled.
 */
export const replayModes = ['all', 'missing', 'failed'] as const
export type ReplayMode = (typeof replayModes)[number]

/** Which events, by what cannot move any more: no relative times, no wildcards, no open end. */
export interface ReplaySource {
  /** Both included. */
  readonly from_position: number
  readonly to_position: number
  /** RFC 3339: recorded from then on. */
  readonly from?: string
  /** RFC 3339: recorded before. */
  readonly to?: string
  readonly event_names?: readonly string[]
  /** Events about one of them. */
  readonly entities?: readonly EntityRef[]
  /** With `entities`: also the events that name one as related. */
  readonly include_related?: boolean
  readonly correlation_id?: string
  /** As subscriptions have them (docs/filters.md). */
  readonly filter?: object
}

export interface SubscriptionsTarget {
  readonly subscription_ids: readonly string[]
}

/** Where to. Kinds of targets are told apart by their members. */
export type ReplayTarget = SubscriptionsTarget

/** What a replay is; the parameters of its job. */
export interface ReplayParameters {
  readonly source: ReplaySource
  readonly target: ReplayTarget
  readonly mode: ReplayMode
  /** Deliveries per second, over all targets. */
  readonly rate: number
  /** For people. */
  readonly reason?: string
  /** The job's total is an estimate: more was chosen than was counted. */
  readonly is_total_estimated: boolean
  /** Where it is: the number that somebody has confirmed, beyond which little is sent ({@link confirmedMax}). */
  readonly confirmed_count?: number
}
