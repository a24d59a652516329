import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { OutgoingEvent } from './outgoing-event.ts'
import type { DeliverableSubscription, Subscription } from './subscription-set.ts'

/** A delivery that is leased to this process and shall be attempted now. Its slot is taken. */
export interface Handed {
  readonly id: string
  readonly event: OutgoingEvent
  readonly subscription: DeliverableSubscription
  readonly leaseToken: string
  readonly attemptNo: number
  readonly firstAttemptNo: number
  readonly replayId?: string | undefined
}

/** What the router asks of the dispatcher beside it. */
export interface HandOver {
  /** Takes up to `wanted` slots of the subscription; answers with how many. */
  reserve(subscription: Subscription, wanted: number): number
  release(subscription: Subscription, slots: number): void
  /** How long a lease on a delivery of this subscription must be, ms. */
  leaseMs(subscription: Subscription): number
  accept(handed: readonly Handed[]): void
  /** Deliveries of these subscriptions may be due in the database. */
  wake(subscriptions: readonly Subscription[]): void
}

/** With more subscriptions than this in a batch, looking at each costs more than claiming from the database. */
const SUBSCRIPTIONS_MAX = 64

/**
 * Whoever leases deliveries of a subscription locks its health row first, here and when claiming. So the limit of calls at
 * once holds over all processes. Several health rows are always locked in the order of company and id, here and where
 * results are recorded, so nobody waits in a circle.
 */
export const lockForLease = statement<
  [companyId: string, subscriptionIds: readonly string[]],
  { subscription_id: string }
>(
  'delivery.lock_for_lease',
  `select subscription_id
     from subscription_health
    where company_id = $1 and subscription_id = any($2::uuid[])
    order by subscription_id
      for update`,
)

const readLoad = statement<
  [companyId: string, subscriptionIds: readonly string[]],
  { subscription_id: string; leased: number; is_waiting: boolean }
>(
  'delivery.read_load',
  `select w.subscription_id,
          (select count(*) from webhook_deliveries d
            where d.company_id = $1 and d.subscription_id = w.subscription_id
              and d.lease_token is not null and d.due_at > now()) as leased,
          exists (select 1 from webhook_deliveries d
            where d.company_id = $1 and d.subscription_id = w.subscription_id and d.due_at <= now()) as is_waiting
     from unnest($2::uuid[]) as w(subscription_id)`,
)

export interface DirectSlots {
  /** The lease in ms when the subscription has a slot left for a direct delivery; takes it. */
  takeSlot(subscription: Subscription): number | undefined
  /** Gives all slots back; for a transaction that failed. */
  release(): void
}

/**
 * Reserves slots for deliveries that are about to be written, for subscriptions that have nothing waiting. Slots beyond
 * what is free over all processes, or not needed, are given back before it returns.
 */
export async function reserveDirect(
  db: Db,
  handOver: HandOver,
  wanted: ReadonlyMap<DeliverableSubscription, number>,
): Promise<DirectSlots> {
  const reserved = new Map<Subscription, number>()
  const left = new Map<Subscription, number>()
  const release = (): void => {
    for (const [subscription, slots] of reserved) handOver.release(subscription, slots)
    reserved.clear()
    left.clear()
  }
  try {
    if (wanted.size <= SUBSCRIPTIONS_MAX) {
      for (const [subscription, count] of wanted) {
        const got = handOver.reserve(subscription, count)
        if (got > 0) reserved.set(subscription, got)
      }
      const byCompany = Map.groupBy(reserved.keys(), (one) => one.companyId)
      for (const [companyId, own] of [...byCompany].sort(([a], [b]) => (a < b ? -1 : 1))) {
        await narrow(db, handOver, companyId, own, reserved)
      }
    }
  } catch (error) {
    release()
    throw error
  }
  for (const [subscription, slots] of reserved) left.set(subscription, slots)
  return {
    takeSlot: (subscription) => {
      const slots = left.get(subscription) ?? 0
      if (slots === 0) return undefined
      left.set(subscription, slots - 1)
      return handOver.leaseMs(subscription)
    },
    release,
  }
}

/** Cuts the reservations of one company down to what the database says is free. */
async function narrow(
  db: Db,
  handOver: HandOver,
  companyId: string,
  subscriptions: readonly Subscription[],
  reserved: Map<Subscription, number>,
): Promise<void> {
  const ids = subscriptions.map((one) => one.id).sort()
  await lockForLease(db, companyId, ids)
  const loads = new Map((await readLoad(db, companyId, ids)).map((row) => [row.subscription_id, row]))
  for (const subscription of subscriptions) {
    const load = loads.get(subscription.id)
    const got = reserved.get(subscription) ?? 0
    const free = !load || load.is_waiting ? 0 : Math.max(0, subscription.concurrency - load.leased)
    const kept = Math.min(got, free)
    handOver.release(subscription, got - kept)
    if (kept > 0) reserved.set(subscription, kept)
    else reserved.delete(subscription)
  }
}
