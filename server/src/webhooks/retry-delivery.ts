import { command, statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { Author } from '../events/administrative-event.ts'
import { administrativeEvent } from '../events/administrative-event.ts'
import { insertEvents } from '../events/insert-events.ts'
import { canonicalUuid, newId } from '../lib/ids.ts'
import { ProblemError } from '../lib/problems.ts'
import type { DeliveryView } from './delivery-view.ts'
import { findDelivery } from './read-deliveries.ts'
import { recordLostAttempts } from './record-results.ts'
import type { Subscription, VersionRow } from './subscription-set.ts'
import { toSubscription } from './subscription-set.ts'

/**
 * What people do to deliveries: retry and cancel. Both run in their caller's transaction and write the
 * `daybook.delivery.*` event that tells of it there. They wait for the lock of the delivery's row and for no other that
 * dispatchers hold (a health row is passed over when it is locked), so against a claim, a result or each other one of the two comes first and the other finds what it left.
 */
export interface DeliveryChange {
  readonly delivery: DeliveryView
  /** Has something due after the commit; for the dispatcher of this process. */
  readonly wake: Subscription
}

interface LockedRow {
  id: string
  subscription_id: string
  event_id: string
  position: number
  replay_id: string | null
  attempts: number
  has_lease: boolean
  in_flight: boolean
}

/**
 * Waits for a claim or a result that is being written, and sees what it left; no row when the delivery is not pending.
 */
const lockDelivery = statement<[companyId: string, id: string], LockedRow>(
  'delivery.lock',
  `select id, subscription_id, event_id, position, replay_id, attempts, lease_token is not null as has_lease,
          lease_token is not null and due_at > now() as in_flight
     from webhook_deliveries
    where company_id = $1 and id = $2
      for update`,
)

const findSubscription = statement<[companyId: string, id: string], VersionRow>(
  'delivery.find_subscription',
  `select company_id, version, id as subscription_id, webhook_url, event_names, status, concurrency, timeout_ms
     from event_subscriptions
    where company_id = $1 and id = $2`,
)

/** Only ever earlier: what is due already keeps its turn. */
const makeDue = command<[companyId: string, id: string]>(
  'delivery.make_due',
  `update webhook_deliveries set due_at = now() where company_id = $1 and id = $2 and due_at > now()`,
)

/** Whoever asks for an attempt has mended something: an open breaker may probe at once. Waits for nobody. */
const hastenProbe = command<[companyId: string, subscriptionId: string]>(
  'health.hasten_probe',
  `update subscription_health h
      set breaker_open_until = now()
     from (
       select company_id, subscription_id from subscription_health
        where company_id = $1 and subscription_id = $2 and breaker = 'open'
        limit 1 for update skip locked
     ) s
    where h.company_id = s.company_id and h.subscription_id = s.subscription_id`,
)

/**
 * An ended delivery becomes pending again under its own id; its attempts are counted on and its schedule begins anew.
 * Nothing happens when it is pending already.
 */
const insertAgain = command<
  [
    companyId: string,
    id: string,
    subscriptionId: string,
    eventId: string,
    position: number,
    replayId: string | null,
    attempts: number,
  ]
>(
  'delivery.insert_again',
  `insert into webhook_deliveries
          (company_id, id, subscription_id, event_id, position, replay_id, attempts, first_attempt_no, due_at)
   values ($1, $2, $3, $4, $5, $6, $7::int, $7::int + 1, now())
   on conflict (company_id, id) do nothing`,
)

/**
 * Takes a delivery out of the pending ones and writes its ending, or neither. Its time is that of the statement: the
 * transaction may have begun before an earlier ending was written, and waited for the lock.
 */
const endCancelled = command<[companyId: string, id: string, logId: string]>(
  'delivery.end_cancelled',
  `with ended as (
     delete from webhook_deliveries
      where company_id = $1 and id = $2
     returning id, subscription_id, event_id, position, replay_id
   )
   insert into webhook_logs (
          company_id, id, delivery_id, subscription_id, event_id, event_name, position, replay_id, attempt_no, outcome,
          reason, detail, webhook_url, started_at, created_at)
   select $1, $3, d.id, d.subscription_id, d.event_id, t.event_name, d.position, d.replay_id, 0, 'cancelled',
          'cancelled_by_request', 'Somebody cancelled it', s.webhook_url, statement_timestamp(), statement_timestamp()
     from ended d
     join event_audit_trail t on t.company_id = $1 and t.position = d.position
     join event_subscriptions s on s.company_id = $1 and s.id = d.subscription_id`,
)

/**
 * Makes the next attempt now. A pending delivery stays on its schedule; an ended one, however it ended, begins a new
 * one. Throws not_found, delivery_in_flight or subscription_deleted.
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
  if (row) {
    await makeDue(db, companyId, row.id)
  } else {
    const { id, subscription_id, event_id, position, replay_id, attempts } = before
    const added = await insertAgain(db, companyId, id, subscription_id, event_id, position, replay_id, attempts)
    // Another retry committed since the lock found nothing: this one goes on from there.
    if (added === 0) return await retryDelivery(db, author, companyId, deliveryId)
  }
  await hastenProbe(db, companyId, wake.id)
  return { delivery: await tell(db, author, companyId, 'daybook.delivery.retried', before), wake }
}

/** Ends a pending delivery without another attempt. Throws not_found, delivery_in_flight or delivery_ended. */
export async function cancelDelivery(
  db: Db,
  author: Author,
  companyId: string,
  deliveryId: string,
): Promise<DeliveryView> {
  const { before, row } = await lock(db, companyId, deliveryId)
  if (!row) throw new ProblemError('delivery_ended', `It has ended already: ${before.state}`)
  // A lease that ran out: its attempt is closed as unknown, as it is when a dispatcher takes a delivery over.
  if (row.has_lease) await recordLostAttempts(db, companyId, [{ ...row, attempts: row.attempts + 1 }])
  await endCancelled(db, companyId, row.id, newId())
  return await tell(db, author, companyId, 'daybook.delivery.cancelled', before)
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
  if (!before) throw new ProblemError('not_found', 'No such delivery')
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
  eventName: 'daybook.delivery.retried' | 'daybook.delivery.cancelled',
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
