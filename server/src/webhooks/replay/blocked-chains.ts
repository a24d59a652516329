import { statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import type { Subscription } from '../subscription-set.ts'
import { replayOrderKeyOf } from '../order-key.ts'

/** Of one chain so many are counted, so that one that is held up keeps none of the others from being added to. */
const CHAIN_MAX = 50
/** Of all chains, as they are counted. */
const COUNTED_MAX = 2_000
/** Whatever chains they are of: they do not fill the table. */
const BLOCKED_MAX = 20_000

/**
 * Whether a replay has so much waiting behind earlier deliveries that no more is added. From chain to chain by the index of
 * their order, and no further than it has to look.
 */
const findManyBlocked = statement<
  [
    companyId: string,
    subscriptionId: string,
    replayId: string,
    afterKey: string,
    beforeKey: string,
    chainMax: number,
    countedMax: number,
    blockedMax: number,
  ],
  { is_many: boolean }
>(
  'replay.find_many_blocked',
  `with recursive chain as (
     (select d.order_key
        from webhook_deliveries d
       where d.company_id = $1 and d.subscription_id = $2 and d.order_key > $4 and d.order_key < $5
       order by d.order_key
       limit 1)
     union all
     select (select d.order_key
               from webhook_deliveries d
              where d.company_id = $1 and d.subscription_id = $2 and d.order_key > c.order_key and d.order_key < $5
              order by d.order_key
              limit 1)
       from chain c
      where c.order_key is not null
   )
   select (select b.id
             from chain c
            cross join lateral (
              select d.id
                from webhook_deliveries d
               where d.company_id = $1 and d.subscription_id = $2 and d.order_key = c.order_key
                 and d.due_at = 'infinity' and d.replay_id = $3
               limit $6
            ) b
           offset $7
            limit 1) is not null
       or (select d.id
             from webhook_deliveries d
            where d.company_id = $1 and d.subscription_id = $2 and d.due_at = 'infinity' and d.replay_id = $3
           offset $8
            limit 1) is not null as is_many`,
)

/** Behind all keys of the text that comes before it. */
const LAST = '\u{10ffff}'

/** @param ordering of the subscription where the replay adds to its own chains; undefined where it has chains of its own */
export async function areManyBlocked(
  db: Db,
  companyId: string,
  { subscriptionId, replayId }: { readonly subscriptionId: string; readonly replayId: string },
  ordering: Subscription['ordering'] | undefined,
): Promise<boolean> {
  const prefix = ordering === 'entity' ? '' : (replayOrderKeyOf(replayId, '', '') ?? '').slice(0, -1)
  // All is one chain where the whole subscription has one order, and nothing can be added but to that.
  if (ordering === 'subscription') return true
  const bounds = [prefix, `${prefix}${LAST}`] as const
  const maxima = [CHAIN_MAX, COUNTED_MAX, BLOCKED_MAX] as const
  const [found] = await findManyBlocked(db, companyId, subscriptionId, replayId, ...bounds, ...maxima)
  return found?.is_many ?? false
}
