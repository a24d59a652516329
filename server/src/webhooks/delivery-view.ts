import type { SubscriptionRow } from './subscription-store.ts'

/** A delivery as the interface shows it: always a state, and a reason for it. */
export interface DeliveryView {
  readonly id: string
  readonly subscription_id: string
  /** Where it goes to; for an ended one, where it went. */
  readonly webhook_url: string
  readonly event_id: string
  readonly event_name: string
  readonly position: number
  readonly replay_id: string | null
  readonly state: 'pending' | 'delivered' | 'failed' | 'cancelled'
  /** How a pending one is pending; null when ended. */
  readonly progress: Progress | null
  /**
   * Stable word. Pending: not_attempted_yet, attempt_under_way, retried_by_request, waits_for_earlier,
   * subscription_inactive and the like, or the reason of its last attempt; ended: the reason of its ending.
   */
  readonly reason: string
  /** The delivery that a blocked one waits for, with what that one waits for; null for all others. */
  readonly blocked_by: BlockedBy | null
  readonly detail: string | null
  /** Attempts begun. */
  readonly attempts: number
  /** May be in the past: it is due, and made as soon as its subscription has a free slot. Null when none is planned. */
  readonly next_attempt_at: string | null
  readonly ended_at: string | null
  readonly last_attempt: LastAttempt | null
}

/**
 * `waiting` for its first attempt; `in_flight`: one is being made; `retrying`: waiting for the next one; `held`: its
 * subscription is not active, and it waits until it is; `blocked`: an earlier delivery of its order has not ended.
 */
export type Progress = 'waiting' | 'in_flight' | 'retrying' | 'held' | 'blocked'

export interface BlockedBy {
  readonly id: string
  readonly progress: Progress
  readonly reason: string
  readonly next_attempt_at: string | null
}

/** The attempt that ended last. `log_id` leads to its request and response. */
export interface LastAttempt {
  readonly log_id: string
  readonly attempt_no: number
  readonly outcome: string
  readonly reason: string
  readonly response_status: number | null
  readonly started_at: string
}

/** The columns of the attempt that ended last; all null when there was none. */
export interface LastAttemptColumns {
  readonly last_log_id: string | null
  readonly last_attempt_no: number | null
  readonly last_outcome: string | null
  readonly last_reason: string | null
  readonly last_response_status: number | null
  readonly last_started_at: Date | null
}

interface DeliveryColumns extends LastAttemptColumns {
  readonly id: string
  readonly subscription_id: string
  readonly webhook_url: string
  readonly event_id: string
  readonly event_name: string
  readonly position: number
  readonly replay_id: string | null
}

/** A row of webhook_deliveries with what explains it. */
export interface PendingRow extends DeliveryColumns {
  readonly attempts: number
  readonly first_attempt_no: number
  /** Null for a blocked one. */
  readonly due_at: Date | null
  readonly has_lease: boolean
  /** `due_at` has not come yet: the lease holds, or the attempt is planned for later. */
  readonly is_ahead: boolean
  readonly is_blocked: boolean
  readonly subscription_status: SubscriptionRow['status']
  /** The first delivery of its chain, for a blocked one. */
  readonly first: FirstOfChain | null
}

/** As JSON. */
interface FirstOfChain extends Pick<
  PendingRow,
  'id' | 'attempts' | 'first_attempt_no' | 'has_lease' | 'is_ahead' | 'is_blocked' | 'last_reason'
> {
  readonly due_at: string | null
}

/** The last ending of a delivery, from the ledger. */
export interface EndedRow extends DeliveryColumns {
  readonly log_id: string
  readonly state: 'delivered' | 'failed' | 'cancelled'
  readonly reason: string
  readonly detail: string | null
  readonly ended_at: Date
}

export function viewPending(row: PendingRow): DeliveryView {
  const { progress, reason } = explainPending(row)
  return {
    ...viewShared(row),
    state: 'pending',
    progress,
    reason,
    blocked_by: row.is_blocked ? viewBlockedBy(row) : null,
    detail: null,
    attempts: row.attempts,
    next_attempt_at: plannedAt(progress, row.due_at),
    ended_at: null,
  }
}

function viewBlockedBy({ first, subscription_status }: PendingRow): BlockedBy | null {
  if (!first) return null
  const explained = explainPending({ ...first, subscription_status })
  const dueAt = first.due_at === null ? null : new Date(first.due_at)
  return { id: first.id, ...explained, next_attempt_at: plannedAt(explained.progress, dueAt) }
}

function plannedAt(progress: Progress, dueAt: Date | null): string | null {
  return progress === 'waiting' || progress === 'retrying' ? (dueAt?.toISOString() ?? null) : null
}

/** Why a pending delivery has not ended yet; exported for tests. */
export function explainPending(
  row: Pick<
    PendingRow,
    'attempts' | 'first_attempt_no' | 'has_lease' | 'is_ahead' | 'is_blocked' | 'subscription_status' | 'last_reason'
  >,
): { readonly progress: Progress; readonly reason: string } {
  if (row.is_blocked) return { progress: 'blocked', reason: 'waits_for_earlier' }
  if (row.has_lease && row.is_ahead) return { progress: 'in_flight', reason: 'attempt_under_way' }
  if (row.subscription_status !== 'active') {
    return { progress: 'held', reason: `subscription_${row.subscription_status}` }
  }
  // Whoever made this attempt is gone; it is closed in the ledger when the next one begins.
  if (row.has_lease) return { progress: 'retrying', reason: 'lease_expired' }
  if (row.attempts === 0) return { progress: 'waiting', reason: 'not_attempted_yet' }
  if (row.attempts < row.first_attempt_no) return { progress: 'retrying', reason: 'retried_by_request' }
  return { progress: 'retrying', reason: row.last_reason ?? 'lease_expired' }
}

export function viewEnded(row: EndedRow): DeliveryView {
  return {
    ...viewShared(row),
    state: row.state,
    progress: null,
    reason: row.reason,
    blocked_by: null,
    detail: row.detail,
    attempts: row.last_attempt_no ?? 0,
    next_attempt_at: null,
    ended_at: row.ended_at.toISOString(),
  }
}

function viewShared(row: DeliveryColumns) {
  return {
    id: row.id,
    subscription_id: row.subscription_id,
    webhook_url: row.webhook_url,
    event_id: row.event_id,
    event_name: row.event_name,
    position: row.position,
    replay_id: row.replay_id,
    last_attempt: viewLastAttempt(row),
  }
}

function viewLastAttempt(row: LastAttemptColumns): LastAttempt | null {
  const { last_log_id, last_attempt_no, last_outcome, last_reason, last_response_status, last_started_at } = row
  if (last_log_id === null || last_attempt_no === null || last_outcome === null) return null
  if (last_reason === null || last_started_at === null) return null
  return {
    log_id: last_log_id,
    attempt_no: last_attempt_no,
    outcome: last_outcome,
    reason: last_reason,
    response_status: last_response_status,
    started_at: last_started_at.toISOString(),
  }
}
