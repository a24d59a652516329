import { randomUUID } from 'node:crypto'
import { rowShape } from '../db/rows.ts'
import { command, statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { RoutedEvent } from '../events/event.ts'
import type { FanOut, FanOutResult } from '../events/router.ts'
import { failpoint } from '../lib/failpoint.ts'
import { deliveryId } from '../lib/ids.ts'
import type { HandOver, Handed } from './hand-over.ts'
import { reserveDirect } from './hand-over.ts'
import type { NewDelivery } from './insert-deliveries.ts'
import { insertDeliveries } from './insert-deliveries.ts'
import { OutgoingEvent } from './outgoing-event.ts'
import type { DeliverableSubscription, SubscriptionSets, VersionRow } from './subscription-set.ts'
import { isOwed, toSubscription } from './subscription-set.ts'

/**
 * Who is owed an event.
 *
 * A batch of events becomes at most `deliveriesPerRound` deliveries in the router's transaction. What is more is noted as
 * a row of fan_outs (event, version of the subscriptions, cursor over their ids) in the same transaction, and continued
 * in slices, over the subscriptions as they were at that version. A kill between two slices changes nothing: the cursor
 * moves in the transaction that writes the slice.
 *
 * Where a subscription has no backlog and free slots, its deliveries are written already leased and handed to the
 * dispatcher of this process after the commit; all others are written due now and claimed from the database.
 */
interface Owed {
  readonly event: RoutedEvent
  readonly subscription: DeliverableSubscription
}

interface Unfinished {
  readonly event: RoutedEvent
  readonly version: number
  readonly afterSubscriptionId: string
}

const ZERO_ID = '00000000-0000-0000-0000-000000000000'

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
  `select distinct on (subscription_id)
          company_id, version, subscription_id, webhook_url, event_names, status, concurrency, timeout_ms
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
  readonly sets: SubscriptionSets
  /** The dispatcher of this process; absent where only the router runs. */
  readonly handOver?: HandOver
  readonly deliveriesPerRound?: number
}

export function createFanOut(options: FanOutOptions): FanOut {
  const { sets, handOver, deliveriesPerRound = 4_000 } = options

  return {
    async deliver(db, events, versions) {
      const owed: Owed[] = []
      const unfinished: Unfinished[] = []
      for (const event of events) {
        const version = versions.get(event.companyId) ?? 0
        const subscriptions = (await sets.get(db, event.companyId, version)).owed(event.eventName)
        const fits = subscriptions.slice(0, deliveriesPerRound - owed.length)
        for (const subscription of fits) owed.push({ event, subscription })
        if (fits.length < subscriptions.length) {
          unfinished.push({ event, version, afterSubscriptionId: fits.at(-1)?.id ?? ZERO_ID })
        }
      }
      if (unfinished.length > 0) await noteFanOuts(db, ...shape.values(unfinished))
      return await write(db, owed, handOver)
    },

    async isUnfinished(db) {
      return (await nextFanOut(db)).length > 0
    },

    async deliverSlice(db) {
      const [row] = await nextFanOut(db)
      if (!row) return undefined
      const { company_id: companyId, position } = row
      const [event] = await readTrail(db, companyId, position)
      const versions = await readVersionsAfter(
        db,
        companyId,
        row.version,
        row.after_subscription_id,
        deliveriesPerRound,
      )
      await failpoint('fan_out.slice')
      const last = versions.at(-1)
      if (versions.length < deliveriesPerRound || !last) await endFanOut(db, companyId, position)
      else await moveFanOut(db, companyId, position, last.subscription_id)
      const eventName = event?.event_name ?? ''
      const due = versions.map(toSubscription).filter((one) => isOwed(one, eventName))
      const routed = { companyId, id: row.event_id, position }
      await insertDeliveries(
        db,
        due.map((subscription) => toDelivery({ event: routed, subscription })),
      )
      return {
        committed: () => handOver?.wake(due),
        rolledBack: () => {},
      }
    },
  }
}

const nothing: FanOutResult = { committed: () => {}, rolledBack: () => {} }

/** Writes the deliveries of one batch, leased where the dispatcher beside the router can take them at once. */
async function write(db: Db, owed: readonly Owed[], handOver: HandOver | undefined): Promise<FanOutResult> {
  if (owed.length === 0) return nothing
  const direct = handOver ? await reserveDirect(db, handOver, countBySubscription(owed)) : undefined
  const token = randomUUID()
  const handed: Handed[] = []
  const outgoing = new Map<RoutedEvent, OutgoingEvent>()
  const queued = new Map<string, DeliverableSubscription>()
  const deliveries = owed.map(({ event, subscription }): NewDelivery => {
    const delivery = toDelivery({ event, subscription })
    const leaseMs = direct?.takeSlot(subscription)
    if (leaseMs === undefined) {
      queued.set(subscription.id, subscription)
      return delivery
    }
    let sent = outgoing.get(event)
    if (!sent) outgoing.set(event, (sent = new OutgoingEvent(event.companyId, event.id, event.position, event)))
    handed.push({ id: delivery.id, event: sent, subscription, leaseToken: token, attemptNo: 1, firstAttemptNo: 1 })
    return { ...delivery, lease: { token, ms: leaseMs } }
  })
  try {
    await insertDeliveries(db, deliveries)
  } catch (error) {
    direct?.release()
    throw error
  }
  return {
    committed: () => {
      handOver?.accept(handed)
      handOver?.wake([...queued.values()])
    },
    rolledBack: () => direct?.release(),
  }
}

function countBySubscription(owed: readonly Owed[]): Map<DeliverableSubscription, number> {
  const counts = new Map<DeliverableSubscription, number>()
  for (const { subscription } of owed) counts.set(subscription, (counts.get(subscription) ?? 0) + 1)
  return counts
}

function toDelivery({
  event,
  subscription,
}: {
  event: Pick<RoutedEvent, 'companyId' | 'id' | 'position'>
  subscription: { id: string }
}): NewDelivery {
  return {
    id: deliveryId(subscription.id, event.id),
    companyId: event.companyId,
    subscriptionId: subscription.id,
    eventId: event.id,
    position: event.position,
  }
}
