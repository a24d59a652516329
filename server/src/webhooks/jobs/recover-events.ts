import { statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import { matchesEventName } from '../../events/event-names.ts'
import { readLogged } from '../../events/read-logged.ts'
import { RecentEvents } from '../../events/recent-events.ts'
import { deliveryId } from '../../lib/ids.ts'
import { insertDeliveries } from '../insert-deliveries.ts'
import { insertOrdered } from '../insert-ordered.ts'
import { orderKeyOf } from '../order-key.ts'
import { decideRouting, toRoutable } from '../routing-decision.ts'
import { lockSubscriptions } from '../subscription-health.ts'
import type { Subscription } from '../subscription-set.ts'
import { toSubscription } from '../subscription-set.ts'
import { countByName, findSubscriptionRow, lockHead, moveHeld } from '../subscription-store.ts'
import { activateRecovered } from '../subscriptions.ts'
import { isAnyCrowded } from './crowded-subscriptions.ts'
import type { JobAtWork, JobSlice } from './job-kinds.ts'
import { jobKind } from './job-kinds.ts'

/** Positions that passed a subscription by, and are to be sent to it after all. */
export interface RecoverRange {
  readonly subscription_id: string
  readonly from_position: number
  readonly to_position: number
  /**
   * The subscription is ordered and not active yet. What is recorded meanwhile belongs to the range too; where the log ends
   * it becomes active, so that all of it comes in order.
   */
  readonly then_active: boolean
}

/** Events that a slice looks at. Small, so that nobody waits for it. */
const SLICE_EVENTS = 200

/** So many deliveries of the subscription may be due, and a slice still adds to them. */
const DUE_MAX = 500

const CROWDED_REST_MS = 500

interface TrailRow {
  position: number
  event_id: string
  event_name: string
  entity_type: string | null
  entity_id: string | null
}

const readRange = statement<[companyId: string, from: number, to: number, limit: number], TrailRow>(
  'recover.read_range',
  `select position, event_id, event_name, entity_type, entity_id
     from event_audit_trail
    where company_id = $1 and position between $2 and $3
    order by position
    limit $4`,
)

/** Of these deliveries, those that somebody has sent already, by a retry for instance. */
const findAttempted = statement<[companyId: string, deliveryIds: readonly string[]], { delivery_id: string }>(
  'recover.find_attempted',
  `select w.delivery_id
     from unnest($2::uuid[]) as w(delivery_id)
    where exists (select 1 from webhook_logs l where l.company_id = $1 and l.delivery_id = w.delivery_id)`,
)

/**
 * Sends a subscription what it missed: the events of a range of positions that its names and its filter choose today and
 * that were never owed to it. Skipped are those that only its filter keeps out (`filter`) and those that it has already
 * (`owed_already`). A subscription that was deleted ends the job.
 */
export const recoverEvents = jobKind<RecoverRange>({
  kind: 'recover_events',
  count: async (db, companyId, { subscription_id, from_position, to_position }) => {
    const [row] = await findSubscriptionRow(db, companyId, subscription_id)
    const names = await countByName(db, companyId, from_position, to_position)
    const chosen = names.filter(({ event_name }) => row?.event_names.some((one) => matchesEventName(one, event_name)))
    return chosen.reduce((sum, { count }) => sum + count, 0)
  },
  slice: async (db, job) => await recoverSlice(db, job),
})

async function recoverSlice(db: Db, job: JobAtWork<RecoverRange>): Promise<JobSlice> {
  const { companyId, parameters: range } = job
  const { subscription_id: id, then_active: isOpenEnded } = range
  const from = job.cursor === null ? range.from_position : Number(job.cursor)
  if (await isAnyCrowded(db, companyId, [id], DUE_MAX)) {
    return { done: 0, skipped: {}, cursor: job.cursor, finished: false, restMs: CROWDED_REST_MS }
  }
  const to = isOpenEnded ? AFTER_ALL_POSITIONS : range.to_position
  const read = async (): Promise<TrailRow[]> => await readRange(db, companyId, from, to, SLICE_EVENTS)
  let rows = await read()
  const isLast = rows.length < SLICE_EVENTS
  if (isLast && isOpenEnded) {
    // Nothing gets a position from here to the commit, so the first event that it is sent live follows the last of these.
    await lockHead(db, companyId)
    rows = await read()
  }
  const [row] = await findSubscriptionRow(db, companyId, id)
  if (!row || (isOpenEnded && row.status === 'active')) return { done: 0, skipped: {}, cursor: null, finished: true }
  const { done, skipped } = await owe(db, toSubscription({ ...row, subscription_id: id }), rows)
  const next = (rows.at(-1)?.position ?? from - 1) + 1
  if (isOpenEnded) await moveHeld(db, companyId, id, next)
  if (isOpenEnded && isLast) await activateRecovered(db, companyId, id, job.id)
  return { done, skipped, cursor: String(next), finished: isLast, wake: [id] }
}

/** Writes what is missing. */
async function owe(
  db: Db,
  subscription: Subscription,
  rows: readonly TrailRow[],
): Promise<Pick<JobSlice, 'done' | 'skipped'>> {
  const { companyId } = subscription
  const chosen = rows.filter(({ event_name }) =>
    subscription.eventNames.some((pattern) => matchesEventName(pattern, event_name)),
  )
  const logged = await readLogged(
    db,
    new RecentEvents(0),
    companyId,
    chosen.map(({ event_id }) => event_id),
  )
  const wanted = chosen.filter(({ event_id, event_name: eventName }) => {
    const event = logged.get(event_id)
    return decideRouting({ ...subscription, status: 'active' }, event ? toRoutable(event) : { eventName }).isOwed
  })
  const deliveries = wanted.map(({ event_id: eventId, position, entity_type: type, entity_id }) => ({
    id: deliveryId(subscription.id, eventId),
    companyId,
    subscriptionId: subscription.id,
    eventId,
    position,
    orderKey: orderKeyOf(subscription, { entity: type === null ? undefined : { type, id: entity_id ?? '' } }),
  }))
  const attempted = new Set(
    (
      await findAttempted(
        db,
        companyId,
        deliveries.map(({ id }) => id),
      )
    ).map((row) => row.delivery_id),
  )
  const missing = deliveries.filter(({ id }) => !attempted.has(id))
  const free = missing.filter(({ orderKey }) => orderKey === undefined)
  const ordered = missing.flatMap(({ orderKey, ...one }) => (orderKey === undefined ? [] : { ...one, orderKey }))
  if (ordered.length > 0) await lockSubscriptions(db, ordered)
  const done = (await insertDeliveries(db, free)) + (await insertOrdered(db, ordered))
  return { done, skipped: { filter: chosen.length - wanted.length, owed_already: wanted.length - done } }
}

const AFTER_ALL_POSITIONS = Number.MAX_SAFE_INTEGER
