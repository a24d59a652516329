import { rowShape } from '../db/rows.ts'
import { command, statement } from '../db/statement.ts'
import type { RoutedEvent } from '../events/event.ts'
import { readLogged } from '../events/read-logged.ts'
import type { RecentEvents } from '../events/recent-events.ts'
import type { FanOut } from '../events/router.ts'
import { BatchTooLarge } from '../events/router.ts'
import { failpoint } from '../lib/failpoint.ts'
import type { Deliverables } from './deliverables.ts'
import type { HandOver } from './hand-over.ts'
import { insertDeliveries, toDelivery } from './insert-deliveries.ts'
import { orderKeyOf } from './order-key.ts'
import { decideRouting, toRoutable } from './routing-decision.ts'
import type { Subscription, SubscriptionSets, VersionRow } from './subscription-set.ts'
import { toSubscription, versionColumns } from './subscription-set.ts'
import type { Owed, OwedInOrder } from './write-batch.ts'
import { writeBatch } from './write-batch.ts'

/**
 * Who is owed an event.
 *
 * The deliveries of a batch of events are written in the router's transaction; a batch that comes to too many is halved. One
 * event that is owed to more than a slice of subscriptions gets the first slice there and a row of fan_outs (event,
 * version of the subscriptions, cursor over their ids), and is continued slice by slice, over the subscriptions as they
 * were at that version. A kill between two slices changes nothing: the cursor moves in the transaction that writes the
 * slice.
 *
 * Where a subscription has no backlog and free slots, its deliveries are written already leased and handed to the
 * dispatcher of this process after the commit; all others are written due now and claimed from the database.
 *
 * Deliveries of an ordered subscription (docs/adr/0013) are written with their batch, however many there are, and never
 * in a slice: a slice comes after younger events.
 */
interface Unfinished {
  readonly event: RoutedEvent
  readonly version: number
  readonly afterSubscriptionId: string
}

const shape = rowShape<Unfinished>({
  company_id: ['uuid', ({ event }) => event.companyId],
  position: ['bigint', ({ event }) => event.position],
  event_id: ['uuid', ({ event }) => event.id],
  version: ['bigint', ({ version }) => version],
  after_subscription_id: ['uuid', ({ afterSubscriptionId }) => afterSubscriptionId],
})

const noteFanOuts = command<readonly unknown[]>(
  'fan_out.note',
  `insert into fan_outs (company_id, position, event_id, version, after_subscription_id)
   select company_id, position, event_id, version, after_subscription_id
     from ${shape.from()}`,
)

interface FanOutRow {
  company_id: string
  position: number
  event_id: string
  version: number
  after_subscription_id: string
}

const nextFanOut = statement<[], FanOutRow>(
  'fan_out.next',
  `select company_id, position, event_id, version, after_subscription_id from fan_outs limit 1`,
)

/** Subscriptions as they were at a version, in the order of their ids, after a cursor. */
const readVersionsAfter = statement<
  [companyId: string, version: number, afterSubscriptionId: string, limit: number],
  VersionRow
>(
  'fan_out.read_versions',
  `select distinct on (subscription_id) ${versionColumns}
     from event_subscription_versions
    where company_id = $1 and version <= $2 and subscription_id > $3
    order by subscription_id, version desc
    limit $4`,
)

/** What is routed already is in the trail, whatever became of its payload since: what cannot be sent has a visible end. */
const readTrail = statement<[companyId: string, position: number], { event_name: string }>(
  'fan_out.read_trail',
  `select event_name from event_audit_trail where company_id = $1 and position = $2`,
)

const moveFanOut = command<[companyId: string, position: number, afterSubscriptionId: string]>(
  'fan_out.move',
  `update fan_outs set after_subscription_id = $3 where company_id = $1 and position = $2`,
)

const endFanOut = command<[companyId: string, position: number]>(
  'fan_out.end',
  `delete from fan_outs where company_id = $1 and position = $2`,
)

export interface FanOutOptions {
  readonly recent: RecentEvents
  readonly sets: SubscriptionSets
  readonly deliverables: Deliverables
  /** The dispatcher of this process; absent where only the router runs. */
  readonly handOver?: HandOver
  /** An event that is owed to more is continued in slices of so many subscriptions. */
  readonly deliveriesPerSlice?: number
  /** What a batch of more than one event may come to. */
  readonly deliveriesPerBatch?: number
}

export function createFanOut(options: FanOutOptions): FanOut {
  const { recent, sets, deliverables, handOver, deliveriesPerSlice = 4_000, deliveriesPerBatch = 20_000 } = options

  return {
    async deliver(db, events, versions) {
      const owed: Owed[] = []
      const inOrder: OwedInOrder[] = []
      const unfinished: Unfinished[] = []
      for (const event of events) {
        const version = versions.get(event.companyId) ?? 0
        const all = (await sets.get(db, event.companyId, version)).owed(toRoutable(event))
        const free = all.some(isOrdered) ? all.filter((one) => !isOrdered(one)) : all
        if (free !== all) {
          sortIn(event, all.filter(isOrdered), owed, inOrder)
        }
        const fits = free.slice(0, deliveriesPerSlice)
        for (const subscription of fits) owed.push({ event, subscription })
        const last = fits.at(-1)
        if (last && fits.length < free.length) unfinished.push({ event, version, afterSubscriptionId: last.id })
        if (events.length > 1 && owed.length + inOrder.length > deliveriesPerBatch) throw new BatchTooLarge()
      }
      if (unfinished.length > 0) await noteFanOuts(db, ...shape.values(unfinished))
      return await writeBatch(db, { owed, inOrder }, deliverables, handOver)
    },

    async isUnfinished(db) {
      return (await nextFanOut(db)).length > 0
    },

    async deliverSlice(db) {
      const [row] = await nextFanOut(db)
      if (!row) return undefined
      const { company_id: companyId, position } = row
      const [traced] = await readTrail(db, companyId, position)
      const logged = await readLogged(db, recent, companyId, [row.event_id])
      const versions = await readVersionsAfter(
        db,
        companyId,
        row.version,
        row.after_subscription_id,
        deliveriesPerSlice,
      )
      await failpoint('fan_out.slice')
      const last = versions.at(-1)
      if (versions.length < deliveriesPerSlice || !last) await endFanOut(db, companyId, position)
      else await moveFanOut(db, companyId, position, last.subscription_id)
      const event = logged.get(row.event_id)
      // What cannot be asked is owed: a delivery without its payload ends visibly.
      const asked = event ? toRoutable(event) : { eventName: traced?.event_name ?? '' }
      const due = versions
        .map(toSubscription)
        .filter((one) => !isOrdered(one)) // theirs were written with the batch
        .filter((one) => decideRouting(one, asked).isOwed)
      const routed = { companyId, id: row.event_id, position }
      await insertDeliveries(
        db,
        due.map(({ id }) => toDelivery(routed, id)),
      )
      return {
        committed: () => handOver?.wake(due),
        rolledBack: () => {},
      }
    },
  }
}

function isOrdered({ ordering }: Subscription): boolean {
  return ordering !== 'none'
}

/** An event that is in no order, because it is about no entity, is owed as it is to any other subscription. */
function sortIn(
  event: RoutedEvent,
  subscriptions: readonly Subscription[],
  owed: Owed[],
  inOrder: OwedInOrder[],
): void {
  for (const subscription of subscriptions) {
    const orderKey = orderKeyOf(subscription, event)
    if (orderKey === undefined) owed.push({ event, subscription })
    else inOrder.push({ subscription, delivery: { ...toDelivery(event, subscription.id), orderKey } })
  }
}
