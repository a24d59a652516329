import type { Leadership } from '../db/leadership.ts'
import { NotLeader } from '../db/leadership.ts'
import type { DbPool } from '../db/pools.ts'
import { rowShape } from '../db/rows.ts'
import { command, statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import { inTransaction } from '../db/transaction.ts'
import { failpoint } from '../lib/failpoint.ts'
import type { EntityRef, RoutedEvent } from './event.ts'
import { readLogged } from './read-logged.ts'
import type { RecentEvents } from './recent-events.ts'

/**
 * The router gives accepted events their positions and decides who is owed them.
 *
 * One leader at a time. Each round is one transaction: take what the outbox shows, in the order of its numbers; take as
 * many positions from each company's head; write the audit trail and the entity index; let the fan-out write deliveries;
 * delete the outbox rows; commit. A publish that commits late is simply taken later, so positions have no gaps and a
 * reader that follows them skips nothing. A crash anywhere before the commit leaves the outbox as it was.
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

/** What the fan-out does once it is known how the transaction ended; exactly one of the two is called. */
export interface FanOutResult {
  committed(): void
  rolledBack(): void
}

interface OutboxRow {
  company_id: string
  seq: number
  event_id: string
}

const readOutbox = statement<[limit: number], OutboxRow>(
  'outbox.read',
  `select company_id, seq, event_id from event_outbox order by seq limit $1`,
)

const takePositions = statement<
  [companyIds: readonly string[], counts: readonly number[]],
  { company_id: string; last_position: number; subscription_version: number }
>(
  'head.take_positions',
  `update company_heads h
      set last_position = h.last_position + ($2::bigint[])[array_position($1::uuid[], h.company_id)]
    where h.company_id = any($1::uuid[])
   returning h.company_id, h.last_position, h.subscription_version`,
)

interface TrailRow {
  readonly event: RoutedEvent
  readonly seq: number
}

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
  readonly eventsPerRound?: number
  /** Rest when the outbox is empty; a publish in this process wakes the router before. */
  readonly idleMs?: number
}

export class Router {
  readonly #options: Required<RouterOptions>

  constructor(options: RouterOptions) {
    this.#options = { eventsPerRound: 1_000, idleMs: 25, ...options }
  }

  /** One transaction of routing. Answers with the milliseconds to rest before the next. */
  async round(): Promise<number> {
    const { leadership, eventsPerRound, idleMs } = this.#options
    try {
      if (!(await leadership.hold())) return 500
      const routed = await this.#routeBatch()
      const sliced = await this.#continueFanOut()
      return routed === eventsPerRound || sliced ? 0 : routed > 0 ? 1 : idleMs
    } catch (error) {
      if (error instanceof NotLeader) return 500
      throw error
    }
  }

  /** Routes what the outbox shows. Answers with the number of events. */
  async #routeBatch(): Promise<number> {
    const { pool, leadership, recent, fanOut, eventsPerRound } = this.#options
    // Looked at outside the transaction: an idle router costs one read.
    if ((await readOutbox(pool, 1)).length === 0) return 0
    return await this.#inLeadersTransaction(async (db) => {
      await leadership.confirm(db)
      const rows = await readOutbox(db, eventsPerRound)
      if (rows.length === 0) return { count: 0, fanOut: undefined }
      const { trail, versions } = await number(db, recent, rows)
      const deleted = await writeTrail(db, ...trailShape.values(trail))
      if (deleted !== rows.length) throw new Error('The outbox changed under the router')
      const events = trail.map(({ event }) => event)
      const entities = events.flatMap(toEntityRows)
      if (entities.length > 0) await writeEntities(db, ...entityShape.values(entities))
      return { count: rows.length, fanOut: await fanOut.deliver(db, events, versions) }
    })
  }

  async #continueFanOut(): Promise<boolean> {
    const { pool, leadership, fanOut } = this.#options
    if (!(await fanOut.isUnfinished(pool))) return false
    const count = await this.#inLeadersTransaction(async (db) => {
      await leadership.confirm(db)
      const result = await fanOut.deliverSlice(db)
      return { count: result ? 1 : 0, fanOut: result }
    })
    return count > 0
  }

  async #inLeadersTransaction(
    work: (db: Db) => Promise<{ count: number; fanOut: FanOutResult | undefined }>,
  ): Promise<number> {
    let open: FanOutResult | undefined
    try {
      const count = await inTransaction(this.#options.pool, async (db) => {
        open?.rolledBack() // a transaction that is tried again begins anew
        open = undefined
        const done = await work(db)
        open = done.fanOut
        await failpoint('route.before_commit')
        return done.count
      })
      await failpoint('route.after_commit')
      open?.committed()
      return count
    } catch (error) {
      open?.rolledBack()
      throw error
    }
  }
}

/** Takes positions for the outbox rows, in their order, and reads the events. */
async function number(
  db: Db,
  recent: RecentEvents,
  rows: readonly OutboxRow[],
): Promise<{ trail: readonly TrailRow[]; versions: ReadonlyMap<string, number> }> {
  const byCompany = Map.groupBy(rows, (row) => row.company_id)
  const counts = [...byCompany.values()].map((own) => own.length)
  const next = new Map<string, number>()
  const versions = new Map<string, number>()
  for (const head of await takePositions(db, [...byCompany.keys()], counts)) {
    next.set(head.company_id, head.last_position - (byCompany.get(head.company_id)?.length ?? 0) + 1)
    versions.set(head.company_id, head.subscription_version)
  }
  const logged = new Map<string, Awaited<ReturnType<typeof readLogged>>>()
  for (const [companyId, own] of byCompany) {
    logged.set(
      companyId,
      await readLogged(
        db,
        recent,
        companyId,
        own.map((row) => row.event_id),
      ),
    )
  }
  const trail = rows.map((row): TrailRow => {
    const event = logged.get(row.company_id)?.get(row.event_id)
    const position = next.get(row.company_id)
    if (!event || position === undefined) throw new Error(`Outbox row ${row.seq} has no event or no company head`)
    next.set(row.company_id, position + 1)
    return { event: { ...event, position }, seq: row.seq }
  })
  return { trail, versions }
}

function toEntityRows(event: RoutedEvent): EntityRow[] {
  const related = event.related.map((entity): EntityRow => ({ event, entity, isRelated: true }))
  return event.entity ? [{ event, entity: event.entity, isRelated: false }, ...related] : related
}
