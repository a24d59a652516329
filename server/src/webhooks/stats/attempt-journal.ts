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
  /** Of its company's row in the journal, from 1. */
  readonly journalNo: number
  /** Number of its kind among its company's, and its latency's class: of calls that were answered, 0 for others. */
  readonly code: number
}

export const CODES_PER_KIND = 256

/** The kinds of ends of one company in a batch. */
interface CompanyKinds {
  readonly journalNo: number
  readonly kinds: EndKind[]
  readonly numbers: Map<string, number>
}

/** Gives records their ids in the ledger, and what the journal will say of them: per company its kinds as JSON. */
export function toLedgerRows(records: readonly AttemptRecord[]): {
  readonly rows: readonly LedgerRow[]
  readonly journal: readonly string[]
} {
  const companies = new Map<string, CompanyKinds>()
  const rows = records.map((record): LedgerRow => {
    const id = newId()
    let company = companies.get(record.companyId)
    if (!company) {
      company = { journalNo: companies.size + 1, kinds: [], numbers: new Map() }
      companies.set(record.companyId, company)
    }
    const number = numberOf(company, Math.floor(idTimeMs(id) / 60_000), record)
    return { id, record, journalNo: company.journalNo, code: number * CODES_PER_KIND + latencyOf(record) }
  })
  return { rows, journal: [...companies.values()].map(({ kinds }) => JSON.stringify(kinds)) }
}

function numberOf({ kinds, numbers }: CompanyKinds, minute: number, record: AttemptRecord): number {
  const { subscriptionId, eventName, outcome, reason } = record
  const isReplay = record.replayId === undefined ? 0 : 1
  const isAttempt = record.attemptNo > 0 ? 1 : 0
  const key = `${minute} ${subscriptionId} ${eventName} ${isReplay} ${outcome} ${isAttempt} ${reason}`
  const known = numbers.get(key)
  if (known !== undefined) return known
  numbers.set(key, kinds.length)
  return kinds.push([minute, subscriptionId, eventName, isReplay, outcome, isAttempt, reason]) - 1
}

/** The ledger keeps it with the precision of `real`, and a count of the ledger must find the same class. */
function latencyOf({ responseStatus, timings: { totalMs } }: AttemptRecord): number {
  return responseStatus === undefined || totalMs === undefined ? 0 : latencyClass(Math.fround(totalMs))
}

export const journalShape = rowShape<string>({
  id: ['uuid', () => newId()],
  kinds: ['json', (kinds) => kinds],
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
