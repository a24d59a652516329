import type { DbPool } from '../db/pools.ts'
import { command, statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import { inTransaction } from '../db/transaction.ts'
import type { Chain } from './order-key.ts'
import { lockSubscriptions } from './subscription-health.ts'

interface FirstRow {
  company_id: string
  subscription_id: string
  order_key: string
  is_blocked: boolean
}

const first = (after: string) => `select company_id, subscription_id, order_key, due_at = 'infinity' as is_blocked
         from webhook_deliveries
        where order_key is not null and (subscription_id, order_key) > ${after}
        order by subscription_id, order_key, position, id
        limit 1`

/** The first delivery of each chain, over all companies: from one chain to the next, one look into the index for each. */
const walkChains = statement<[afterSubscriptionId: string, afterOrderKey: string, limit: number], FirstRow>(
  'chain.walk',
  `with recursive walked as (
     select f.company_id, f.subscription_id, f.order_key, f.is_blocked, 1 as number
       from (${first('($1::uuid, $2::text)')}) f
     union all
     select f.company_id, f.subscription_id, f.order_key, f.is_blocked, w.number + 1
       from walked w
      cross join lateral (${first('(w.subscription_id, w.order_key)')}) f
      where w.number < $3
   )
   select company_id, subscription_id, order_key, is_blocked from walked`,
)

/** Under the lock of the subscription. Nothing happens where some delivery of the chain may be attempted. */
const unblockFirst = command<[companyId: string, subscriptionId: string, orderKey: string]>(
  'chain.unblock_first',
  `update webhook_deliveries
      set due_at = now()
    where company_id = $1
      and id = any(array(
        select id
          from webhook_deliveries
         where company_id = $1 and subscription_id = $2 and order_key = $3
         order by position, id
         limit 1))
      and not exists (
        select 1
          from webhook_deliveries
         where company_id = $1 and subscription_id = $2 and order_key = $3 and due_at < 'infinity')`,
)

const CHAINS_PER_LOOK = 1_000

const ZERO_ID = '00000000-0000-0000-0000-000000000000'

/**
 * Chains whose first delivery is blocked, among `chainsMax` at most: nobody would ever attempt them. No transaction leaves
 * one behind; this is for what somebody changed in the database, and for our own faults.
 */
export async function findStuckChains(db: Db, chainsMax = Infinity): Promise<readonly Chain[]> {
  const stuck: Chain[] = []
  let [afterSubscriptionId, afterOrderKey] = [ZERO_ID, '']
  for (let looked = 0; looked < chainsMax;) {
    const limit = Math.min(CHAINS_PER_LOOK, chainsMax - looked)
    const rows = await walkChains(db, afterSubscriptionId, afterOrderKey, limit)
    for (const row of rows) {
      const { company_id: companyId, subscription_id: subscriptionId, order_key: orderKey } = row
      if (row.is_blocked) stuck.push({ companyId, subscriptionId, orderKey })
    }
    const last = rows.at(-1)
    if (!last || rows.length < limit) break
    looked += rows.length
    ;[afterSubscriptionId, afterOrderKey] = [last.subscription_id, last.order_key]
  }
  return stuck
}

/** Makes the first delivery of stuck chains due. Answers with those that were mended; safe to call at any time. */
export async function mendChains(pool: DbPool): Promise<readonly Chain[]> {
  const mended: Chain[] = []
  for (const chain of await findStuckChains(pool)) {
    const { companyId, subscriptionId, orderKey } = chain
    const count = await inTransaction(pool, async (db) => {
      await lockSubscriptions(db, [chain])
      return await unblockFirst(db, companyId, subscriptionId, orderKey)
    })
    if (count > 0) mended.push(chain)
  }
  return mended
}
