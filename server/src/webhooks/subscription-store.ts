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
  /** JSON; null lets every event of the names through. */
  filter: string | null
  /** JSON `{name: value}`. */
  custom_headers: string | null
  format: 'daybook' | 'cloudevents'
  ordering: 'none' | 'entity' | 'subscription'
  /** Seconds before each further attempt; null: the operator's schedule. */
  retry_schedule: number[] | null
  signature: 'hmac' | 'ed25519'
  /** Of the current secret, where it signs with Ed25519. */
  public_key: string | null
  credential_id: string | null
  /** The job that holds its new events back although it is active; null: they are sent as they come. */
  held_by: string | null
  /** JSON of what may be shown of the credentials. */
  credential_facts: string | null
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

/** Of a version and of the current state. */
const versioned = [
  'webhook_url',
  'event_names',
  'status',
  'concurrency',
  'timeout_ms',
  'filter',
  'custom_headers',
  'format',
  'ordering',
  'retry_schedule',
  'credential_id',
  'held_by',
] as const

/** Of the current state alone. */
const current = [
  'description',
  'disabled_reason',
  'held_from_position',
  'rate_limit',
  'signature',
  'public_key',
  'credential_facts',
] as const

const healthColumns = [
  'failures_in_row',
  'last_success_at',
  'last_failure_at',
  'breaker',
  'breaker_open_until',
] as const satisfies readonly HealthColumn[]

const own = ['company_id', 'id', 'version', ...versioned, ...current, 'created_at', 'updated_at']
const columns = [...own.map((name) => `s.${name}`), ...healthColumns.map((name) => `h.${name}`)].join(', ')

/**
 * Begins a change of a company's subscriptions: locks its head, so that the change lies between two positions, and
 * counts its subscription version on. The first statement of every such transaction.
 */
export const beginChange = statement<
  [companyId: string],
  { version: number; last_position: number; subscriptions: number }
>(
  'subscription.begin_change',
  `update company_heads
      set subscription_version = subscription_version + 1
    where company_id = $1
   returning subscription_version as version, last_position, subscriptions`,
)

/** Under the lock of {@link beginChange}. */
export const countSubscription = command<[companyId: string, added: 1 | -1]>(
  'subscription.count',
  `update company_heads set subscriptions = subscriptions + $2 where company_id = $1`,
)

/** Up to so many. */
export const countOrdered = statement<[companyId: string, limit: number], { count: number }>(
  'subscription.count_ordered',
  `select count(company_id) as count
     from (
       select company_id from event_subscriptions
        where company_id = $1 and ordering <> 'none' and status <> 'deleted'
        limit $2
     ) s`,
)

/** Until the commit nothing of the company gets a position, and its subscriptions do not change. */
export const lockHead = statement<[companyId: string], { last_position: number }>(
  'subscription.lock_head',
  `select last_position from company_heads where company_id = $1 for update`,
)

/** The events before this position were sent to it after all. */
export const moveHeld = command<[companyId: string, id: string, position: number]>(
  'subscription.move_held',
  `update event_subscriptions
      set held_from_position = $3
    where company_id = $1 and id = $2 and held_from_position is not null`,
)

/** Whether the job still holds its events back; until the commit nobody stops, edits or deletes it. */
export const lockHeldBy = statement<[companyId: string, id: string, jobId: string], { id: string }>(
  'subscription.lock_held_by',
  `select id from event_subscriptions where company_id = $1 and id = $2 and held_by = $3 for update`,
)

/** From one job to the next; its versions say that it is held, and not by whom. */
export const passHold = statement<
  [companyId: string, id: string, from: string, to: string],
  { held_from_position: number; event_names: string[] }
>(
  'subscription.pass_hold',
  `update event_subscriptions
      set held_by = $4
    where company_id = $1 and id = $2 and held_by = $3
   returning held_from_position, event_names`,
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

const saved = ['company_id', 'id', 'version', ...versioned, ...current] as const
const parameters = (names: readonly (typeof saved)[number][]): string =>
  names.map((name) => `$${saved.indexOf(name) + 1}`).join(', ')

/** Writes the subscription as it is from now on and keeps this state as its version for ever. */
const saveRow = command<readonly unknown[]>(
  'subscription.save',
  `with version as (
     insert into event_subscription_versions
            (company_id, version, subscription_id, ${versioned.join(', ')}, after_position)
     values (${parameters(['company_id', 'version', 'id', ...versioned])}, $${saved.length + 1})
   )
   insert into event_subscriptions as s (${saved.join(', ')}, updated_at)
   values (${parameters(saved)}, now())
   on conflict (company_id, id) do update
      set version = excluded.version, updated_at = excluded.updated_at,
          ${[...versioned, ...current].map((name) => `${name} = excluded.${name}`).join(', ')}`,
)

export type SavedSubscription = Pick<SubscriptionRow, (typeof saved)[number]>

/** @param afterPosition the company's last position: the version is in force for what comes after it */
export async function saveSubscription(db: Db, row: SavedSubscription, afterPosition: number): Promise<void> {
  await saveRow(db, ...saved.map((name) => row[name]), afterPosition)
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

export const insertCredential = command<[companyId: string, subscriptionId: string, id: string, sealed: Buffer]>(
  'credential.insert',
  `insert into subscription_credentials (company_id, subscription_id, id, sealed) values ($1, $2, $3, $4)`,
)

export const findCredential = statement<[companyId: string, subscriptionId: string, id: string], { sealed: Buffer }>(
  'credential.find',
  `select sealed from subscription_credentials where company_id = $1 and subscription_id = $2 and id = $3`,
)

/** The current one first. */
export const readSecrets = statement<
  [companyId: string, subscriptionIds: readonly string[]],
  { subscription_id: string; id: string; sealed: Buffer | null; expires_at: Date | null }
>(
  'subscription.read_secrets',
  `select subscription_id, id, sealed, expires_at
     from subscription_secrets
    where company_id = $1 and subscription_id = any($2::uuid[])
    order by subscription_id, expires_at desc nulls first`,
)

/** Those before the given ones are in force no more; calls under way may still need them. */
export const supersedeCredentials = command<[companyId: string, subscriptionId: string, current: string]>(
  'credential.supersede',
  `update subscription_credentials
      set superseded_at = now()
    where company_id = $1 and subscription_id = $2 and id <> $3 and superseded_at is null`,
)

/** Those that have been in force no more for so long. */
export const deleteSuperseded = command<[companyId: string, subscriptionId: string, seconds: number]>(
  'credential.delete_superseded',
  `delete from subscription_credentials
    where company_id = $1 and subscription_id = $2 and superseded_at <= now() - $3 * interval '1 second'`,
)

/** Also those that calls under way may still need: they were taken away. */
export const deleteCredentials = command<[companyId: string, subscriptionId: string]>(
  'credential.delete',
  `delete from subscription_credentials where company_id = $1 and subscription_id = $2`,
)

/** Where credentials are sealed; their bytes open in no other row. */
export function placeOfCredential(subscriptionId: string, id: string): PlaceInCompany {
  return { table: 'subscription_credentials', column: 'sealed', rowId: `${subscriptionId}/${id}` }
}

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

export const deleteSecrets = command<[companyId: string, subscriptionId: string]>(
  'secret.delete',
  `delete from subscription_secrets where company_id = $1 and subscription_id = $2`,
)

/** Where the company's log ends now. Locks nothing: it may be further when the answer is there. */
export const findLastPosition = statement<[companyId: string], { last_position: number }>(
  'subscription.find_last_position',
  `select last_position from company_heads where company_id = $1`,
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
