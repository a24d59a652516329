import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { PageRequest } from '../lib/cursor.ts'
import { decodeCursor, encodeCursor, pageRows } from '../lib/cursor.ts'
import { AFTER_ALL_IDS, BEFORE_ALL_IDS, canonicalUuid, firstIdOfMs, idTimeMs } from '../lib/ids.ts'
import type { DeliveryView, EndedRow, PendingRow } from './delivery-view.ts'
import { viewEnded, viewPending } from './delivery-view.ts'
import type { WebhookLogSummary } from './read-logs.ts'
import { logsOfDelivery } from './read-logs.ts'
import { throwMissing } from './retention/ledger-end.ts'

/**
 * Deliveries, read from two tables: a row of webhook_deliveries is a pending one; of the others the ledger tells. A
 * delivery that was retried by hand has several endings there, and may be pending again: an ending counts when it is
 * the last of its delivery and the delivery is not pending.
 */
export interface DeliveryFilter {
  readonly state?: DeliveryView['state'] | undefined
  /** UUIDs. */
  readonly subscription_id?: string | undefined
  readonly event_id?: string | undefined
  /** Pending ones only: those that wait for an earlier one, or those that do not. */
  readonly blocked?: boolean | undefined
}

/**
 * What is last is told by the database, never by the id of a row: ids have the time of the process that wrote them, and
 * clocks differ. The number of an attempt comes from the claim, so it grows with every attempt and the greatest is how
 * many there were. An ending has the time of the database, which lies after that of the ending before it.
 */
const LATEST_ENDING_FIRST = 'created_at desc, attempt_no desc'

/** The attempt of a delivery that began last. */
const joinLastAttempt = (deliveryId: string) => `left join lateral (
       select a.id as last_log_id, a.attempt_no as last_attempt_no, a.outcome as last_outcome, a.reason as last_reason,
              a.response_status as last_response_status, a.started_at as last_started_at
         from webhook_logs a
        where a.company_id = $1 and a.delivery_id = ${deliveryId} and a.attempt_no > 0
        order by a.attempt_no desc
        limit 1
     ) last on true`

/** Of a blocked delivery's chain, the one that the others wait for. */
const firstOfChain = `case when d.due_at = 'infinity' then (
            select json_build_object('id', f.id, 'attempts', f.attempts, 'first_attempt_no', f.first_attempt_no,
                     'due_at', nullif(f.due_at, 'infinity'), 'has_lease', f.lease_token is not null,
                     'is_ahead', f.due_at > now(), 'is_blocked', f.due_at = 'infinity', 'last_reason', (
                       select a.reason
                         from webhook_logs a
                        where a.company_id = $1 and a.delivery_id = f.id and a.attempt_no > 0
                        order by a.attempt_no desc
                        limit 1))
              from webhook_deliveries f
             where f.company_id = $1 and f.subscription_id = d.subscription_id and f.order_key = d.order_key
             order by f.position, f.id
             limit 1) end`

const pendingFrom = (chosen: string) => `select d.id, d.subscription_id, s.webhook_url, d.event_id, t.event_name,
          d.position, d.replay_id, d.attempts, d.first_attempt_no, nullif(d.due_at, 'infinity') as due_at,
          d.lease_token is not null as has_lease, d.due_at > now() as is_ahead, d.due_at = 'infinity' as is_blocked,
          s.status as subscription_status, ${firstOfChain} as first, last.*
     from (${chosen}) d
     join event_subscriptions s on s.company_id = $1 and s.id = d.subscription_id
     join event_audit_trail t on t.company_id = $1 and t.position = d.position
     ${joinLastAttempt('d.id')}
    order by d.id desc`

const findPending = statement<[companyId: string, id: string], PendingRow>(
  'delivery.find_pending',
  pendingFrom(`select * from webhook_deliveries where company_id = $1 and id = $2`),
)

/** The newest id first. */
const listPending = statement<
  [
    companyId: string,
    from: string,
    before: string,
    subscriptionId: string | null,
    eventId: string | null,
    isBlocked: boolean | null,
    rows: number,
  ],
  PendingRow
>(
  'delivery.list_pending',
  pendingFrom(`
       select *
         from webhook_deliveries
        where company_id = $1 and id >= $2 and id < $3
          and ($4::uuid is null or subscription_id = $4) and ($5::uuid is null or event_id = $5)
          and ($6::boolean is null or (due_at = 'infinity') = $6)
        order by id desc
        limit $7`),
)

type EndedParameters = [
  companyId: string,
  before: string,
  state: string | null,
  subscriptionId: string | null,
  eventId: string | null,
  rows: number,
]

const endingColumns = `e.id as log_id, e.delivery_id as id, e.subscription_id, e.webhook_url, e.event_id, e.event_name,
                e.position, e.replay_id, e.outcome as state, e.reason, e.detail, e.created_at as ended_at`

/** The last ending of a delivery, whether it is pending again or not. */
const findEnding = statement<[companyId: string, id: string], EndedRow>(
  'delivery.find_ending',
  `select l.*, last.*
       from (
         select ${endingColumns}
           from webhook_logs e
          where e.company_id = $1 and e.delivery_id = $2 and not e.is_test and e.outcome in ('delivered', 'failed', 'cancelled')
          order by ${LATEST_ENDING_FIRST}
          limit 1
       ) l
       ${joinLastAttempt('l.id')}`,
)

/**
 * The latest ended first. The comparison with a subquery keeps the last ending of each delivery only, by one look into
 * an index. The statements have the same conditions and differ in the index that leads to the rows, which is made sure
 * of by `condition`, one that holds without a parameter being looked at.
 */
const listEndedBy = (path: string, condition: string) =>
  statement<EndedParameters, EndedRow>(
    `delivery.list_ended_by_${path}`,
    `select l.*, last.*
       from (
         select ${endingColumns}
           from webhook_logs e
          where e.company_id = $1 and e.id < $2 and not e.is_test and e.outcome in ('delivered', 'failed', 'cancelled')
            and ($3::text is null or e.outcome = $3)
            and ($4::uuid is null or e.subscription_id = $4) and ($5::uuid is null or e.event_id = $5)
            and ${condition}
            and e.id = (
              select n.id
                from webhook_logs n
               where n.company_id = $1 and n.delivery_id = e.delivery_id
                 and n.outcome in ('delivered', 'failed', 'cancelled')
               order by ${LATEST_ENDING_FIRST}
               limit 1)
            and (select d.id from webhook_deliveries d where d.company_id = $1 and d.id = e.delivery_id) is null
          order by e.id desc
          limit $6
       ) l
       ${joinLastAttempt('l.id')}
      order by l.log_id desc`,
  )

const endedByEvent = listEndedBy('event', 'e.event_id = $5')
const endedByTrouble = listEndedBy('trouble', `e.outcome = $3 and e.outcome <> 'delivered'`)
const endedBySubscription = listEndedBy('subscription', 'e.subscription_id = $4')
const endedByTime = listEndedBy('time', 'true')

export interface DeliveryPage {
  readonly deliveries: readonly DeliveryView[]
  /** Null on the last page. */
  readonly nextCursor: string | null
}

/**
 * The pending deliveries, the newest first, and then the ended ones, the latest first; or those of one state. One
 * cursor leads through both parts. A delivery that ends between two pages may be seen twice, first pending and then
 * ended; one that is retried may be passed over.
 */
export async function listDeliveries(
  db: Db,
  companyId: string,
  filter: DeliveryFilter,
  page: PageRequest,
): Promise<DeliveryPage> {
  const { blocked } = filter
  const state = blocked === undefined ? filter.state : (filter.state ?? 'pending')
  if (blocked !== undefined && state !== 'pending') return { deliveries: [], nextCursor: null }
  const cursorKind = `deliveries.${state ?? 'all'}`
  const parts = state === undefined ? ['pending', 'ended'] : [state === 'pending' ? 'pending' : 'ended']
  const [part, before] =
    page.cursor === undefined ? [parts[0], AFTER_ALL_IDS] : decodeCursor(cursorKind, page.cursor, [parts, 'uuid'])
  const limit = pageRows(page)
  const found: { readonly view: DeliveryView; readonly place: readonly string[] }[] = []
  if (part === 'pending') {
    for (const row of await readPending(db, companyId, filter, before, limit + 1)) {
      found.push({ view: viewPending(row), place: ['pending', row.id] })
    }
  }
  if (found.length <= limit && parts.includes('ended')) {
    const seen = new Set(found.map(({ view }) => view.id)) // one of them may have ended since it was read
    const from = part === 'ended' ? before : AFTER_ALL_IDS
    for (const row of await readEnded(db, companyId, filter, from, limit + 1)) {
      if (!seen.has(row.id)) found.push({ view: viewEnded(row), place: ['ended', row.log_id] })
    }
  }
  const last = found.length > limit ? found[limit - 1] : undefined
  return {
    deliveries: found.slice(0, limit).map(({ view }) => view),
    nextCursor: last ? encodeCursor(cursorKind, last.place) : null,
  }
}

/** The id of a delivery carries the time of its event, so the deliveries of an event are one short range of ids. */
async function readPending(
  db: Db,
  companyId: string,
  { subscription_id: subscriptionId, event_id: eventId, blocked }: DeliveryFilter,
  before: string,
  rows: number,
): Promise<readonly PendingRow[]> {
  const from = eventId === undefined ? BEFORE_ALL_IDS : firstIdOfMs(idTimeMs(eventId))
  const to = eventId === undefined ? AFTER_ALL_IDS : firstIdOfMs(idTimeMs(eventId) + 1)
  return await listPending(
    db,
    companyId,
    from,
    to < before ? to : before,
    subscriptionId ?? null,
    eventId ?? null,
    blocked ?? null,
    rows,
  )
}

async function readEnded(
  db: Db,
  companyId: string,
  filter: DeliveryFilter,
  before: string,
  rows: number,
): Promise<readonly EndedRow[]> {
  const { state, subscription_id: subscriptionId, event_id: eventId } = filter
  const list = endedPathFor(filter)
  return await list(db, companyId, before, state ?? null, subscriptionId ?? null, eventId ?? null, rows)
}

/** By what the fewest rows share. Few deliveries end in trouble: a subscription that fails on and on is disabled. */
function endedPathFor({ state, subscription_id, event_id }: DeliveryFilter): typeof endedByTime {
  if (event_id !== undefined) return endedByEvent
  if (state === 'failed' || state === 'cancelled') return endedByTrouble
  return subscription_id === undefined ? endedByTime : endedBySubscription
}

/** What became of an event: its deliveries, 200 at most; {@link listDeliveries} pages through more. */
export async function deliveriesOfEvent(db: Db, companyId: string, eventId: string): Promise<readonly DeliveryView[]> {
  return (await listDeliveries(db, companyId, { event_id: eventId }, { limit: 200 })).deliveries
}

export interface DeliveryWithAttempts extends DeliveryView {
  /** Its rows of the ledger, the latest first, 200 at most: attempts, and endings without one. */
  readonly attempts_log: readonly WebhookLogSummary[]
}

/**
 * Throws not_found, in the same words whether the id is unknown, another company's or no id at all, and log_expired where the
 * ledger may have told of it once.
 */
export async function getDelivery(db: Db, companyId: string, id: string): Promise<DeliveryWithAttempts> {
  const deliveryId = canonicalUuid(id)
  const delivery = deliveryId === undefined ? undefined : await findDelivery(db, companyId, deliveryId)
  if (!delivery) return await throwMissing(db, companyId, deliveryId, 'delivery')
  return { ...delivery, attempts_log: await logsOfDelivery(db, companyId, delivery.id) }
}

/**
 * One delivery as it was at one moment of the call. Between the two looks it may become pending again: its ending still
 * counts then, so that it is never found to be nowhere.
 */
export async function findDelivery(db: Db, companyId: string, id: string): Promise<DeliveryView | undefined> {
  const [pending] = await findPending(db, companyId, id)
  if (pending) return viewPending(pending)
  const [ending] = await findEnding(db, companyId, id)
  return ending && viewEnded(ending)
}
