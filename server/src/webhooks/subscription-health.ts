import { rowShape } from '../db/rows.ts'
import { command, statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { TokenBucket } from '../lib/token-bucket.ts'
import type { Breaker } from './breaker.ts'

/** A subscription under its lock: what its calls told of it, and what it allows at this moment, over all processes. */
export interface LockedSubscription {
  readonly companyId: string
  readonly subscriptionId: string
  readonly status: 'active' | 'inactive' | 'disabled' | 'deleted'
  readonly concurrency: number
  readonly timeoutMs: number
  /** Calls per second; null is no limit. */
  readonly rateLimit: number | null
  /** What the rate limit has left; undefined when it was never asked for. */
  readonly bucket: TokenBucket | undefined
  readonly breaker: Breaker
  /** The database's clock, ms. */
  readonly nowMs: number
}

interface SubscriptionKey {
  readonly companyId: string
  readonly subscriptionId: string
}

interface LockedRow {
  company_id: string
  subscription_id: string
  status: LockedSubscription['status']
  concurrency: number
  timeout_ms: number
  rate_limit: number | null
  breaker: Breaker['state']
  breaker_failures: number
  breaker_trips: number
  open_ms: number | null
  breaker_ramp: number
  is_slow: boolean
  rate_tokens: number | null
  rate_at_ms: number | null
  now_ms: number
}

const keyShape = rowShape<SubscriptionKey>({
  company_id: ['uuid', (key) => key.companyId],
  subscription_id: ['uuid', (key) => key.subscriptionId],
})

const lockSql = (lock: 'for update' | 'for update skip locked'): string =>
  `select h.company_id, h.subscription_id, s.status, s.concurrency, s.timeout_ms, s.rate_limit,
          h.breaker, h.breaker_failures, h.breaker_trips, h.breaker_ramp, h.is_slow, h.rate_tokens,
          extract(epoch from h.breaker_open_until - clock_timestamp())::float8 * 1000 as open_ms,
          extract(epoch from h.rate_at)::float8 * 1000 as rate_at_ms,
          extract(epoch from clock_timestamp())::float8 * 1000 as now_ms
     from ${keyShape.from()}
    cross join lateral (
      select * from subscription_health
       where company_id = x.company_id and subscription_id = x.subscription_id
       limit 1 ${lock}
    ) h
    cross join lateral (
      select status, concurrency, timeout_ms, rate_limit from event_subscriptions
       where company_id = x.company_id and id = x.subscription_id
       limit 1
    ) s`

/** The rows are locked as they come, so their order is the caller's. */
const lockRows = statement<readonly unknown[], LockedRow>('health.lock', lockSql('for update'))
const lockFreeRows = statement<readonly unknown[], LockedRow>('health.lock_free', lockSql('for update skip locked'))

type LockedSubscriptions = ReadonlyMap<string, LockedSubscription>

/**
 * Whoever leases deliveries of a subscription, or records how its calls ended when that changes anything, holds this lock.
 * So the limits hold over all processes. Several are always locked in the order of company and id, so nobody waits in a
 * circle. Answers by subscription id.
 */
export async function lockSubscriptions(db: Db, keys: Iterable<SubscriptionKey>): Promise<LockedSubscriptions> {
  return byId(await lockRows(db, ...keyShape.values(inOrder(keys))))
}

/**
 * The same for whoever leases: what somebody else has locked is left out, and nobody waits. So a process that froze in the
 * middle of a claim or a result holds up the subscriptions of that transaction and no others.
 */
export async function lockFreeSubscriptions(db: Db, keys: Iterable<SubscriptionKey>): Promise<LockedSubscriptions> {
  return byId(await lockFreeRows(db, ...keyShape.values(inOrder(keys))))
}

function inOrder(keys: Iterable<SubscriptionKey>): SubscriptionKey[] {
  const distinct = new Map<string, SubscriptionKey>()
  for (const key of keys) distinct.set(key.companyId + key.subscriptionId, key)
  return [...distinct].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, key]) => key)
}

function byId(rows: readonly LockedRow[]): LockedSubscriptions {
  return new Map(rows.map((row) => [row.subscription_id, toLocked(row)]))
}

function toLocked(row: LockedRow): LockedSubscription {
  return {
    companyId: row.company_id,
    subscriptionId: row.subscription_id,
    status: row.status,
    concurrency: row.concurrency,
    timeoutMs: row.timeout_ms,
    rateLimit: row.rate_limit,
    bucket:
      row.rate_tokens === null || row.rate_at_ms === null
        ? undefined
        : { tokens: row.rate_tokens, atMs: row.rate_at_ms },
    breaker: {
      state: row.breaker,
      failures: row.breaker_failures,
      trips: row.breaker_trips,
      openMs: row.breaker === 'open' ? (row.open_ms ?? 0) : 0,
      ramp: row.breaker_ramp,
      isSlow: row.is_slow,
    },
    nowMs: row.now_ms,
  }
}

export interface BreakerChange extends SubscriptionKey {
  readonly breaker: Breaker
}

const breakerShape = rowShape<BreakerChange>({
  company_id: ['uuid', (change) => change.companyId],
  subscription_id: ['uuid', (change) => change.subscriptionId],
  breaker: ['text', ({ breaker }) => breaker.state],
  failures: ['int', ({ breaker }) => breaker.failures],
  trips: ['int', ({ breaker }) => breaker.trips],
  open_ms: ['double precision', ({ breaker }) => (breaker.state === 'open' ? breaker.openMs : undefined)],
  ramp: ['int', ({ breaker }) => breaker.ramp],
  is_slow: ['boolean', ({ breaker }) => breaker.isSlow],
})

const writeBreakerRows = command<readonly unknown[]>(
  'health.write_breaker',
  `update subscription_health h
      set breaker = x.breaker, breaker_failures = x.failures, breaker_trips = x.trips, breaker_ramp = x.ramp,
          is_slow = x.is_slow, breaker_open_until = now() + x.open_ms * interval '1 millisecond'
     from ${breakerShape.from()}
    where h.company_id = x.company_id and h.subscription_id = x.subscription_id`,
)

/** Under the lock of {@link lockSubscriptions}. */
export async function writeBreakers(db: Db, changes: readonly BreakerChange[]): Promise<void> {
  if (changes.length > 0) await writeBreakerRows(db, ...breakerShape.values(changes))
}

export interface BucketChange extends SubscriptionKey {
  readonly bucket: TokenBucket
}

const bucketShape = rowShape<BucketChange>({
  company_id: ['uuid', (change) => change.companyId],
  subscription_id: ['uuid', (change) => change.subscriptionId],
  tokens: ['double precision', ({ bucket }) => bucket.tokens],
  at_ms: ['double precision', ({ bucket }) => bucket.atMs],
})

const writeBucketRows = command<readonly unknown[]>(
  'health.write_bucket',
  `update subscription_health h
      set rate_tokens = x.tokens, rate_at = to_timestamp(x.at_ms / 1000)
     from ${bucketShape.from()}
    where h.company_id = x.company_id and h.subscription_id = x.subscription_id`,
)

/** Under the lock of {@link lockSubscriptions}. */
export async function writeBuckets(db: Db, changes: readonly BucketChange[]): Promise<void> {
  if (changes.length > 0) await writeBucketRows(db, ...bucketShape.values(changes))
}
