import { rowShape } from '../db/rows.ts'
import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { Chain } from './order-key.ts'
import { nameOfChain } from './order-key.ts'

const shape = rowShape<Chain>({
  company_id: ['uuid', (chain) => chain.companyId],
  subscription_id: ['uuid', (chain) => chain.subscriptionId],
  order_key: ['text', (chain) => chain.orderKey],
})

/** The first of each chain, if it is blocked, becomes due. One look into the index per chain. */
const promoteRows = statement<readonly unknown[], { company_id: string; subscription_id: string }>(
  'chain.promote',
  `with first as materialized (
     select d.company_id, d.id
       from ${shape.from()}
      cross join lateral (
        select company_id, id, due_at
          from webhook_deliveries
         where company_id = x.company_id and subscription_id = x.subscription_id and order_key = x.order_key
         order by position, id
         limit 1
      ) d
      where d.due_at = 'infinity'
   )
   update webhook_deliveries d
      set due_at = now()
    where d.id = any(array(select id from first)) and d.company_id = any(array(select distinct company_id from first))
      and d.due_at = 'infinity'
   returning d.company_id, d.subscription_id`,
)

/**
 * Lets chains go on whose first delivery has ended or was taken out, in the same transaction and under the lock of their
 * subscriptions (lockSubscriptions). Safe to call twice. Answers with the subscriptions that have something due by it.
 */
export async function promoteNext(
  db: Db,
  chains: readonly Chain[],
): Promise<readonly { readonly companyId: string; readonly subscriptionId: string }[]> {
  if (chains.length === 0) return []
  const distinct = new Map(chains.map((chain) => [nameOfChain(chain), chain]))
  const rows = await promoteRows(db, ...shape.values([...distinct.values()]))
  return rows.map((row) => ({ companyId: row.company_id, subscriptionId: row.subscription_id }))
}
