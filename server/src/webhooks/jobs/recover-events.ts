import { statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import type { Clock } from '../../lib/clock.ts'
import { systemClock } from '../../lib/clock.ts'
import { deliveryId } from '../../lib/ids.ts'
import { countOf, refuseLongRange } from '../held-events.ts'
import { stopHeld } from '../hold-events.ts'
import { insertMissing } from '../insert-deliveries.ts'
import { insertOrdered } from '../insert-ordered.ts'
import { JUDGING_MAX_MS, JudgingTime } from '../judging-time.ts'
import { orderKeyOf } from '../order-key.ts'
import { promoteNext } from '../promote-next.ts'
import { findLedgerEnd } from '../retention/ledger-end.ts'
import { KnownFilters } from '../routing-decision.ts'
import { lockSubscriptions } from '../subscription-health.ts'
import type { Subscription } from '../subscription-set.ts'
import { toSubscription } from '../subscription-set.ts'
import { countByName, findSubscriptionRow, lockHead, lockHeldBy, moveHeld } from '../subscription-store.ts'
import { activateRecovered } from '../subscriptions.ts'
import { isAnyCrowded } from './crowded-subscriptions.ts'
import type { JobAtWork, JobSlice } from './job-kinds.ts'
import { jobKind } from './job-kinds.ts'
import { judgeRows } from './judge-rows.ts'
import { isFanningOut } from './open-fan-outs.ts'
import type { RecoverRange } from './recover-kind.ts'
import { RECOVER_KIND } from './recover-kind.ts'

/** Events that a slice looks at. Small, so that nobody waits for it. */
const SLICE_EVENTS = 200

/** So many deliveries of the subscription may be due, and a slice still adds to them. */
const DUE_MAX = 500

/** While it waits for what others have begun. */
const REST_MS = 500

interface TrailRow {
  position: number
  event_id: string
  event_name: string
  entity_type: string | null
  entity_id: string | null
  recorded_at: Date
}

const readRange = statement<[companyId: string, from: number, to: number, limit: number], TrailRow>(
  'recover.read_range',
  `select position, event_id, event_name, entity_type, entity_id, recorded_at
     from event_audit_trail
    where company_id = $1 and position between $2 and $3
    order by position
    limit $4`,
)

/** Of these deliveries, those that were attempted, or have ended, already. */
const findAttempted = statement<[companyId: string, deliveryIds: readonly string[]], { delivery_id: string }>(
  'recover.find_attempted',
  `select w.delivery_id
     from unnest($2::uuid[]) as w(delivery_id)
    cross join lateral (
      select 1 from webhook_logs where company_id = $1 and delivery_id = w.delivery_id limit 1
    ) l`,
)

/**
 * Those of the deliveries, which this transaction has just written, that the ledger knows by now: their calls were under
 * way when it was asked, and ended, with their rows, before these were written. Nobody can attempt one of these before the
 * commit, so what is found here is all there is.
 */
const takeBack = statement<
  [companyId: string, ids: readonly string[]],
  { subscription_id: string; order_key: string | null }
>(
  'recover.take_back',
  `delete from webhook_deliveries d
    where d.company_id = $1 and d.id = any($2::uuid[])
      and (select l.id from webhook_logs l where l.company_id = $1 and l.delivery_id = d.id limit 1) is not null
   returning d.subscription_id, d.order_key`,
)

/**
 * Sends a subscription what it missed: the events of a range of positions that its names and its filter choose today and
 * that were never owed to it. Skipped are those that only its filter keeps out (`filter`), those that it has already
 * (`owed_already`), those whose payload is no longer stored (`payload_expired`), and those so old that the ledger cannot tell
 * whether it had them (`ledger_expired`). A subscription that was deleted ends the job; so does one that
 * was held for it and was stopped, whose position says where to go on.
 */
export const recoverEvents = jobKind<RecoverRange>({
  kind: RECOVER_KIND,
  scope: 'subscriptions:write',
  count: async (db, companyId, { subscription_id, from_position, to_position }) => {
    refuseLongRange(from_position, to_position)
    const [row] = await findSubscriptionRow(db, companyId, subscription_id)
    return countOf(await countByName(db, companyId, from_position, to_position), row?.event_names ?? [])
  },
  slice: async (db, job) => await recoverSlice(db, job),
  abandoned: async (db, author, { companyId, id, parameters }, how) => {
    const { after_replay, subscription_id } = parameters
    if (after_replay !== undefined) await stopHeld(db, author, companyId, subscription_id, id, `recovery_${how}`)
  },
})

/** @param clock for the time in which filters are asked; where it ends the slice does */
export async function recoverSlice(
  db: Db,
  job: JobAtWork<RecoverRange>,
  clock: Pick<Clock, 'elapsed'> = systemClock,
): Promise<JobSlice> {
  const { companyId, parameters: range } = job
  const { subscription_id: id, then_active: isOpenEnded } = range
  const from = job.cursor === null ? range.from_position : Number(job.cursor)
  if (await isAnyCrowded(db, companyId, [id], DUE_MAX)) return waitingAt(job, 'deliveries_due')
  const to = isOpenEnded ? AFTER_ALL_POSITIONS : range.to_position
  const read = async (): Promise<TrailRow[]> => await readRange(db, companyId, from, to, SLICE_EVENTS)
  let rows = await read()
  let isLast = rows.length < SLICE_EVENTS
  if (isLast && isOpenEnded) {
    // Nothing gets a position from here to the commit, so the first event that it is sent live follows the last of these.
    await lockHead(db, companyId)
    rows = await read()
    isLast = rows.length < SLICE_EVENTS // many may have come before the lock
  }
  // What would be sent now could end before the fan-out comes to it, which would send it again.
  const last = rows.at(-1)?.position
  if (last !== undefined && (await isFanningOut(db, companyId, from, last, id))) return waitingAt(job, 'fan_out')
  const [row] = await findSubscriptionRow(db, companyId, id)
  if (!row) return endedAt(job)
  const isHeld = range.after_replay !== undefined
  if (isHeld && (await lockHeldBy(db, companyId, id, job.id)).length === 0) return endedAt(job)
  if (isOpenEnded && !isHeld && row.status === 'active')
    throw new Error('The subscription was made active before the job was done')
  // What comes late to an active one comes beside its chains, which have gone on.
  const ordering = isOpenEnded ? row.ordering : 'none'
  const subscription = toSubscription({ ...row, status: 'active', held_by: null, ordering, subscription_id: id })
  const unknownBefore = isOpenEnded || range.was_held ? undefined : await findLedgerEnd(db, companyId)
  const judgement = await judge(db, subscription, rows, clock, unknownBefore)
  const next = (rows[judgement.judged - 1]?.position ?? from - 1) + 1
  const finished = isLast && judgement.judged === rows.length
  if (isOpenEnded) await moveHeld(db, companyId, id, next) // the row of the subscription is locked before its health
  const { done, skipped } = await owe(db, subscription, judgement)
  if (isOpenEnded && finished) await activateRecovered(db, companyId, id, job.id)
  return { done, skipped, cursor: String(next), finished, wake: [id] }
}

function endedAt({ cursor }: JobAtWork<RecoverRange>): JobSlice {
  return { done: 0, skipped: {}, cursor, finished: true }
}

function waitingAt({ cursor }: JobAtWork<RecoverRange>, waitingFor: string): JobSlice {
  return { done: 0, skipped: {}, cursor, finished: false, waitingFor, restMs: REST_MS }
}

interface Judgement {
  /** How many of the events there was time for, one at least; the others are left to the next slice. */
  readonly judged: number
  /** Those of them whose names are chosen. */
  readonly chosen: number
  readonly wanted: readonly TrailRow[]
  /** Of the chosen ones, those that cannot be sent, or must not. */
  readonly expired: Readonly<Record<string, number>>
}

async function judge(
  db: Db,
  subscription: Subscription,
  rows: readonly TrailRow[],
  clock: Pick<Clock, 'elapsed'>,
  unknownBefore: Date | undefined,
): Promise<Judgement> {
  const judges = { filters: new KnownFilters(), time: new JudgingTime(clock, JUDGING_MAX_MS) }
  const judged = await judgeRows(db, subscription, rows, judges)
  const chosen = judged.filter(({ reason }) => reason !== 'other_event_names')
  const wanted: TrailRow[] = []
  const expired: Record<string, number> = {}
  for (const { row, reason, missing } of chosen) {
    // One that was altered is owed all the same: its delivery ends with the reason.
    const payload = missing === 'payload_gone' ? 'payload_expired' : undefined
    const expiry = unknownBefore && row.recorded_at < unknownBefore ? 'ledger_expired' : payload
    if (expiry !== undefined) expired[expiry] = (expired[expiry] ?? 0) + 1
    else if (reason === null) wanted.push(row)
  }
  return { judged: judged.length, chosen: chosen.length, wanted, expired }
}

/** Writes what is missing. */
async function owe(
  db: Db,
  subscription: Subscription,
  { chosen, wanted, expired }: Judgement,
): Promise<Pick<JobSlice, 'done' | 'skipped'>> {
  const { companyId } = subscription
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
  const written = [...(await insertMissing(db, free)), ...(await insertOrdered(db, ordered))]
  const done = written.length - (await takeBackAttempted(db, companyId, written))
  const filter = chosen - wanted.length - Object.values(expired).reduce((sum, count) => sum + count, 0)
  return { done, skipped: { filter, owed_already: wanted.length - done, ...expired } }
}

/** Under the locks of the ordered ones. Answers with how many. */
async function takeBackAttempted(db: Db, companyId: string, ids: readonly string[]): Promise<number> {
  if (ids.length === 0) return 0
  const rows = await takeBack(db, companyId, ids)
  const chains = rows.flatMap(({ subscription_id: subscriptionId, order_key: orderKey }) =>
    orderKey === null ? [] : { companyId, subscriptionId, orderKey },
  )
  await promoteNext(db, chains)
  return rows.length
}

const AFTER_ALL_POSITIONS = Number.MAX_SAFE_INTEGER
