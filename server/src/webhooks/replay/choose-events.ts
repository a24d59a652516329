import type { Db } from '../../db/statement.ts'
import type { TrailRow } from '../../events/event-view.ts'
import type { JudgedRow, Judges } from '../jobs/judge-rows.ts'
import { judgeRows } from '../jobs/judge-rows.ts'
import { findLedgerEnd } from '../retention/ledger-end.ts'
import { choosesName } from '../routing-decision.ts'
import type { Subscription } from '../subscription-set.ts'
import { leftOutBy, readStandings } from './ledger-standing.ts'
import type { ReplayMode } from './replay-parameters.ts'

/** Payloads are up to 256 KiB, and so many are in memory at once. */
const CHUNK_EVENTS = 200

export interface ChosenEvents {
  /** What the subscription is to be sent, in the order of positions. */
  readonly chosen: readonly ChosenEvent[]
  /** What the source chooses and is left out, by reason. */
  readonly skipped: ReadonlyMap<string, number>
  /** How many of the rows that is, from the first on. */
  readonly looked: number
}

export interface ChosenEvent {
  readonly row: TrailRow
  readonly bytes: number
}

interface Choice {
  readonly mode: ReplayMode
  readonly max: number
  /** Events whose payloads are in memory at once. */
  readonly chunk?: number
}

/**
 * Which of these rows of the source a subscription is sent: what its names and its filter choose today, is stored still, and
 * fits the mode. It ends when the time is up, or when `max` are chosen.
 */
export async function chooseEvents(
  db: Db,
  subscription: Subscription,
  rows: readonly TrailRow[],
  { mode, max, chunk: chunkMax = CHUNK_EVENTS }: Choice,
  judges: Judges,
): Promise<ChosenEvents> {
  const named = rows.filter((row) => choosesName(subscription, row.event_name))
  const chosen: ChosenEvent[] = []
  const skipped = new Map<string, number>()
  let judged = 0
  while (judged < named.length && chosen.length < max) {
    const chunk = named.slice(judged, judged + Math.min(chunkMax, max - chosen.length))
    const results = await judgeRows(db, subscription, chunk, judges)
    judged += results.length
    const wanted = results.filter((one) => reasonOf(one) === null)
    for (const one of results) count(skipped, reasonOf(one))
    const leftOut = await leftOutOf(db, subscription, wanted, mode)
    for (const [index, { row, bytes }] of wanted.entries()) {
      if (leftOut[index] === undefined) chosen.push({ row, bytes })
      else count(skipped, leftOut[index])
    }
    if (judges.time.isUp()) break
  }
  const last = named[judged - 1]
  const looked = judged === named.length ? rows.length : last ? rows.indexOf(last) + 1 : 0
  count(skipped, 'other_event_names', looked - judged)
  return { chosen, skipped, looked }
}

/** Null where nothing speaks against it; what the source's own conditions keep out was never part of it. */
function reasonOf({ reason, missing }: JudgedRow<TrailRow>): string | null {
  return reason ?? (missing === 'payload_gone' ? 'payload_expired' : missing) ?? null
}

function count(counts: Map<string, number>, reason: string | null | undefined, by = 1): void {
  if (reason === null || reason === undefined || reason === 'outside_source' || by === 0) return
  counts.set(reason, (counts.get(reason) ?? 0) + by)
}

async function leftOutOf(
  db: Db,
  { companyId, id }: Subscription,
  wanted: readonly JudgedRow<TrailRow>[],
  mode: ReplayMode,
): Promise<readonly (string | undefined)[]> {
  if (mode === 'all' || wanted.length === 0) return []
  const ids = wanted.map(({ row }) => row.event_id)
  const standingOf = await readStandings(db, companyId, id, ids)
  const ledgerEnd = await findLedgerEnd(db, companyId)
  return wanted.map(({ row }) =>
    ledgerEnd && row.recorded_at < ledgerEnd ? 'ledger_expired' : leftOutBy(mode, standingOf(row.event_id)),
  )
}
