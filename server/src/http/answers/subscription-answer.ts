import type { Subscription } from '../../contract/subscription.ts'
import { filterOf, headersOf } from '../../webhooks/subscription-settings.ts'
import { factsOf } from '../../webhooks/subscription-credentials.ts'
import type { SubscriptionRow } from '../../webhooks/subscription-store.ts'

/** Member by member, so that what a row carries beside them cannot leave by accident. */
export function subscriptionAnswer(row: SubscriptionRow): Subscription {
  const { auth, tls } = factsOf(row)
  return {
    id: row.id,
    webhook_url: row.webhook_url,
    event_names: row.event_names,
    description: row.description,
    status: row.status,
    active: row.status === 'active',
    disabled_reason: row.disabled_reason,
    concurrency: row.concurrency,
    timeout_ms: row.timeout_ms,
    rate_limit: row.rate_limit,
    filter: filterOf(row),
    headers: headersOf(row),
    format: row.format,
    ordering: row.ordering,
    retry_schedule: row.retry_schedule,
    auth,
    tls: tls && { ...tls, ca: [...tls.ca] },
    signature: row.signature,
    public_key: row.public_key,
    held_from_position: row.held_from_position,
    held_by: row.held_by,
    failures_in_row: row.failures_in_row,
    last_success_at: row.last_success_at?.toISOString() ?? null,
    last_failure_at: row.last_failure_at?.toISOString() ?? null,
    breaker: row.breaker,
    next_call_at: row.breaker === 'open' ? (row.breaker_open_until?.toISOString() ?? null) : null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}
