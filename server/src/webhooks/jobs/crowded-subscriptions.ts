import { statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'

/**
 * Those of the subscriptions that are being posted to and have so many deliveries due already. What is due is posted in
 * the order of its time, so a job that added to them would let fresh events wait behind all of it. One that is not
 * active, or whose breaker is open, gets nothing fresh either, and is not waited for.
 */
const findCrowded = statement<[companyId: string, subscriptionIds: readonly string[], dueMax: number], { id: string }>(
  'job.find_crowded',
  `select s.id
     from event_subscriptions s
    where s.company_id = $1 and s.id = any($2::uuid[]) and s.status = 'active'
      and (select h.breaker from subscription_health h where h.company_id = $1 and h.subscription_id = s.id) = 'closed'
      and (select d.id
             from webhook_deliveries d
            where d.company_id = $1 and d.subscription_id = s.id and d.due_at <= now()
            order by d.due_at
           offset $3
            limit 1) is not null`,
)

export async function isAnyCrowded(
  db: Db,
  companyId: string,
  subscriptionIds: readonly string[],
  dueMax: number,
): Promise<boolean> {
  return subscriptionIds.length > 0 && (await findCrowded(db, companyId, subscriptionIds, dueMax)).length > 0
}
