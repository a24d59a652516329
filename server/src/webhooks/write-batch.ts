import { randomUUID } from 'node:crypto'
import type { Db } from '../db/statement.ts'
import type { RoutedEvent } from '../events/event.ts'
import type { FanOutResult } from '../events/router.ts'
import type { Deliverables } from './deliverables.ts'
import type { HandOver, Handed } from './hand-over.ts'
import { DIRECT_SUBSCRIPTIONS_MAX, reserveDirect } from './hand-over.ts'
import type { NewDelivery } from './insert-deliveries.ts'
import { insertDeliveries, toDelivery } from './insert-deliveries.ts'
import type { OrderedDelivery } from './insert-ordered.ts'
import { insertOrdered } from './insert-ordered.ts'
import { OutgoingEvent } from './outgoing-event.ts'
import { lockSubscriptions } from './subscription-health.ts'
import type { Subscription } from './subscription-set.ts'

export interface Owed {
  readonly event: RoutedEvent
  readonly subscription: Subscription
}

/** In an order with other deliveries to the subscription. */
export interface OwedInOrder {
  readonly subscription: Subscription
  readonly delivery: OrderedDelivery
}

const nothing: FanOutResult = { committed: () => {}, rolledBack: () => {} }

/** Writes the deliveries of one batch, leased where the dispatcher beside the router can take them at once. */
export async function writeBatch(
  db: Db,
  { owed, inOrder }: { readonly owed: readonly Owed[]; readonly inOrder: readonly OwedInOrder[] },
  deliverables: Deliverables,
  handOver: HandOver | undefined,
): Promise<FanOutResult> {
  if (owed.length + inOrder.length === 0) return nothing
  const ordered = inOrder.map(({ delivery }) => delivery)
  const wanted = countBySubscription(owed)
  if (ordered.length > 0) await lockChains(db, ordered, wanted)
  const direct = handOver && (await reserveDirect(db, handOver, deliverables, wanted))
  const token = randomUUID()
  const handed: Handed[] = []
  const outgoing = new Map<RoutedEvent, OutgoingEvent>()
  const queued = new Map<string, Subscription>(inOrder.map(({ subscription }) => [subscription.id, subscription]))
  const deliveries = owed.map(({ event, subscription }): NewDelivery => {
    const delivery = toDelivery(event, subscription.id)
    const slot = direct?.takeSlot(subscription)
    if (!slot) {
      queued.set(subscription.id, subscription)
      return delivery
    }
    let sent = outgoing.get(event)
    if (!sent) outgoing.set(event, (sent = new OutgoingEvent(event.companyId, event.id, event.position, event)))
    const { leaseMs, deliverable } = slot
    handed.push({
      id: delivery.id,
      event: sent,
      subscription: deliverable,
      leaseToken: token,
      attemptNo: 1,
      firstAttemptNo: 1,
    })
    return { ...delivery, lease: { token, ms: leaseMs } }
  })
  try {
    await insertDeliveries(db, deliveries)
    await insertOrdered(db, ordered)
  } catch (error) {
    direct?.release()
    throw error
  }
  return {
    committed: () => {
      handOver?.accept(handed)
      handOver?.wake([...queued.values()])
    },
    rolledBack: () => direct?.release(),
  }
}

/** With those that a direct delivery may lock after: all are locked in one order, so nobody waits in a circle. */
async function lockChains(
  db: Db,
  ordered: readonly OrderedDelivery[],
  wanted: ReadonlyMap<Subscription, number>,
): Promise<void> {
  const direct = wanted.size <= DIRECT_SUBSCRIPTIONS_MAX ? [...wanted.keys()] : []
  const keys = direct.map(({ companyId, id }) => ({ companyId, subscriptionId: id }))
  await lockSubscriptions(db, [...ordered, ...keys])
}

function countBySubscription(owed: readonly Owed[]): Map<Subscription, number> {
  const counts = new Map<Subscription, number>()
  for (const { subscription } of owed) counts.set(subscription, (counts.get(subscription) ?? 0) + 1)
  return counts
}
