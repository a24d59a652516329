import { statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import { firstIdOfMs, idTimeMs } from '../../lib/ids.ts'
import type { ReplayMode } from './replay-parameters.ts'

/** What became of an event for a subscription so far, in its own delivery and in those of replays. */
export interface Standing {
  readonly isDelivered: boolean
  /** A delivery of it waits or is under way. */
  readonly isPending: boolean
  /** Undefined while none has ended. */
  readonly lastEnding: 'delivered' | 'failed' | 'cancelled' | undefined
}

/**
 * One look into the index of events per event, in the months since it: nearly, see {@link firstLedgerId}. Calls that
 * somebody made to try an endpoint are no deliveries.
 */
const readEndings = statement<
  [companyId: string, subscriptionId: string, eventIds: readonly string[], fromIds: readonly string[]],
  { event_id: string; is_delivered: boolean; last_ending: 'delivered' | 'failed' | 'cancelled' }
>(
  'replay.read_endings',
  `select w.event_id, l.is_delivered, l.last_ending
     from unnest($3::uuid[], $4::uuid[]) as w(event_id, from_id)
    cross join lateral (
      select bool_or(n.outcome = 'delivered') as is_delivered,
             (array_agg(n.outcome order by n.created_at desc, n.attempt_no desc))[1] as last_ending
        from webhook_logs n
       where n.company_id = $1 and n.event_id = w.event_id and n.id >= w.from_id
          and n.subscription_id = $2 and not n.is_test
         and n.outcome in ('delivered', 'failed', 'cancelled')
    ) l
    where l.last_ending is not null`,
)

/**
 * The ids of all deliveries of an event begin with the millisecond of its own id (deliveryId), so they lie together in the
 * primary key: each millisecond is looked at once.
 */
const readPending = statement<
  [
    companyId: string,
    subscriptionId: string,
    eventIds: readonly string[],
    fromIds: readonly string[],
    beforeIds: readonly string[],
  ],
  { event_id: string }
>(
  'replay.read_pending',
  `select d.event_id
     from unnest($4::uuid[], $5::uuid[]) as w(from_id, before_id)
    cross join lateral (
      select p.event_id
        from webhook_deliveries p
       where p.company_id = $1 and p.id >= w.from_id and p.id < w.before_id
         and p.subscription_id = $2 and p.event_id = any($3::uuid[])
    ) d`,
)

/** An event's id may be dated some minutes ahead of the server that posts it, whose clock dates the rows of the ledger. */
const AHEAD_MAX_MS = 3_600_000

function firstLedgerId(eventId: string): string {
  return firstIdOfMs(Math.max(0, idTimeMs(eventId) - AHEAD_MAX_MS))
}

export async function readStandings(
  db: Db,
  companyId: string,
  subscriptionId: string,
  eventIds: readonly string[],
): Promise<(eventId: string) => Standing> {
  const times = [...new Set(eventIds.map(idTimeMs))]
  const from = times.map((ms) => firstIdOfMs(ms))
  const before = times.map((ms) => firstIdOfMs(ms + 1))
  // Pending ones first: one that ends between the two looks is then seen twice, and not missed.
  const pending = new Set(
    (await readPending(db, companyId, subscriptionId, eventIds, from, before)).map((row) => row.event_id),
  )
  const endings = new Map(
    (await readEndings(db, companyId, subscriptionId, eventIds, eventIds.map(firstLedgerId))).map((row) => [
      row.event_id,
      row,
    ]),
  )
  return (eventId) => ({
    isDelivered: endings.get(eventId)?.is_delivered ?? false,
    isPending: pending.has(eventId),
    lastEnding: endings.get(eventId)?.last_ending,
  })
}

/** Why a mode leaves an event out; undefined where it does not. Stable words: they are counted and shown. Pure. */
export function leftOutBy(
  mode: ReplayMode,
  { isDelivered, isPending, lastEnding }: Standing,
): 'pending' | 'delivered' | 'not_failed' | undefined {
  if (mode === 'all') return undefined
  if (isPending) return 'pending'
  if (mode === 'missing') return isDelivered ? 'delivered' : undefined
  return lastEnding === 'failed' || lastEnding === 'cancelled' ? undefined : 'not_failed'
}
