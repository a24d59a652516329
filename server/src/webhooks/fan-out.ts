import { rowShape } from '../db/rows.ts'
import type { Db } from '../db/statement.ts'
import { command, statement } from '../db/statement.ts'
import type { RoutedEvent } from '../events/event.ts'
import { readLogged } from '../events/read-logged.ts'
import type { RecentEvents } from '../events/recent-events.ts'
import type { FanOut } from '../events/router.ts'
import { BatchTooLarge } from '../events/router.ts'
import type { Clock } from '../lib/clock.ts'
import { failpoint } from '../lib/failpoint.ts'
import { BEFORE_ALL_IDS } from '../lib/ids.ts'
import type { Deliverables } from './deliverables.ts'
import type { HandOver } from './hand-over.ts'
import { insertDeliveries, toDelivery } from './insert-deliveries.ts'
import { JUDGING_MAX_MS, JudgingTime } from './judging-time.ts'
import { isOrdered, orderKeyOf } from './order-key.ts'
import type { RoutableEvent } from './routing-decision.ts'
import { decideRouting, KnownFilters, toRoutable } from './routing-decision.ts'
import type { RoutingLookup, Subscription, SubscriptionSets, VersionRow } from './subscription-set.ts'
import { toSubscription, versionColumns } from './subscription-set.ts'
import type { Owed, OwedInOrder } from './write-batch.ts'
import { writeBatch } from './write-batch.ts'

/**
 * Who is owed an event.
 *
 * The deliveries of a batch of events are written in the router's transaction; a batch that comes to too many, or whose
 * filters take too long, is halved. One event that is owed to more than a slice of subscriptions gets the first slice
 * there and a row of fan_outs (event, version of the subscriptions, cursor over their ids), and is continued slice by
 * slice, over the subscriptions as they were at that version; one that takes too long to judge gets all of its slices
 * later. A slice ends with its time. A kill between two slices changes nothing: the cursor moves in the transaction that
 * writes the slice. Slices of companies take turns.
 *
 * Where a subscription has no backlog and free slots, its deliveries are written already leased and handed to the
 * dispatcher of this process after the commit; all others are written due now and claimed from the database.
 *
 * Deliveries of an ordered subscription (docs/adr/0013) are written with their batch, however many there are, and never
 * in a slice: a slice comes after younger events. Where their filters take longer than a second time, those that were not
 * asked by then are owed the event.
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

const nextFanOut = statement<[afterCompanyId: string], FanOutRow>(
  'fan_out.next',
  `select company_id, position, event_id, version, after_subscription_id
     from fan_outs
    where company_id > $1
    order by company_id, position
    limit 1`,
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
  readonly clock: Pick<Clock, 'elapsed'>
  readonly recent: RecentEvents
  readonly sets: SubscriptionSets
  readonly deliverables: Deliverables
  /** The dispatcher of this process; absent where only the router runs. */
  readonly handOver?: HandOver
  /** An event that is owed to more is continued in slices of so many subscriptions. */
  readonly deliveriesPerSlice?: number
  /** What a batch of more than one event may come to. */
  readonly deliveriesPerBatch?: number
  /** How long filters are asked in one transaction, ms. */
  readonly judgingMaxMs?: number
}

export function createFanOut(options: FanOutOptions): FanOut {
  const { recent, sets, deliverables, handOver, clock, judgingMaxMs = JUDGING_MAX_MS } = options
  const { deliveriesPerSlice = 4_000, deliveriesPerBatch = 20_000 } = options
  /** The company whose slice was written last. */
  let servedCompanyId = BEFORE_ALL_IDS
  /** How many subscriptions are read for a slice: fewer where there was no time for all. */
  let rowsPerSlice = deliveriesPerSlice

  const judgingTime = (): JudgingTime => new JudgingTime(clock, judgingMaxMs)

  const findNext = async (db: Db): Promise<FanOutRow | undefined> => {
    const [next] = await nextFanOut(db, servedCompanyId)
    if (next || servedCompanyId === BEFORE_ALL_IDS) return next
    const [first] = await nextFanOut(db, BEFORE_ALL_IDS)
    return first
  }

  return {
    async deliver(db, events, versions) {
      const lookups = new Map<string, RoutingLookup>()
      for (const companyId of new Set(events.map((event) => event.companyId))) {
        lookups.set(companyId, (await sets.get(db, companyId, versions.get(companyId) ?? 0)).index)
      }
      const owed: Owed[] = []
      const inOrder: OwedInOrder[] = []
      const unfinished: Unfinished[] = []
      const time = judgingTime()
      for (const event of events) {
        const version = versions.get(event.companyId) ?? 0
        const lookup = lookups.get(event.companyId)
        const asked = toRoutable(event)
        const isLate = events.length > 1 && time.isUp()
        let all = isLate ? undefined : lookup?.owed(asked, time)
        if (!all && events.length > 1) throw new BatchTooLarge()
        if (!all) {
          all = lookup?.owedInOrder(asked, judgingTime()) ?? []
          unfinished.push({ event, version, afterSubscriptionId: BEFORE_ALL_IDS })
        }
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
      return (await nextFanOut(db, BEFORE_ALL_IDS)).length > 0
    },

    async deliverSlice(db) {
      const row = await findNext(db)
      if (!row) return undefined
      const { company_id: companyId, position } = row
      servedCompanyId = companyId
      const [traced] = await readTrail(db, companyId, position)
      const logged = await readLogged(db, recent, companyId, [row.event_id])
      const limit = rowsPerSlice
      const versions = await readVersionsAfter(db, companyId, row.version, row.after_subscription_id, limit)
      await failpoint('fan_out.slice')
      const event = logged.get(row.event_id)
      // What cannot be asked is owed: a delivery without its payload ends visibly.
      const asked = event ? toRoutable(event) : { eventName: traced?.event_name ?? '' }
      const { due, judged } = judgeSlice(versions, asked, judgingTime())
      const isCut = judged < versions.length
      rowsPerSlice = Math.min(deliveriesPerSlice, isCut ? 2 * judged : 2 * limit)
      const last = versions[judged - 1]
      if (!last || (!isCut && versions.length < limit)) await endFanOut(db, companyId, position)
      else await moveFanOut(db, companyId, position, last.subscription_id)
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

/** Who is owed the event of the first `judged` versions, which are all there was time for, and one at least. */
function judgeSlice(
  versions: readonly VersionRow[],
  event: RoutableEvent,
  time: JudgingTime,
): { readonly due: readonly Subscription[]; readonly judged: number } {
  const due: Subscription[] = []
  const filters = new KnownFilters()
  for (const [index, row] of versions.entries()) {
    const subscription = toSubscription(row)
    if (isOrdered(subscription)) continue // theirs were written with the batch
    if (decideRouting(subscription, event, filters).isOwed) due.push(subscription)
    if (time.isUpAfterFilter()) return { due, judged: index + 1 }
  }
  return { due, judged: versions.length }
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
