import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'

/** Unfinished deliveries by what they wait for. Counted over as many rows as was asked for. */
export interface QueueDepth {
  /** Due and not leased, those of subscriptions that are not active included. */
  readonly due: number
  /** Leased: being attempted, or their lease runs out. */
  readonly leased: number
  /** Waiting for their next attempt. */
  readonly later: number
  /** Waiting for an earlier delivery of their order. */
  readonly blocked: number
}

const countQueue = statement<[limit: number], QueueDepth>(
  'delivery.count_queue',
  `select count(company_id) filter (where lease_token is null and due_at <= now()) as due,
          count(company_id) filter (where lease_token is not null) as leased,
          count(company_id) filter (where lease_token is null and due_at > now() and due_at < 'infinity') as later,
          count(company_id) filter (where due_at = 'infinity') as blocked
     from (select company_id, lease_token, due_at from webhook_deliveries limit $1) d`,
)

/** One pass over at most `limit` rows. */
export async function readQueueDepth(db: Db, limit: number): Promise<QueueDepth> {
  const [row] = await countQueue(db, limit)
  return row ?? { due: 0, leased: 0, later: 0, blocked: 0 }
}

/** One look per subscription into its part of the index, like the dispatcher's. Those that are inactive or disabled do not count. */
const findOldestDue = statement<[], { seconds: number | null }>(
  'delivery.oldest_due',
  `select extract(epoch from now() - min(due.due_at))::double precision as seconds
     from event_subscriptions s
    cross join lateral (
      select due_at
        from webhook_deliveries d
       where d.company_id = s.company_id and d.subscription_id = s.id and d.due_at <= now()
       order by due_at
       limit 1
    ) due
    where s.status in ('active', 'deleted')`,
)

/** For how long the delivery that waits longest has been due, or its lease over; 0 when nothing is due. Seconds. */
export async function readOldestDue(db: Db): Promise<number> {
  const [row] = await findOldestDue(db)
  return row?.seconds ?? 0
}

/** A subscription with something due, and what may keep it from being taken. */
export interface DueSubscription {
  readonly company_id: string
  readonly subscription_id: string
  readonly status: 'active' | 'inactive' | 'disabled' | 'deleted'
  readonly oldest_seconds: number
  /** Its calls under way at this moment, over all processes, and how many there may be. */
  readonly leased: number
  readonly concurrency: number
  /** The oldest was leased, and whoever had it did not come back. */
  readonly is_lost: boolean
  readonly breaker: 'closed' | 'open' | 'recovering'
  /** Calls per second; null is no limit. */
  readonly rate_limit: number | null
}

/** Those with something due for longer than so many seconds, the longest first. */
export const listOverdue = statement<[seconds: number, limit: number], DueSubscription>(
  'delivery.list_overdue',
  `select s.company_id, s.id as subscription_id, s.status, s.concurrency, s.rate_limit,
          (select h.breaker from subscription_health h
            where h.company_id = s.company_id and h.subscription_id = s.id) as breaker,
          extract(epoch from now() - due.due_at)::double precision as oldest_seconds,
          due.lease_token is not null as is_lost,
          (select count(l.company_id) from webhook_deliveries l
            where l.company_id = s.company_id and l.subscription_id = s.id
              and l.lease_token is not null and l.due_at > now()) as leased
     from event_subscriptions s
    cross join lateral (
      select due_at, lease_token
        from webhook_deliveries d
       where d.company_id = s.company_id and d.subscription_id = s.id
         and d.due_at <= now() - $1 * interval '1 second'
       order by due_at
       limit 1
    ) due
    order by due.due_at
    limit $2`,
)

export interface DisabledSubscription {
  readonly company_id: string
  readonly id: string
  readonly disabled_reason: string
  readonly updated_at: Date
}

/** The ones that were disabled last first. A look over all subscriptions. */
export const listDisabled = statement<[limit: number], DisabledSubscription>(
  'subscription.list_disabled',
  `select company_id, id, disabled_reason, updated_at
     from event_subscriptions
    where status = 'disabled'
    order by updated_at desc
    limit $1`,
)

/** Whether anybody makes calls at this moment: some delivery is leased, and its lease holds. */
export const findLeased = statement<[], { company_id: string }>(
  'delivery.find_leased',
  `select s.company_id
     from event_subscriptions s
    cross join lateral (
      select 1
        from webhook_deliveries d
       where d.company_id = s.company_id and d.subscription_id = s.id and d.lease_token is not null and d.due_at > now()
       limit 1
    ) leased
    limit 1`,
)
