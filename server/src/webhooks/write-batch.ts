import { randomUUID } from 'node:crypto'
import type { Db } from '../db/statement.ts'
import type { RoutedEvent } from '../events/event.ts'
import type { FanOutResult } from '../events/router.ts'
import { CompaniesBusy } from '../events/router.ts'
import type { Deliverables } from './deliverables.ts'
import type { HandOver, Handed } from './hand-over.ts'
import { reserveDirect } from './hand-over.ts'
import type { NewDelivery } from './insert-deliveries.ts'
import { insertDeliveries, toDelivery } from './insert-deliveries.ts'
import type { OrderedDelivery } from './insert-ordered.ts'
import { appendToChains } from './insert-ordered.ts'
import { OutgoingEvent } from './outgoing-event.ts'
import { lockOrNameBusy } from './subscription-health.ts'
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

/**
 * Writes the deliveries of one batch, leased where the dispatcher beside the router can take them at once. Throws
 * CompaniesBusy where a subscription that comes in order stays locked by somebody else.
 */
export async function writeBatch(
  db: Db,
  { owed, inOrder }: { readonly owed: readonly Owed[]; readonly inOrder: readonly OwedInOrder[] },
  deliverables: Deliverables,
  handOver: HandOver | undefined,
): Promise<FanOutResult> {
  if (owed.length + inOrder.length === 0) return nothing
  const ordered = inOrder.map(({ delivery }) => delivery)
  const wanted = countBySubscription(owed)
  if (ordered.length > 0) await lockChains(db, ordered)
  const direct = handOver && (await reserveDirect(db, handOver, deliverables, wanted))
  const token = randomUUID()
  const handed: Handed[] = []
  const outgoing = new Map<RoutedEvent, OutgoingEvent>()
  const queued = new Map<string, Subscription>()
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
    const { dueSubscriptionIds } = await appendToChains(db, ordered)
    for (const { subscription } of inOrder) {
      if (dueSubscriptionIds.has(subscription.id)) queued.set(subscription.id, subscription)
    }
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

/** Those of direct deliveries are locked later, where they are free: nobody is waited for but here. */
async function lockChains(db: Db, ordered: readonly OrderedDelivery[]): Promise<void> {
  const busy = await lockOrNameBusy(db, ordered)
  if (busy.length > 0) throw new CompaniesBusy(new Set(busy.map(({ companyId }) => companyId)))
}

function countBySubscription(owed: readonly Owed[]): Map<Subscription, number> {
  const counts = new Map<Subscription, number>()
  for (const { subscription } of owed) counts.set(subscription, (counts.get(subscription) ?? 0) + 1)
  return counts
}
