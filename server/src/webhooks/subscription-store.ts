import { command, statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { PlaceInCompany } from '../vault/vault.ts'

/** A row of event_subscriptions with what its health row says. */
export interface SubscriptionRow {
  company_id: string
  id: string
  version: number
  webhook_url: string
  event_names: string[]
  description: string | null
  status: 'active' | 'inactive' | 'disabled' | 'deleted'
  disabled_reason: string | null
  concurrency: number
  timeout_ms: number
  /** Calls per second; null is no limit. */
  rate_limit: number | null
  held_from_position: number | null
  created_at: Date
  updated_at: Date
  failures_in_row: number
  last_success_at: Date | null
  last_failure_at: Date | null
  breaker: 'closed' | 'open' | 'recovering'
  breaker_open_until: Date | null
}

type HealthColumn = 'failures_in_row' | 'last_success_at' | 'last_failure_at' | 'breaker' | 'breaker_open_until'

const columns = `s.company_id, s.id, s.version, s.webhook_url, s.event_names, s.description, s.status, s.disabled_reason,
          s.concurrency, s.timeout_ms, s.rate_limit, s.held_from_position, s.created_at, s.updated_at,
          h.failures_in_row, h.last_success_at, h.last_failure_at, h.breaker, h.breaker_open_until`

/**
 * Begins a change of a company's subscriptions: locks its head, so that the change lies between two positions, and
 * counts its subscription version on. The first statement of every such transaction.
 */
export const beginChange = statement<[companyId: string], { version: number; last_position: number }>(
  'subscription.begin_change',
  `update company_heads
      set subscription_version = subscription_version + 1
    where company_id = $1
   returning subscription_version as version, last_position`,
)

export const findSubscriptionRow = statement<[companyId: string, id: string], SubscriptionRow>(
  'subscription.find',
  `select ${columns}
     from event_subscriptions s
     join subscription_health h on h.company_id = s.company_id and h.subscription_id = s.id
    where s.company_id = $1 and s.id = $2 and s.status <> 'deleted'`,
)

/** Newest first. */
export const listSubscriptionRows = statement<
  [companyId: string, before: string | null, limit: number],
  SubscriptionRow
>(
  'subscription.list',
  `select ${columns}
     from event_subscriptions s
     join subscription_health h on h.company_id = s.company_id and h.subscription_id = s.id
    where s.company_id = $1 and s.status <> 'deleted' and ($2::uuid is null or s.id < $2)
    order by s.id desc
    limit $3`,
)

export const countSubscriptions = statement<[companyId: string], { count: number }>(
  'subscription.count',
  `select count(*) as count from event_subscriptions where company_id = $1 and status <> 'deleted'`,
)

type Values = [
  companyId: string,
  id: string,
  version: number,
  webhookUrl: string,
  eventNames: readonly string[],
  description: string | null,
  status: SubscriptionRow['status'],
  disabledReason: string | null,
  concurrency: number,
  timeoutMs: number,
  heldFromPosition: number | null,
  rateLimit: number | null,
]

/** Writes the subscription as it is from now on and keeps this state as its version for ever. */
const saveRow = command<Values>(
  'subscription.save',
  `with version as (
     insert into event_subscription_versions
            (company_id, version, subscription_id, webhook_url, event_names, status, concurrency, timeout_ms)
     values ($1, $3, $2, $4, $5, $7, $9, $10)
   )
   insert into event_subscriptions as s (company_id, id, version, webhook_url, event_names, description, status,
          disabled_reason, concurrency, timeout_ms, held_from_position, rate_limit, updated_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, now())
   on conflict (company_id, id) do update
      set version = excluded.version, webhook_url = excluded.webhook_url, event_names = excluded.event_names,
          description = excluded.description, status = excluded.status, disabled_reason = excluded.disabled_reason,
          concurrency = excluded.concurrency, timeout_ms = excluded.timeout_ms,
          held_from_position = excluded.held_from_position, rate_limit = excluded.rate_limit,
          updated_at = excluded.updated_at`,
)

export async function saveSubscription(
  db: Db,
  row: Omit<SubscriptionRow, 'created_at' | 'updated_at' | HealthColumn>,
): Promise<void> {
  await saveRow(
    db,
    row.company_id,
    row.id,
    row.version,
    row.webhook_url,
    row.event_names,
    row.description,
    row.status,
    row.disabled_reason,
    row.concurrency,
    row.timeout_ms,
    row.held_from_position,
    row.rate_limit,
  )
}

export const createHealth = command<[companyId: string, subscriptionId: string]>(
  'health.create',
  `insert into subscription_health (company_id, subscription_id) values ($1, $2)`,
)

/** A subscription that is enabled, calls another place, or ends, begins with a clean slate. */
export const resetHealth = command<[companyId: string, subscriptionId: string]>(
  'health.reset',
  `update subscription_health
      set failures_in_row = 0, disable_due = null, breaker = 'closed', breaker_failures = 0, breaker_trips = 0,
          breaker_open_until = null, breaker_ramp = 1, is_slow = false
    where company_id = $1 and subscription_id = $2`,
)

/** Takes the mark that asks for disabling; none when another process did. */
export const takeDisableDue = statement<
  [companyId: string, subscriptionId: string],
  { disable_due: 'failures_in_row' | 'gone'; failures_in_row: number }
>(
  'health.take_disable_due',
  `update subscription_health h
      set disable_due = null
     from (select company_id, subscription_id, disable_due
             from subscription_health
            where company_id = $1 and subscription_id = $2 and disable_due is not null
              for update) marked
    where h.company_id = $1 and h.subscription_id = $2 and marked.subscription_id = h.subscription_id
   returning marked.disable_due, h.failures_in_row`,
)

/** Marks left behind by a process that died between counting a failure and disabling. */
export const findDisableDue = statement<[], { company_id: string; subscription_id: string }>(
  'health.find_disable_due',
  `select company_id, subscription_id from subscription_health where disable_due is not null`,
)

export const insertSecret = command<[companyId: string, subscriptionId: string, id: string, sealed: Buffer]>(
  'secret.insert',
  `insert into subscription_secrets (company_id, subscription_id, id, sealed) values ($1, $2, $3, $4)`,
)

/** Where a signing secret is sealed; its bytes open in no other row. */
export function placeOfSecret(subscriptionId: string, id: string): PlaceInCompany {
  return { table: 'subscription_secrets', column: 'sealed', rowId: `${subscriptionId}/${id}` }
}

/** The current secret goes on being signed with for a while. */
export const retireSecrets = command<[companyId: string, subscriptionId: string, overlapSeconds: number]>(
  'secret.retire',
  `update subscription_secrets
      set expires_at = now() + $3 * interval '1 second'
    where company_id = $1 and subscription_id = $2 and expires_at is null`,
)

export const deleteExpiredSecrets = command<[companyId: string, subscriptionId: string]>(
  'secret.delete_expired',
  `delete from subscription_secrets where company_id = $1 and subscription_id = $2 and expires_at <= now()`,
)

/** How many events of each name lie in a range of positions. */
export const countByName = statement<
  [companyId: string, from: number, to: number],
  { event_name: string; count: number }
>(
  'trail.count_by_name',
  `select event_name, count(*) as count
     from event_audit_trail
    where company_id = $1 and position between $2 and $3
    group by event_name`,
)
