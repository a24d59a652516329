import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import { isClean } from './breaker.ts'
import type { Deliverables, DeliverableSubscription } from './deliverables.ts'
import { leaseTerms, spend } from './lease-terms.ts'
import type { OutgoingEvent } from './outgoing-event.ts'
import type { BucketChange, LockedSubscription } from './subscription-health.ts'
import { lockFreeSubscriptions, writeBuckets } from './subscription-health.ts'
import type { Subscription } from './subscription-set.ts'

/** A delivery that is leased to this process and shall be attempted now. Its slot is taken. */
export interface Handed {
  readonly id: string
  readonly event: OutgoingEvent
  readonly subscription: DeliverableSubscription
  readonly leaseToken: string
  readonly attemptNo: number
  readonly firstAttemptNo: number
  readonly replayId?: string | undefined
  /** Others wait for its end. */
  readonly isOrdered?: boolean
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
export const DIRECT_SUBSCRIPTIONS_MAX = 64

interface Load {
  subscription_id: string
  leased: number
  is_waiting: boolean
}

const readLoad = statement<[companyId: string, subscriptionIds: readonly string[]], Load>(
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
  /** Takes a slot for a direct delivery, if the subscription has one left. */
  takeSlot(
    subscription: Subscription,
  ): { readonly leaseMs: number; readonly deliverable: DeliverableSubscription } | undefined
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
  deliverables: Deliverables,
  wanted: ReadonlyMap<Subscription, number>,
): Promise<DirectSlots> {
  const reserved = new Map<Subscription, number>()
  const left = new Map<Subscription, number>()
  const ready = new Map<string, DeliverableSubscription>()
  const release = (): void => {
    for (const [subscription, slots] of reserved) handOver.release(subscription, slots)
    reserved.clear()
    left.clear()
  }
  try {
    if (wanted.size <= DIRECT_SUBSCRIPTIONS_MAX) {
      for (const [subscription, count] of wanted) {
        const got = handOver.reserve(subscription, count)
        if (got > 0) reserved.set(subscription, got)
      }
      const byCompany = Map.groupBy(reserved.keys(), (one) => one.companyId)
      for (const [companyId, own] of [...byCompany].sort(([a], [b]) => (a < b ? -1 : 1))) {
        await narrow(db, handOver, companyId, own, reserved)
        for (const [id, one] of await deliverables.load(db, companyId, own)) ready.set(id, one)
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
      const deliverable = ready.get(subscription.id)
      if (slots === 0 || !deliverable) return undefined
      left.set(subscription, slots - 1)
      return { leaseMs: handOver.leaseMs(subscription), deliverable }
    },
    release,
  }
}

/**
 * Cuts the reservations of one company down to what the database says is free; to nothing where somebody else leases at
 * this moment, for the router waits for nobody.
 */
async function narrow(
  db: Db,
  handOver: HandOver,
  companyId: string,
  subscriptions: readonly Subscription[],
  reserved: Map<Subscription, number>,
): Promise<void> {
  const ids = subscriptions.map((one) => one.id)
  const locked = await lockFreeSubscriptions(
    db,
    ids.map((subscriptionId) => ({ companyId, subscriptionId })),
  )
  const loads = new Map((await readLoad(db, companyId, ids)).map((row) => [row.subscription_id, row]))
  const spent: BucketChange[] = []
  for (const subscription of subscriptions) {
    const load = loads.get(subscription.id)
    const health = locked.get(subscription.id)
    const got = reserved.get(subscription) ?? 0
    const kept = load && health ? freeFor(health, load, got) : 0
    const bucket = health && spend(health, kept)
    if (bucket) spent.push({ companyId, subscriptionId: subscription.id, bucket })
    handOver.release(subscription, got - kept)
    if (kept > 0) reserved.set(subscription, kept)
    else reserved.delete(subscription)
  }
  await writeBuckets(db, spent)
}

/** How many of the reserved slots may be used: none where anything waits, or a receiver is not well. */
function freeFor(health: LockedSubscription, load: Load, reserved: number): number {
  if (load.is_waiting || !isClean(health.breaker)) return 0 // a claim tells the lane of it
  const { slots, callsMax } = leaseTerms(health, reserved)
  return Math.max(0, Math.min(slots, callsMax - load.leased))
}
