import type { Db } from '../../db/statement.ts'
import { ProblemError } from '../../lib/problems.ts'
import { countChosenEndings } from './chosen-endings.ts'
import { countChosenPending } from './chosen-pending.ts'
import type { DeliveryChoice } from './delivery-choice.ts'
import { termsOf } from './delivery-choice.ts'

/** Rows that a count looks at; somebody waits for it. */
const COUNTED_MAX = 200_000

/** How many deliveries are chosen now. Throws invalid_event_name or job_too_large. */
export async function countChosen(db: Db, companyId: string, choice: DeliveryChoice): Promise<number> {
  const terms = await termsOf(db, companyId, choice)
  if (!terms) return 0
  const { state } = choice
  const count =
    state === 'pending'
      ? await countChosenPending(db, companyId, terms, COUNTED_MAX)
      : await countChosenEndings(db, companyId, { ...terms, outcome: state }, COUNTED_MAX)
  if (count !== undefined) return count
  const message = `More than ${COUNTED_MAX} are ${state} in this time; give a shorter one, by from and to`
  throw new ProblemError('job_too_large', message)
}
