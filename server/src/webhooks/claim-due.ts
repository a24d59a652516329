import { randomUUID } from 'node:crypto'
import type { DbPool } from '../db/pools.ts'
import { rowShape } from '../db/rows.ts'
import { statement } from '../db/statement.ts'
import { inTransaction } from '../db/transaction.ts'
import { failpoint } from '../lib/failpoint.ts'
import { lockForLease } from './hand-over.ts'
import { recordLostAttempts } from './record-results.ts'

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
  /** The lease of an earlier attempt ran out; what became of it is unknown. */
  readonly taken_over: boolean
}

export interface Claim {
  readonly leaseToken: string
  readonly deliveries: readonly ClaimedDelivery[]
  /** Subscriptions that have more due, and no room for it because of calls that other processes make. */
  readonly contended: ReadonlySet<string>
  /** The company's subscriptions at the time of the claim. */
  readonly subscriptionVersion: number
}

const shape = rowShape<ClaimWish>({
  subscription_id: ['uuid', (wish) => wish.subscriptionId],
  slots: ['int', (wish) => wish.slots],
})

/**
 * Leases due deliveries of one company's subscriptions, the longest due first, each subscription up to its own number.
 *
 * Two claims never hold one delivery: rows that another transaction has locked are passed over (`skip locked`), and the
 * outer update repeats the lease predicate. An inactive subscription keeps what waits. The limit of calls at once holds over all processes, because claims of a
 * subscription come one after the other (its health row is locked before) and what is leased is counted.
 */
const leaseDue = statement<
  [companyId: string, leaseToken: string, leaseMs: number, ...wishes: unknown[]],
  ClaimedDelivery
>(
  'delivery.lease_due',
  `with wish as materialized (
     select x.subscription_id,
            least(x.slots, s.concurrency - (select count(*) from webhook_deliveries l
                where l.company_id = $1 and l.subscription_id = x.subscription_id
                  and l.lease_token is not null and l.due_at > now())) as free
       from ${shape.from(4)}
      cross join lateral (
        select concurrency from event_subscriptions
         where company_id = $1 and id = x.subscription_id and status in ('active', 'deleted') limit 1
      ) s
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
          due_at = now() + $3 * interval '1 millisecond'
    where d.company_id = $1 and d.id = any(array(select id from due)) and d.due_at <= now()
   returning d.id, d.subscription_id, d.event_id, d.position, d.replay_id, d.attempts, d.first_attempt_no,
             d.id = any(array(select id from due where taken_over)) as taken_over`,
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

/** Takes over what is due; an expired lease is closed in the ledger with the outcome `unknown` in the same transaction. */
export async function claimDueDeliveries(
  pool: DbPool,
  companyId: string,
  wishes: readonly ClaimWish[],
  leaseMs: number,
): Promise<Claim> {
  const leaseToken = randomUUID()
  const claim = await inTransaction(pool, async (db): Promise<Claim> => {
    await lockForLease(db, companyId, wishes.map((wish) => wish.subscriptionId).sort())
    const deliveries = await leaseDue(db, companyId, leaseToken, leaseMs, ...shape.values(wishes))
    const lost = deliveries.filter((delivery) => delivery.taken_over)
    if (lost.length > 0) await recordLostAttempts(db, companyId, lost)
    const unfilled = gotLess(wishes, deliveries)
    const contended = unfilled.length > 0 ? await findContended(db, companyId, unfilled) : []
    const [head] = await readVersion(db, companyId)
    return {
      leaseToken,
      deliveries,
      contended: new Set(contended.map((row) => row.subscription_id)),
      subscriptionVersion: head?.subscription_version ?? 0,
    }
  })
  if (claim.deliveries.length > 0) await failpoint('delivery.after_claim')
  return claim
}

/** Subscriptions that were not given all the slots that were asked for. */
function gotLess(wishes: readonly ClaimWish[], deliveries: readonly ClaimedDelivery[]): string[] {
  const got = Map.groupBy(deliveries, (delivery) => delivery.subscription_id)
  return wishes.flatMap(({ subscriptionId, slots }) =>
    (got.get(subscriptionId)?.length ?? 0) < slots ? [subscriptionId] : [],
  )
}

/**
 * Subscriptions with something due, over all companies. One look per subscription into its part of the index, whatever
 * waits there. Inactive ones keep what waits; deleted ones are named, so that what is left gets its ending.
 */
export const findDueSubscriptions = statement<[], { company_id: string; subscription_id: string }>(
  'delivery.find_due_subscriptions',
  `select s.company_id, s.id as subscription_id
     from event_subscriptions s
    cross join lateral (
      select 1
        from webhook_deliveries d
       where d.company_id = s.company_id and d.subscription_id = s.id and d.due_at <= now()
       limit 1
    ) due
    where s.status in ('active', 'deleted')`,
)
