/**
 * The journal of attempts: what was written into the ledger and is not counted yet.
 *
 * Ids of the ledger are not in the order of commits, so no cursor over them is exact. Therefore whoever writes rows into it
 * writes one row here per company and batch in the same transaction: what kinds of ends there were, once each, and a number
 * per end. Writers share no row and wait for nobody. The counting (keep-stats.ts) takes rows out and adds them up, both in
 * one transaction. Tests are not in it, and are never counted.
 */
import { rowShape } from '../../db/rows.ts'
import { idTimeMs, newId } from '../../lib/ids.ts'
import { latencyClass } from '../../lib/latency-histogram.ts'
import type { AttemptRecord } from '../record-results.ts'

/** What ends have in common that are counted together. An end belongs to the minute of its id in the ledger. */
export type EndKind = readonly [
  minute: number,
  subscriptionId: string,
  eventName: string,
  isReplay: 0 | 1,
  outcome: AttemptRecord['outcome'],
  isAttempt: 0 | 1,
  reason: string,
]

/** A row of the ledger that is to be written. */
export interface LedgerRow {
  readonly id: string
  readonly record: AttemptRecord
  /** Number of its kind among its company's, and its latency's class: of calls that were answered, 0 for others. */
  readonly code: number
}

export interface JournalRow {
  readonly companyId: string
  readonly kinds: readonly EndKind[]
}

export const CODES_PER_KIND = 256

/** Gives records their ids in the ledger, and what the journal will say of them. */
export function toLedgerRows(records: readonly AttemptRecord[]): {
  readonly rows: readonly LedgerRow[]
  readonly journal: readonly JournalRow[]
} {
  const companies = new Map<string, { readonly numbers: Map<string, number>; readonly kinds: EndKind[] }>()
  const rows = records.map((record): LedgerRow => {
    const id = newId()
    const minute = Math.floor(idTimeMs(id) / 60_000)
    let company = companies.get(record.companyId)
    if (!company) companies.set(record.companyId, (company = { numbers: new Map(), kinds: [] }))
    const { subscriptionId, eventName, replayId, outcome, attemptNo, reason } = record
    const key = `${minute} ${subscriptionId} ${eventName} ${replayId ? 1 : 0} ${outcome} ${attemptNo > 0 ? 1 : 0} ${reason}`
    let number = company.numbers.get(key)
    if (number === undefined) {
      number = company.kinds.length
      company.numbers.set(key, number)
      company.kinds.push([minute, subscriptionId, eventName, replayId ? 1 : 0, outcome, attemptNo > 0 ? 1 : 0, reason])
    }
    return { id, record, code: number * CODES_PER_KIND + latencyOf(record) }
  })
  return { rows, journal: [...companies].map(([companyId, { kinds }]) => ({ companyId, kinds })) }
}

/** The ledger keeps it with the precision of `real`, and a count of the ledger must find the same class. */
function latencyOf({ responseStatus, timings: { totalMs } }: AttemptRecord): number {
  return responseStatus === undefined || totalMs === undefined ? 0 : latencyClass(Math.fround(totalMs))
}

export const journalShape = rowShape<JournalRow>({
  company_id: ['uuid', ({ companyId }) => companyId],
  id: ['uuid', () => newId()],
  kinds: ['json', ({ kinds }) => JSON.stringify(kinds)],
})

/** The minute of a row's id in SQL, as idTimeMs reads it. */
export const minuteOfId = `(('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint / 60000)`

/**
 * A statement's end that journals rows of one company ($1) which it has just written as `logged`, ended all alike.
 * @param idParameter number of the parameter that is the journal row's own id
 */
export function journalLogged(
  idParameter: number,
  outcome: AttemptRecord['outcome'],
  isAttempt: 0 | 1,
  reason: string,
): string {
  return `
   insert into attempt_journal (company_id, id, kinds)
   select $1, $${idParameter}, jsonb_agg(jsonb_build_array(
            ${minuteOfId}, subscription_id, event_name, (replay_id is not null)::int, '${outcome}', ${isAttempt}, '${reason}'))::text
     from logged
   having count(*) > 0`
}
