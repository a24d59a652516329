import { statement } from '../db/statement.ts'
import type { OutsideCondition } from '../events/read-events.ts'
import { firstIdOfMs, idTimeMs } from '../lib/ids.ts'
import { findLedgerEnd } from './retention/ledger-end.ts'

/**
 * How an event fares with its subscribers. `none`: it was owed to nobody; not known, and so none of these, of an event so old
 * that its rows of the ledger may be gone.
 */
type DeliveryOutcome = 'pending' | 'delivered' | 'failed' | 'cancelled' | 'none'

/** More than these are not listed; then events are asked one by one. */
const CANDIDATES_MAX = 10_000

interface Candidate {
  readonly position: number
  /** How many rows were read for it. */
  readonly rows: number
}

const pendingPositions = statement<[companyId: string], Candidate>(
  'delivery.pending_positions',
  `select position, count(*) as rows
     from (select position from webhook_deliveries where company_id = $1 limit ${CANDIDATES_MAX + 1}) d
    group by position`,
)

/** By the index of what is in trouble, and by that alone. */
const countTroubled = statement<[companyId: string, outcome: string], { readonly rows: number }>(
  'webhook_log.count_troubled',
  `select count(*) as rows
     from (
       select id
         from webhook_logs
        where company_id = $1 and outcome = $2 and outcome <> 'delivered'
        limit ${CANDIDATES_MAX + 1}
     ) l`,
)

/** Counted before: where there are too many to list, reading these rows is most of what a page costs. */
const troubledPositions = statement<[companyId: string, outcome: string], Candidate>(
  'webhook_log.troubled_positions',
  `select position, count(*) as rows
     from (
       select position
         from webhook_logs
        where company_id = $1 and outcome = $2 and outcome <> 'delivered'
        limit ${CANDIDATES_MAX + 1}
     ) l
    group by position`,
)

/** The states that the deliveries of each event have, as `GET /events/deliveries` tells them. */
const statesOfEvents = statement<
  [companyId: string, ids: readonly string[], fromIds: readonly string[], toIds: readonly string[]],
  { event_id: string; state: DeliveryOutcome }
>(
  'delivery.states_of_events',
  `select w.id as event_id, 'pending' as state
     from unnest($2::uuid[], $3::uuid[], $4::uuid[]) as w(id, from_id, to_id)
    cross join lateral (
      select d.id
        from webhook_deliveries d
       where d.company_id = $1 and d.id >= w.from_id and d.id < w.to_id and d.event_id = w.id
       limit 1
    ) d
    union all
   select w.id, e.outcome
     from unnest($2::uuid[]) as w(id)
    cross join lateral (
      select distinct e.outcome
        from webhook_logs e
       where e.company_id = $1 and e.event_id = w.id and not e.is_test
         and e.outcome in ('delivered', 'failed', 'cancelled')
         and e.id = (
           select n.id
             from webhook_logs n
            where n.company_id = $1 and n.delivery_id = e.delivery_id
              and n.outcome in ('delivered', 'failed', 'cancelled')
            order by n.created_at desc, n.attempt_no desc
            limit 1)
         and (select d.id from webhook_deliveries d where d.company_id = $1 and d.id = e.delivery_id) is null
    ) e`,
)

/** Events of which a delivery has this outcome now; replays count too, tests do not. */
export function byDelivery(outcome: DeliveryOutcome): OutsideCondition {
  return {
    candidates: async (db, companyId) => {
      if (outcome === 'delivered' || outcome === 'none') return undefined
      if (outcome !== 'pending') {
        const [counted] = await countTroubled(db, companyId, outcome)
        if ((counted?.rows ?? 0) > CANDIDATES_MAX) return undefined
      }
      const found =
        outcome === 'pending' ? await pendingPositions(db, companyId) : await troubledPositions(db, companyId, outcome)
      const read = found.reduce((sum, { rows }) => sum + rows, 0)
      return read > CANDIDATES_MAX ? undefined : found.map(({ position }) => position) // 0, of tests, is no event's
    },
    test: async (db, companyId, eventIds) => {
      // The id of a delivery carries the time of its event.
      const times = eventIds.map(idTimeMs)
      const [fromIds, toIds] = [times.map(firstIdOfMs), times.map((ms) => firstIdOfMs(ms + 1))]
      const states = await statesOfEvents(db, companyId, eventIds, fromIds, toIds)
      const owed = new Set(states.map((row) => row.event_id))
      if (outcome === 'none') {
        const knownFromMs = (await findLedgerEnd(db, companyId))?.getTime() ?? 0
        return new Set(eventIds.filter((id) => !owed.has(id) && idTimeMs(id) >= knownFromMs))
      }
      return new Set(states.filter(({ state }) => state === outcome).map((row) => row.event_id))
    },
  }
}
