import { statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'

/** Of positions of the range, one whose large fan-out (fan-out.ts) has yet to come to the subscription. */
const findFanOut = statement<
  [companyId: string, from: number, to: number, subscriptionId: string],
  { position: number }
>(
  'recover.find_fan_out',
  `select position
     from fan_outs
    where company_id = $1 and position between $2 and $3 and after_subscription_id < $4
    limit 1`,
)

/** Whether what is owed to a subscription of these positions, both included, is not all written yet. */
export async function isFanningOut(
  db: Db,
  companyId: string,
  from: number,
  to: number,
  subscriptionId: string,
): Promise<boolean> {
  return (await findFanOut(db, companyId, from, to, subscriptionId)).length > 0
}
