import { randomUUID } from 'node:crypto'
import type { DbPool } from '../db/pools.ts'
import { rowShape } from '../db/rows.ts'
import type { Db } from '../db/statement.ts'
import { statement } from '../db/statement.ts'
import { inTransaction } from '../db/transaction.ts'
import { failpoint } from '../lib/failpoint.ts'
import type { Breaker } from './breaker.ts'
import { dissolveChains } from './dissolve-chains.ts'
import { leaseTerms, spend } from './lease-terms.ts'
import { recordLostAttempts } from './record-results.ts'
import type { LockedSubscription } from './subscription-health.ts'
import { lockFreeSubscriptions, writeBuckets } from './subscription-health.ts'

/** How many deliveries of a subscription are asked for. */
export interface ClaimWish {
  readonly subscriptionId: string
  readonly slots: number
}

export interface ClaimedDelivery {
  readonly id: string
  readonly subscription_id: string
  readonly event_id: string
  readonly position: number
  readonly replay_id: string | null
  /** The attempt that begins now. */
  readonly attempts: number
  readonly first_attempt_no: number
  /** Others wait for its end. */
  readonly is_ordered: boolean
  /** The lease of an earlier attempt ran out; what became of it is unknown. */
  readonly taken_over: boolean
}

/** What the claim learned of a subscription. */
export interface ClaimNews {
  /** Something of it may be due still. */
  readonly mayHaveMore: boolean
  /** It has more due, and no room for it because of calls that are under way, here or elsewhere. */
  readonly isContended: boolean
  /** Nothing of it may be leased before, ms: its breaker is open, or its rate limit is used up. */
  readonly waitMs: number
  /** How long its deliveries are leased, ms. */
  readonly leaseMs: number
  readonly breaker: Breaker
}

export interface Claim {
  readonly leaseToken: string
  readonly deliveries: readonly ClaimedDelivery[]
  /** By subscription id; none of those that another process has locked. */
  readonly news: ReadonlyMap<string, ClaimNews>
  /** The company's subscriptions at the time of the claim. */
  readonly subscriptionVersion: number
}

/** What may be leased of a subscription in this claim. */
interface Grant {
  readonly subscription: LockedSubscription
  readonly slots: number
  /** Calls at once, over all processes. */
  readonly callsMax: number
  readonly waitMs: number
  readonly leaseMs: number
}

const shape = rowShape<Grant>({
  subscription_id: ['uuid', ({ subscription }) => subscription.subscriptionId],
  slots: ['int', (grant) => grant.slots],
  calls_max: ['int', (grant) => grant.callsMax],
  lease_ms: ['int', (grant) => grant.leaseMs],
})

/**
 * Leases due deliveries of one company's subscriptions, the longest due first, each subscription up to its own number.
 *
 * Two claims never hold one delivery: rows that another transaction has locked are passed over (`skip locked`), and the
 * outer update repeats the lease predicate. The limit of calls at once holds over all processes, because claims of a
 * subscription come one after the other (its health row is locked before) and what is leased is counted.
 */
const leaseDue = statement<[companyId: string, leaseToken: string, ...grants: unknown[]], ClaimedDelivery>(
  'delivery.lease_due',
  `with wish as materialized (
     select x.subscription_id, x.lease_ms,
            least(x.slots, x.calls_max - (select count(*) from webhook_deliveries l
                where l.company_id = $1 and l.subscription_id = x.subscription_id
                  and l.lease_token is not null and l.due_at > now())) as free
       from ${shape.from(3)}
   ), due as materialized (
     select d.id, d.lease_token is not null as taken_over
       from wish w
      cross join lateral (
        select id, lease_token
          from webhook_deliveries
         where company_id = $1 and subscription_id = w.subscription_id and due_at <= now()
         order by due_at
         limit greatest(w.free, 0)
           for update skip locked
      ) d
   )
   update webhook_deliveries d
      set lease_token = $2,
          attempts = d.attempts + 1,
          due_at = now() + interval '1 millisecond'
            * (array(select lease_ms from wish))[array_position(array(select subscription_id from wish), d.subscription_id)]
    where d.company_id = $1 and d.id = any(array(select id from due)) and d.due_at <= now()
   returning d.id, d.subscription_id, d.event_id, d.position, d.replay_id, d.attempts, d.first_attempt_no,
             d.order_key is not null as is_ordered, d.id = any(array(select id from due where taken_over)) as taken_over`,
)

const findContended = statement<[companyId: string, subscriptionIds: readonly string[]], { subscription_id: string }>(
  'delivery.find_contended',
  `select w.subscription_id
     from unnest($2::uuid[]) as w(subscription_id)
    where exists (
        select 1 from webhook_deliveries d
         where d.company_id = $1 and d.subscription_id = w.subscription_id and d.due_at <= now())
      and exists (
        select 1 from event_subscriptions s
         where s.company_id = $1 and s.id = w.subscription_id and s.status in ('active', 'deleted'))`,
)

const readVersion = statement<[companyId: string], { subscription_version: number }>(
  'head.read_version',
  `select subscription_version from company_heads where company_id = $1`,
)

/**
 * Takes over what is due; an expired lease is closed in the ledger with the outcome `unknown` in the same transaction.
 * @param marginMs how much longer than its attempt's deadline a lease is
 */
export async function claimDueDeliveries(
  pool: DbPool,
  companyId: string,
  wishes: readonly ClaimWish[],
  marginMs: number,
): Promise<Claim> {
  const leaseToken = randomUUID()
  const claim = await inTransaction(pool, async (db): Promise<Claim> => {
    const locked = await lockFreeSubscriptions(
      db,
      wishes.map(({ subscriptionId }) => ({ companyId, subscriptionId })),
    )
    const grants = wishes.flatMap((wish) => toGrant(wish, locked.get(wish.subscriptionId), marginMs))
    const open = grants.filter(({ slots }) => slots > 0)
    const deleted = open.filter(({ subscription }) => subscription.status === 'deleted')
    if (deleted.length > 0) await dissolveChains(db, companyId, deleted.map(toSubscriptionId))
    const deliveries = open.length > 0 ? await leaseDue(db, companyId, leaseToken, ...shape.values(open)) : []
    const bySubscription = Map.groupBy(deliveries, (delivery) => delivery.subscription_id)
    const countOf = ({ subscription }: Grant): number => bySubscription.get(subscription.subscriptionId)?.length ?? 0
    await writeBuckets(
      db,
      open.flatMap((grant) => {
        const bucket = spend(grant.subscription, countOf(grant))
        return bucket ? [{ companyId, subscriptionId: grant.subscription.subscriptionId, bucket }] : []
      }),
    )
    const lost = deliveries.filter((delivery) => delivery.taken_over)
    if (lost.length > 0) await recordLostAttempts(db, companyId, lost)
    const unfilled = open.filter((grant) => countOf(grant) < grant.slots)
    const contended = new Set(await contendedOf(db, companyId, unfilled))
    const [head] = await readVersion(db, companyId)
    await failpoint('claim.before_commit')
    return {
      leaseToken,
      deliveries,
      news: new Map(
        grants.map((grant) => {
          const { subscriptionId } = grant.subscription
          return [subscriptionId, toNews(grant, countOf(grant), contended.has(subscriptionId))]
        }),
      ),
      subscriptionVersion: head?.subscription_version ?? 0,
    }
  })
  if (claim.deliveries.length > 0) await failpoint('delivery.after_claim')
  return claim
}

function toSubscriptionId({ subscription }: Grant): string {
  return subscription.subscriptionId
}

function toGrant(wish: ClaimWish, subscription: LockedSubscription | undefined, marginMs: number): Grant[] {
  if (!subscription) return []
  const terms = leaseTerms(subscription, wish.slots)
  return [{ subscription, ...terms, leaseMs: subscription.timeoutMs + marginMs }]
}

async function contendedOf(db: Db, companyId: string, unfilled: readonly Grant[]): Promise<string[]> {
  if (unfilled.length === 0) return []
  return (await findContended(db, companyId, unfilled.map(toSubscriptionId))).map((row) => row.subscription_id)
}

function toNews(grant: Grant, leased: number, isContended: boolean): ClaimNews {
  const { subscription, slots, leaseMs } = grant
  // What was not used up is no reason to wait: nothing more was due.
  const isUsedUp = leased === slots
  const waitMs = isUsedUp ? grant.waitMs : 0
  return {
    mayHaveMore: isContended || (slots > 0 && isUsedUp) || waitMs > 0,
    isContended,
    waitMs,
    leaseMs,
    breaker: subscription.breaker,
  }
}

/**
 * Subscriptions with something due, over all companies: from one subscription that anything waits for to the next, through
 * the index of what is due, so it costs nothing for those that nothing waits for. Inactive ones keep what waits; deleted
 * ones are named, so that what is left gets its ending.
 */
export const findDueSubscriptions = statement<[], { company_id: string; subscription_id: string }>(
  'delivery.find_due_subscriptions',
  `with recursive waiting as (
     (select company_id, subscription_id from webhook_deliveries order by subscription_id limit 1)
     union all
     select next.company_id, next.subscription_id
       from waiting w
      cross join lateral (
        select company_id, subscription_id
          from webhook_deliveries
         where subscription_id > w.subscription_id
         order by subscription_id
         limit 1
      ) next
   )
   select w.company_id, w.subscription_id
     from waiting w
    cross join lateral (
      select 1
        from webhook_deliveries d
       where d.company_id = w.company_id and d.subscription_id = w.subscription_id and d.due_at <= now()
       limit 1
    ) due
    cross join lateral (
      select 1
        from event_subscriptions s
       where s.company_id = w.company_id and s.id = w.subscription_id and s.status in ('active', 'deleted')
       limit 1
    ) s`,
)
