import { statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import { idTimeMs } from '../../lib/ids.ts'
import { ProblemError } from '../../lib/problems.ts'

const findEnd = statement<[companyId: string], { ended_before: Date; after_id: string }>(
  'ledger_retention.find',
  `select ended_before, after_id from ledger_retention where company_id = $1`,
)

/**
 * The time before which rows of the company's ledger may be gone, a midnight in UTC; undefined when none ever went. It
 * stands there before the first of them goes.
 */
export async function findLedgerEnd(db: Db, companyId: string): Promise<Date | undefined> {
  const [row] = await findEnd(db, companyId)
  return row?.ended_before
}

/** With the id up to which the rows from before were looked at. */
export async function findLedgerPlace(
  db: Db,
  companyId: string,
): Promise<{ readonly endedBefore: Date; readonly afterId: string } | undefined> {
  const [row] = await findEnd(db, companyId)
  return row && { endedBefore: row.ended_before, afterId: row.after_id }
}

/**
 * What is missing in the ledger: throws log_expired where its id is of a time whose rows may be gone, in the same words
 * whether there ever was such a thing, and not_found otherwise. So nothing is told of another company's.
 */
export async function throwMissing(db: Db, companyId: string, id: string | undefined, what: string): Promise<never> {
  const end = id === undefined ? undefined : await findLedgerEnd(db, companyId)
  if (end && id !== undefined && idTimeMs(id) < end.getTime()) {
    throw new ProblemError('log_expired', `The ledger is no longer stored from before ${end.toISOString()}`)
  }
  throw new ProblemError('not_found', `No such ${what}`)
}
