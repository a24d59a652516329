import { rowShape } from '../db/rows.ts'
import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { LateDelivery } from './insert-deliveries.ts'
import type { Chain } from './order-key.ts'
import { nameOfChain } from './order-key.ts'
import { promoteNext } from './promote-next.ts'

/** A delivery that comes in one order with others. It is never written already leased. */
export interface OrderedDelivery extends LateDelivery {
  readonly orderKey: string
}

const chainShape = rowShape<Chain>({
  company_id: ['uuid', (chain) => chain.companyId],
  subscription_id: ['uuid', (chain) => chain.subscriptionId],
  order_key: ['text', (chain) => chain.orderKey],
})

interface ChainRow {
  company_id: string
  subscription_id: string
  order_key: string
}

/** Of these chains, those that something waits in. */
const findChains = statement<readonly unknown[], ChainRow>(
  'chain.find',
  `select x.company_id, x.subscription_id, x.order_key
     from ${chainShape.from()}
    cross join lateral (
      select 1
        from webhook_deliveries d
       where d.company_id = x.company_id and d.subscription_id = x.subscription_id and d.order_key = x.order_key
       limit 1
    ) d`,
)

interface Placed {
  readonly delivery: OrderedDelivery
  readonly isBlocked: boolean
}

const shape = rowShape<Placed>({
  company_id: ['uuid', ({ delivery }) => delivery.companyId],
  id: ['uuid', ({ delivery }) => delivery.id],
  subscription_id: ['uuid', ({ delivery }) => delivery.subscriptionId],
  event_id: ['uuid', ({ delivery }) => delivery.eventId],
  position: ['bigint', ({ delivery }) => delivery.position],
  replay_id: ['uuid', ({ delivery }) => delivery.replayId],
  order_key: ['text', ({ delivery }) => delivery.orderKey],
  is_blocked: ['boolean', ({ isBlocked }) => isBlocked],
})

const insertRows = statement<readonly unknown[], { id: string; subscription_id: string; is_blocked: boolean }>(
  'delivery.insert_ordered',
  `insert into webhook_deliveries (company_id, id, subscription_id, event_id, position, replay_id, order_key, due_at)
   select company_id, id, subscription_id, event_id, position, replay_id, order_key,
          case when is_blocked then 'infinity' else now() end
     from ${shape.from()}
   on conflict (company_id, id) do nothing
   returning id, subscription_id, due_at = 'infinity' as is_blocked`,
)

interface WrittenInOrder {
  /** Of the deliveries that were written; one that was there already stays as it is. */
  readonly ids: readonly string[]
  /** Subscriptions that have something due by it. */
  readonly dueSubscriptionIds: ReadonlySet<string>
}

/**
 * Writes deliveries at the ends of their chains: due now where a chain is empty, blocked elsewhere. The caller holds the
 * locks of their subscriptions (lockSubscriptions), so no chain becomes empty, and none gets a first row, between the look
 * and the commit.
 */
export async function appendToChains(db: Db, deliveries: readonly OrderedDelivery[]): Promise<WrittenInOrder> {
  if (deliveries.length === 0) return { ids: [], dueSubscriptionIds: new Set() }
  const chains = new Map(deliveries.map((delivery) => [nameOfChain(delivery), delivery]))
  const rows = await findChains(db, ...chainShape.values([...chains.values()]))
  const taken = new Set(rows.map((row) => nameOfChain(toChain(row))))
  const written = await insertRows(db, ...shape.values(placeInChains(deliveries, taken)))
  // One that was there already is perhaps not in its chain, and others were placed behind it.
  const promoted = written.length < deliveries.length ? await promoteNext(db, [...chains.values()]) : []
  const due = written.filter((row) => !row.is_blocked).map((row) => row.subscription_id)
  return {
    ids: written.map(({ id }) => id),
    dueSubscriptionIds: new Set([...due, ...promoted.map(({ subscriptionId }) => subscriptionId)]),
  }
}

/** {@link appendToChains} for who asks only what was written. */
export async function insertOrdered(db: Db, deliveries: readonly OrderedDelivery[]): Promise<readonly string[]> {
  return (await appendToChains(db, deliveries)).ids
}

/** In the order of positions; `taken` are the chains, by name, that something waits in. Pure; exported for tests. */
export function placeInChains(deliveries: readonly OrderedDelivery[], taken: ReadonlySet<string>): readonly Placed[] {
  const begun = new Set(taken)
  return deliveries
    .toSorted((a, b) => a.position - b.position)
    .map((delivery) => {
      const name = nameOfChain(delivery)
      const isBlocked = begun.has(name)
      begun.add(name)
      return { delivery, isBlocked }
    })
}

function toChain(row: ChainRow): Chain {
  return { companyId: row.company_id, subscriptionId: row.subscription_id, orderKey: row.order_key }
}
