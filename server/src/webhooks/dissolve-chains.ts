import { command } from '../db/statement.ts'

/**
 * What is blocked of deleted subscriptions becomes due and waits for nobody any more, a thousand of each at most: it gets
 * no call, so there is no order to keep. Under the lock of the subscriptions (lockSubscriptions). Answers with how many.
 */
export const dissolveChains = command<[companyId: string, subscriptionIds: readonly string[]]>(
  'chain.dissolve',
  `update webhook_deliveries
      set order_key = null, due_at = now()
    where company_id = $1 and due_at = 'infinity'
      and id = any(array(
        select d.id
          from unnest($2::uuid[]) as w(subscription_id)
         cross join lateral (
           select id
             from webhook_deliveries
            where company_id = $1 and subscription_id = w.subscription_id and due_at = 'infinity'
            limit 1000
         ) d))`,
)
