import type { Leadership } from '../db/leadership.ts'
import { NotLeader } from '../db/leadership.ts'
import type { DbPool } from '../db/pools.ts'
import { command, statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import { inTransaction } from '../db/transaction.ts'
import { BEFORE_ALL_IDS } from '../lib/ids.ts'
import type { Chain } from './order-key.ts'
import { lockFreeSubscriptions } from './subscription-health.ts'

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

interface Place {
  readonly subscriptionId: string
  readonly orderKey: string
}

const BEFORE_ALL_CHAINS: Place = { subscriptionId: BEFORE_ALL_IDS, orderKey: '' }

/** @returns the stuck ones among the next `chainsMax`, and the last of these; undefined when there were fewer */
async function walk(
  db: Db,
  after: Place,
  chainsMax: number,
): Promise<{ readonly stuck: readonly Chain[]; readonly reached: Place | undefined }> {
  const stuck: Chain[] = []
  let reached = after
  for (let looked = 0; looked < chainsMax; looked += CHAINS_PER_LOOK) {
    const limit = Math.min(CHAINS_PER_LOOK, chainsMax - looked)
    const rows = await walkChains(db, reached.subscriptionId, reached.orderKey, limit)
    for (const row of rows) {
      const { company_id: companyId, subscription_id: subscriptionId, order_key: orderKey } = row
      if (row.is_blocked) stuck.push({ companyId, subscriptionId, orderKey })
      reached = { subscriptionId, orderKey }
    }
    if (rows.length < limit) return { stuck, reached: undefined }
  }
  return { stuck, reached }
}

/**
 * Chains whose first delivery is blocked, among `chainsMax` at most: nobody would ever attempt them. No transaction leaves
 * one behind; this is for what somebody changed in the database, and for our own faults.
 */
export async function findStuckChains(db: Db, chainsMax = Infinity): Promise<readonly Chain[]> {
  return (await walk(db, BEFORE_ALL_CHAINS, chainsMax)).stuck
}

export interface ChainMenderOptions {
  readonly pool: DbPool
  readonly leadership: Leadership
  readonly chainsPerRound?: number
}

/** Makes the first delivery of stuck chains due, some of all chains in each round, then those behind them. Only the leader does. */
export class ChainMender {
  readonly #options: Required<ChainMenderOptions>
  #after = BEFORE_ALL_CHAINS

  constructor(options: ChainMenderOptions) {
    this.#options = { chainsPerRound: 50_000, ...options }
  }

  /** Answers with those that were mended. One whose subscription is locked by somebody else is left for a later round. */
  async round(): Promise<readonly Chain[]> {
    const { pool, leadership, chainsPerRound } = this.#options
    if (!(await leadership.hold())) return []
    const { stuck, reached } = await walk(pool, this.#after, chainsPerRound)
    const mended: Chain[] = []
    try {
      for (const chain of stuck) if (await this.#mend(chain)) mended.push(chain)
    } catch (error) {
      if (!(error instanceof NotLeader)) throw error
      return mended
    }
    this.#after = reached ?? BEFORE_ALL_CHAINS
    return mended
  }

  async #mend(chain: Chain): Promise<boolean> {
    const { companyId, subscriptionId, orderKey } = chain
    return await inTransaction(this.#options.pool, async (db) => {
      await this.#options.leadership.confirm(db)
      if ((await lockFreeSubscriptions(db, [chain])).size === 0) return false
      return (await unblockFirst(db, companyId, subscriptionId, orderKey)) > 0
    })
  }
}
