import { command, statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { Author } from '../events/administrative-event.ts'
import { administrativeEvent } from '../events/administrative-event.ts'
import { findStored } from '../events/find-stored.ts'
import { insertEvents } from '../events/insert-events.ts'
import { canonicalUuid } from '../lib/ids.ts'
import { ProblemError } from '../lib/problems.ts'
import type { DeliveryView } from './delivery-view.ts'
import type { Cancellable } from './end-cancelled.ts'
import { endCancelled } from './end-cancelled.ts'
import { hastenProbes, insertAgain, makeDue } from './post-again.ts'
import { promoteNext } from './promote-next.ts'
import { findDelivery } from './read-deliveries.ts'
import { throwMissing } from './retention/ledger-end.ts'
import { lockSubscriptions } from './subscription-health.ts'
import type { Subscription, VersionRow } from './subscription-set.ts'
import { currentColumns, toSubscription } from './subscription-set.ts'

/**
 * What people do to a single delivery: retry, cancel and skip (to many: jobs/). Each runs in its caller's transaction and
 * writes the `daybook.delivery.*` event that tells of it there. It waits for the lock of the delivery's row, so against a
 * claim, a result or another of its kind one comes first and the other finds what it left. Of a health row, which
 * dispatchers hold, only what changes a chain takes the lock, before the delivery's; to the others it is passed over when it is locked.
 */
export interface DeliveryChange {
  readonly delivery: DeliveryView
  /** Has something due after the commit; for the dispatcher of this process. */
  readonly wake: Subscription
}

interface LockedRow extends Cancellable {
  readonly in_flight: boolean
}

/**
 * Waits for a claim or a result that is being written, and sees what it left; no row when the delivery is not pending.
 */
const lockDelivery = statement<[companyId: string, id: string], LockedRow>(
  'delivery.lock',
  `select id, subscription_id, event_id, position, replay_id, attempts, lease_token is not null as has_lease,
          order_key, due_at = 'infinity' as is_blocked, lease_token is not null and due_at > now() as in_flight
     from webhook_deliveries
    where company_id = $1 and id = $2
      for update`,
)

const findSubscription = statement<[companyId: string, id: string], VersionRow>(
  'delivery.find_subscription',
  `select ${currentColumns} from event_subscriptions where company_id = $1 and id = $2`,
)

const findOrdered = statement<[companyId: string, id: string], { subscription_id: string }>(
  'delivery.find_ordered',
  `select subscription_id from webhook_deliveries where company_id = $1 and id = $2 and order_key is not null`,
)

const leaveChain = command<[companyId: string, id: string]>(
  'chain.leave',
  `update webhook_deliveries set order_key = null where company_id = $1 and id = $2`,
)

/**
 * Makes the next attempt now. A pending delivery stays on its schedule; an ended one, however it ended, begins a new
 * one. Throws not_found, log_expired, delivery_in_flight, delivery_blocked, subscription_deleted or payload_expired.
 */
export async function retryDelivery(
  db: Db,
  author: Author,
  companyId: string,
  deliveryId: string,
): Promise<DeliveryChange> {
  const { before, row } = await lock(db, companyId, deliveryId)
  const wake = await getSubscription(db, companyId, before.subscription_id)
  if (wake.status === 'deleted') {
    throw new ProblemError('subscription_deleted', 'Its subscription was deleted; nothing is posted to it any more')
  }
  if (row?.is_blocked) throw blocked()
  if (row) {
    await makeDue(db, companyId, [row.id])
  } else {
    if (!(await findStored(db, companyId, [before.event_id])).has(before.event_id)) {
      throw new ProblemError(
        'payload_expired',
        'The payload of its event is no longer stored; there is nothing to post',
      )
    }
    const added = await insertAgain(db, companyId, [before])
    // Another retry committed since the lock found nothing: this one goes on from there.
    if (added.size === 0) return await retryDelivery(db, author, companyId, deliveryId)
  }
  await hastenProbes(db, companyId, [wake.id])
  return { delivery: await tell(db, author, companyId, 'daybook.delivery.retried', before), wake }
}

/**
 * Ends a pending delivery without another attempt; what waited for it goes on. Throws not_found, log_expired,
 * delivery_in_flight or delivery_ended.
 */
export async function cancelDelivery(
  db: Db,
  author: Author,
  companyId: string,
  deliveryId: string,
): Promise<DeliveryView> {
  const { before, row } = await lockInChain(db, companyId, deliveryId)
  await endCancelled(db, companyId, [row])
  return await tell(db, author, companyId, 'daybook.delivery.cancelled', before)
}

/**
 * Takes the first delivery of a chain out of it. What waited for it goes on; it stays pending, on its own schedule. Throws
 * not_found, log_expired, delivery_in_flight, delivery_ended, delivery_not_ordered or delivery_blocked.
 */
export async function skipDelivery(
  db: Db,
  author: Author,
  companyId: string,
  deliveryId: string,
): Promise<DeliveryView> {
  const { before, row } = await lockInChain(db, companyId, deliveryId)
  if (row.order_key === null) throw new ProblemError('delivery_not_ordered', 'No other delivery waits for it')
  if (row.is_blocked) throw blocked()
  await leaveChain(db, companyId, row.id)
  await promoteNext(db, [{ companyId, subscriptionId: row.subscription_id, orderKey: row.order_key }])
  return await tell(db, author, companyId, 'daybook.delivery.skipped', before)
}

function blocked(): ProblemError {
  return new ProblemError('delivery_blocked', 'It waits for an earlier delivery: retry, skip or cancel that one')
}

/**
 * The same for one whose end or leaving changes its chain, if it has one: nobody adds to that or takes from it until the
 * commit. It must be pending.
 */
async function lockInChain(
  db: Db,
  companyId: string,
  deliveryId: string,
): Promise<{ readonly before: DeliveryView; readonly row: LockedRow }> {
  const id = canonicalUuid(deliveryId)
  const [ordered] = id === undefined ? [] : await findOrdered(db, companyId, id)
  if (ordered) await lockSubscriptions(db, [{ companyId, subscriptionId: ordered.subscription_id }])
  const { before, row } = await lock(db, companyId, deliveryId)
  if (!row) throw new ProblemError('delivery_ended', `It has ended already: ${before.state}`)
  if (row.order_key !== null && !ordered) throw new ChainAppeared('The delivery was written into an order meanwhile')
  return { before, row }
}

/**
 * The chain's lock comes before the delivery's, so it is too late for it in this transaction. Its runner begins it anew, as
 * after any serialization failure (inTransaction).
 */
class ChainAppeared extends Error {
  readonly code = '40001'
}

/** The delivery as it is from here to the commit, with its locked row when it is pending; never one in flight. */
async function lock(
  db: Db,
  companyId: string,
  deliveryId: string,
): Promise<{ readonly before: DeliveryView; readonly row: LockedRow | undefined }> {
  const id = canonicalUuid(deliveryId)
  const [row] = id === undefined ? [] : await lockDelivery(db, companyId, id)
  const before = id === undefined ? undefined : await findDelivery(db, companyId, id)
  if (!before) return await throwMissing(db, companyId, id, 'delivery')
  if (row?.in_flight) throw new ProblemError('delivery_in_flight', 'Its call is being made; its result comes first')
  if (!row && before.state === 'pending') return await lock(db, companyId, id ?? deliveryId) // retried in between
  return { before, row }
}

async function getSubscription(db: Db, companyId: string, id: string): Promise<Subscription> {
  const [row] = await findSubscription(db, companyId, id)
  if (!row) throw new Error(`Subscription ${id} of a delivery is not there`)
  return toSubscription(row)
}

async function tell(
  db: Db,
  author: Author,
  companyId: string,
  eventName: `daybook.delivery.${'retried' | 'cancelled' | 'skipped'}`,
  before: DeliveryView,
): Promise<DeliveryView> {
  const after = await findDelivery(db, companyId, before.id)
  if (!after) throw new Error(`Delivery ${before.id} is gone within its transaction`)
  const { id, event_id, event_name, subscription_id } = before
  const payload = { delivery_id: id, event_id, event_name, subscription_id }
  await insertEvents(db, [
    administrativeEvent(author, {
      companyId,
      eventName,
      entity: { type: 'delivery', id },
      payload: { ...payload, before: describe(before), after: describe(after) },
    }),
  ])
  return after
}

function describe({ state, reason, attempts }: DeliveryView): object {
  return { state, reason, attempts }
}
