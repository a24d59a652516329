import type { Leadership } from '../db/leadership.ts'
import { NotLeader } from '../db/leadership.ts'
import { loggableError } from '../db/loggable-error.ts'
import type { DbPool } from '../db/pools.ts'
import { rowShape } from '../db/rows.ts'
import { command, statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import { inTransaction, isAboutData } from '../db/transaction.ts'
import type { Clock } from '../lib/clock.ts'
import { systemClock } from '../lib/clock.ts'
import { failpoint } from '../lib/failpoint.ts'
import type { EntityRef, RoutedEvent } from './event.ts'
import type { OutboxRow, TrailRow } from './number-events.ts'
import { numberEvents, toSetAside } from './number-events.ts'
import type { RecentEvents } from './recent-events.ts'
import type { SetAside } from './set-aside.ts'
import { setAside } from './set-aside.ts'

/**
 * The router gives accepted events their positions and decides who is owed them.
 *
 * One leader at a time. Each round is one transaction: take what the outbox shows, in the order of its numbers; take as
 * many positions from each company's head; write the audit trail and the entity index; let the fan-out write deliveries;
 * delete the outbox rows; commit. A publish that commits late is simply taken later, so positions have no gaps and a
 * reader that follows them skips nothing. A crash anywhere before the commit leaves the outbox as it was.
 *
 * An event that cannot be routed is set aside. That it is gone or altered is seen when it is read; when the database
 * refuses what is written for a batch, batches are halved until the guilty row is alone.
 *
 * Where the fan-out needs what somebody else holds and does not let go (a process that froze, say), the companies concerned
 * are left out for a second, and the others routed. Each company's own rows stay in their order.
 *
 * Locks: the lease row, then the heads of the companies in the batch, then what the fan-out locks. Administrative changes
 * lock a head first as well, so each of them lies between two positions, and an event that was published after a
 * subscription was acknowledged meets it: the head, with the version of the subscriptions, is read after the outbox.
 */
export interface FanOut {
  /** Writes the deliveries of freshly routed events, in the router's transaction. */
  deliver(db: Db, events: readonly RoutedEvent[], versions: ReadonlyMap<string, number>): Promise<FanOutResult>
  /** Whether an earlier fan-out was too much for one transaction and waits to be continued. */
  isUnfinished(db: Db): Promise<boolean>
  /** Goes on with one slice of it. */
  deliverSlice(db: Db): Promise<FanOutResult | undefined>
}

/** Thrown by a fan-out that has too much to write in one transaction for a batch of several events; it is halved. */
export class BatchTooLarge extends Error {}

/** Thrown by a fan-out that cannot write for these companies now, because somebody else holds what it needs. */
export class CompaniesBusy extends Error {
  readonly companyIds: ReadonlySet<string>

  constructor(companyIds: ReadonlySet<string>) {
    super(`Somebody else holds what ${companyIds.size} companies need to be routed`)
    this.companyIds = companyIds
  }
}

/** What the fan-out does once it is known how the transaction ended; exactly one of the two is called. */
export interface FanOutResult {
  committed(): void
  rolledBack(): void
}

const readOutbox = statement<[limit: number], OutboxRow>(
  'outbox.read',
  `select company_id, seq, event_id from event_outbox order by seq limit $1`,
)

/** Passes over the rows of companies that are left out, one by one: as many as they publish while somebody holds them up. */
const readOutboxOfOthers = statement<[limit: number, leftOut: readonly string[]], OutboxRow>(
  'outbox.read_of_others',
  `select company_id, seq, event_id from event_outbox where company_id <> all($2::uuid[]) order by seq limit $1`,
)

const trailShape = rowShape<TrailRow>({
  company_id: ['uuid', ({ event }) => event.companyId],
  seq: ['bigint', ({ seq }) => seq],
  position: ['bigint', ({ event }) => event.position],
  event_id: ['uuid', ({ event }) => event.id],
  event_name: ['text', ({ event }) => event.eventName],
  entity_type: ['text', ({ event }) => event.entity?.type],
  entity_id: ['text', ({ event }) => event.entity?.id],
  actor_type: ['text', ({ event }) => event.actor?.type],
  actor_id: ['text', ({ event }) => event.actor?.id],
  source: ['text', ({ event }) => event.source],
  correlation_id: ['text', ({ event }) => event.correlationId],
  recorded_at: ['timestamptz', ({ event }) => event.recordedAt],
  digest: ['bytea', ({ event }) => event.digest],
})

/** Answers with the number of outbox rows deleted: all of the batch, or another router was here. */
const writeTrail = command<readonly unknown[]>(
  'trail.write',
  `with input as materialized (
     select * from ${trailShape.from()}
   ), trail as (
     insert into event_audit_trail (
       company_id, position, event_id, event_name, entity_type, entity_id, actor_type, actor_id, source, correlation_id,
       recorded_at, digest)
     select company_id, position, event_id, event_name, entity_type, entity_id, actor_type, actor_id, source,
            correlation_id, recorded_at, digest
       from input
   )
   delete from event_outbox
    where seq = any(array(select seq from input)) and company_id = any(array(select distinct company_id from input))`,
)

interface EntityRow {
  readonly event: RoutedEvent
  readonly entity: EntityRef
  readonly isRelated: boolean
}

const entityShape = rowShape<EntityRow>({
  company_id: ['uuid', ({ event }) => event.companyId],
  entity_type: ['text', ({ entity }) => entity.type],
  entity_id: ['text', ({ entity }) => entity.id],
  position: ['bigint', ({ event }) => event.position],
  event_id: ['uuid', ({ event }) => event.id],
  is_related: ['boolean', ({ isRelated }) => isRelated],
})

const writeEntities = command<readonly unknown[]>(
  'entity.write',
  `insert into event_entities (company_id, entity_type, entity_id, position, event_id, is_related)
   select company_id, entity_type, entity_id, position, event_id, is_related from ${entityShape.from()}`,
)

export interface RouterOptions {
  readonly pool: DbPool
  readonly leadership: Leadership
  readonly recent: RecentEvents
  readonly fanOut: FanOut
  /** Told of events that were set aside, after the commit. */
  readonly onSetAside?: (rows: readonly SetAside[]) => void
  /** Told that events have positions now, after the commit. */
  readonly onRouted?: () => void
  /** Told of companies that are left out for now. */
  readonly onLeftOut?: (companyIds: ReadonlySet<string>) => void
  readonly eventsPerRound?: number
  readonly clock?: Pick<Clock, 'elapsed'>
  /** Rest when the outbox is empty; a publish in this process wakes the router before. */
  readonly idleMs?: number
}

/**
 * So many that the statements cost little per event, and so few that most deliveries of a usual batch find a free slot and are
 * handed over: what is routed in larger pieces has to be claimed, and read again.
 */
const EVENTS_PER_ROUND = 200

const LEFT_OUT_MS = 1_000

const untold = { onSetAside: () => {}, onRouted: () => {}, onLeftOut: () => {} }

export class Router {
  readonly #options: Required<RouterOptions>
  /** Until when companies are left out. */
  readonly #leftOut = new Map<string, number>()
  /** How many rows are taken next: fewer while a guilty one is looked for or after one that was too large; more after each success. */
  #batchMax: number
  /** The last batch was a full one, so there are more rows most likely. */
  #hasMore = false
  /** By what it grows after a success: slowly after one that was too large, for the next may be as large. */
  #growth = 2

  constructor(options: RouterOptions) {
    this.#options = { eventsPerRound: EVENTS_PER_ROUND, idleMs: 25, ...untold, clock: systemClock, ...options }
    this.#batchMax = this.#options.eventsPerRound
  }

  /** One transaction of routing. Answers with the milliseconds to rest before the next. */
  async round(): Promise<number> {
    const { leadership } = this.#options
    try {
      if (!(await leadership.hold())) return 500
      const restMs = await this.#routeNext()
      const sliced = await this.#continueFanOut()
      return sliced ? 0 : restMs
    } catch (error) {
      if (error instanceof NotLeader) return 500
      throw error
    }
  }

  /** Routes what the outbox shows. Answers with the milliseconds to rest. */
  async #routeNext(): Promise<number> {
    const { pool, eventsPerRound, idleMs } = this.#options
    // Looked at outside the transaction: an idle router costs one read, and a busy one none.
    if (!this.#hasMore && (await this.#readOutbox(pool, 1)).length === 0) return idleMs
    this.#hasMore = false
    const batchMax = this.#batchMax
    let rows: readonly OutboxRow[] = []
    try {
      await this.#routeBatch(batchMax, (taken) => (rows = taken))
    } catch (error) {
      if (error instanceof CompaniesBusy) {
        this.#leaveOut(error.companyIds)
        return 0
      }
      const [first, second] = rows
      if (!first || !(isAboutData(error) || error instanceof BatchTooLarge)) throw error
      this.#growth = error instanceof BatchTooLarge ? 1.25 : 2
      if (second) this.#batchMax = Math.ceil(rows.length / 2)
      else await this.#setAsideAlone(first, error)
      return 0
    }
    this.#batchMax = Math.min(eventsPerRound, Math.ceil(batchMax * this.#growth))
    if (this.#batchMax === eventsPerRound) this.#growth = 2
    this.#hasMore = rows.length === batchMax
    return this.#hasMore ? 0 : 1
  }

  async #routeBatch(batchMax: number, onTaken: (rows: readonly OutboxRow[]) => void): Promise<void> {
    const { leadership, recent, fanOut, onSetAside, onRouted } = this.#options
    let aside: readonly SetAside[] = []
    await this.#inLeadersTransaction(async (db) => {
      await leadership.confirm(db)
      const rows = await this.#readOutbox(db, batchMax)
      onTaken(rows)
      const batch = await numberEvents(db, recent, rows)
      aside = batch.aside
      await setAside(db, aside)
      const deleted = await writeTrail(db, ...trailShape.values(batch.trail))
      if (deleted !== batch.trail.length) throw new Error('The outbox changed under the router')
      const events = batch.trail.map(({ event }) => event)
      const entities = events.flatMap(toEntityRows)
      if (entities.length > 0) await writeEntities(db, ...entityShape.values(entities))
      return await fanOut.deliver(db, events, batch.versions)
    })
    if (aside.length > 0) onSetAside(aside)
    onRouted()
  }

  async #readOutbox(db: Db, limit: number): Promise<readonly OutboxRow[]> {
    const nowMs = this.#options.clock.elapsed()
    for (const [companyId, untilMs] of this.#leftOut) if (untilMs <= nowMs) this.#leftOut.delete(companyId)
    if (this.#leftOut.size === 0) return await readOutbox(db, limit)
    return await readOutboxOfOthers(db, limit, [...this.#leftOut.keys()])
  }

  #leaveOut(companyIds: ReadonlySet<string>): void {
    const untilMs = this.#options.clock.elapsed() + LEFT_OUT_MS
    for (const companyId of companyIds) this.#leftOut.set(companyId, untilMs)
    this.#options.onLeftOut(companyIds)
  }

  async #setAsideAlone(row: OutboxRow, error: unknown): Promise<void> {
    const { name, code, message } = loggableError(error)
    const aside = toSetAside(row, 'not_routable', `${code ?? name}: ${message}`)
    await this.#inLeadersTransaction(async (db) => {
      await this.#options.leadership.confirm(db)
      await setAside(db, [aside])
      return undefined
    })
    this.#options.onSetAside([aside])
  }

  async #continueFanOut(): Promise<boolean> {
    const { pool, leadership, fanOut } = this.#options
    if (!(await fanOut.isUnfinished(pool))) return false
    let sliced = false
    await this.#inLeadersTransaction(async (db) => {
      await leadership.confirm(db)
      const result = await fanOut.deliverSlice(db)
      sliced = result !== undefined
      return result
    })
    return sliced
  }

  async #inLeadersTransaction(work: (db: Db) => Promise<FanOutResult | undefined>): Promise<void> {
    let open: FanOutResult | undefined
    try {
      await inTransaction(this.#options.pool, async (db) => {
        open?.rolledBack() // a transaction that is tried again begins anew
        open = undefined
        open = await work(db)
        await failpoint('route.before_commit')
      })
      await failpoint('route.after_commit')
      open?.committed()
    } catch (error) {
      open?.rolledBack()
      throw error
    }
  }
}

function toEntityRows(event: RoutedEvent): EntityRow[] {
  const related = event.related.map((entity): EntityRow => ({ event, entity, isRelated: true }))
  return event.entity ? [{ event, entity: event.entity, isRelated: false }, ...related] : related
}
