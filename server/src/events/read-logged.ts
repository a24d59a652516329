import type { DbPool } from '../db/pools.ts'
import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import { isAboutData } from '../db/transaction.ts'
import { eventDigest } from '../lib/digest.ts'
import type { EntityRef, LoggedEvent } from './event.ts'
import { headerOf } from './event.ts'
import type { RecentEvents } from './recent-events.ts'

/** A row of event_logs as routing and delivery read it. */
export interface LoggedRow {
  company_id: string
  id: string
  event_name: string
  entity_type: string | null
  entity_id: string | null
  related: EntityRef[] | null
  actor_type: string | null
  actor_id: string | null
  actor_name: string | null
  source: string | null
  correlation_id: string | null
  causation_id: string | null
  occurred_at: Date
  recorded_at: Date
  payload: string
  payload_salt: Buffer
  digest: Buffer
  trace_parent: string | null
}

const readEvents = statement<[companyId: string, ids: readonly string[]], LoggedRow>(
  'event.read_logged',
  `select company_id, id, event_name, entity_type, entity_id, related, actor_type, actor_id, actor_name, source,
          correlation_id, causation_id, occurred_at, recorded_at, payload, payload_salt, digest,
          trace_parent
     from event_logs
    where company_id = $1 and id = any($2::uuid[])`,
)

/** Why an event cannot be used. Stable words: they are stored and shown. */
export type Missing = 'payload_gone' | 'payload_altered' | 'payload_unreadable'

/** What the words mean, for people. */
export const missingDetails: Readonly<Record<Missing, string>> = {
  payload_gone: 'The payload is no longer stored',
  payload_unreadable: 'The database cannot read what is stored',
  payload_altered: 'What is stored is not what was accepted: it does not match its digest',
}

/** Events of one company. */
export interface LoggedEvents {
  get(id: string): LoggedEvent | undefined
  /** Why {@link get} has none. */
  whyMissing(id: string): Missing
}

/**
 * The events of one company by id, from memory where possible. What is read from the log is compared with its digest, so
 * nothing that was changed in the database, by a hand or by a disk, is ever routed or sent.
 */
export async function readLogged(
  db: Db,
  recent: RecentEvents,
  companyId: string,
  ids: Iterable<string>,
): Promise<LoggedEvents> {
  return await collect(recent, companyId, ids, async (unread) => ({
    rows: await readEvents(db, companyId, unread),
    unreadable: [],
  }))
}

/** Like {@link readLogged}, for a pool: one that the database cannot read does not keep the others from being read. */
export async function readLoggedEach(
  pool: DbPool,
  recent: RecentEvents,
  companyId: string,
  ids: Iterable<string>,
): Promise<LoggedEvents> {
  return await collect(recent, companyId, ids, async (unread) => await readEach(pool, companyId, unread))
}

interface RowsRead {
  readonly rows: readonly LoggedRow[]
  readonly unreadable: readonly string[]
}

async function collect(
  recent: RecentEvents,
  companyId: string,
  ids: Iterable<string>,
  read: (ids: readonly string[]) => Promise<RowsRead>,
): Promise<LoggedEvents> {
  const found = new Map<string, LoggedEvent>()
  const missing = new Map<string, Missing>()
  const unread: string[] = []
  for (const id of new Set(ids)) {
    const event = recent.get(companyId, id)
    if (event) found.set(id, event)
    else unread.push(id)
  }
  const { rows, unreadable } = unread.length > 0 ? await read(unread) : { rows: [], unreadable: [] }
  for (const id of unreadable) missing.set(id, 'payload_unreadable')
  for (const row of rows) {
    const event = toIntactEvent(row)
    if (event) found.set(row.id, event)
    else missing.set(row.id, 'payload_altered')
  }
  return {
    get: (id) => found.get(id),
    whyMissing: (id) => missing.get(id) ?? 'payload_gone',
  }
}

/** Halves what cannot be read, because of a damaged page, until the guilty row is alone. */
async function readEach(db: DbPool, companyId: string, ids: readonly string[]): Promise<RowsRead> {
  try {
    return { rows: await readEvents(db, companyId, ids), unreadable: [] }
  } catch (error) {
    if (!isAboutData(error)) throw error
    if (ids.length === 1) return { rows: [], unreadable: ids }
    const middle = Math.ceil(ids.length / 2)
    const first = await readEach(db, companyId, ids.slice(0, middle))
    const second = await readEach(db, companyId, ids.slice(middle))
    return { rows: [...first.rows, ...second.rows], unreadable: [...first.unreadable, ...second.unreadable] }
  }
}

/** Undefined when the row is not what was accepted. */
function toIntactEvent(row: LoggedRow): LoggedEvent | undefined {
  try {
    const event = toLoggedEvent(row)
    return eventDigest(headerOf(event), row.payload_salt, row.payload).equals(row.digest) ? event : undefined
  } catch {
    return undefined // a value that no event can have, such as an infinite time
  }
}

export function toLoggedEvent(row: LoggedRow): LoggedEvent {
  return {
    companyId: row.company_id,
    id: row.id,
    eventName: row.event_name,
    entity: row.entity_type === null ? undefined : { type: row.entity_type, id: row.entity_id ?? '' },
    related: row.related?.map(({ type, id }) => ({ type, id })) ?? [], // jsonb has an order of members of its own
    actor:
      row.actor_type === null
        ? undefined
        : { type: row.actor_type, id: row.actor_id ?? '', name: row.actor_name ?? undefined },
    source: row.source ?? undefined,
    correlationId: row.correlation_id ?? undefined,
    causationId: row.causation_id ?? undefined,
    occurredAt: row.occurred_at.toISOString(),
    recordedAt: row.recorded_at.toISOString(),
    payload: row.payload,
    digest: row.digest,
    traceParent: row.trace_parent ?? undefined,
  }
}
