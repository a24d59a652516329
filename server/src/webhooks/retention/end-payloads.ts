import { rowShape } from '../../db/rows.ts'
import { command, statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import { endOfDaysMs, payloadDaysOf } from '../../events/retention/retention-rules.ts'
import type { Retention } from '../../events/retention/retention-rules.ts'
import { findStillNeeded } from './still-needed.ts'

/**
 * Ends payloads one by one: the row of event_logs goes, the row of the trail stays, and readers say that the payload has
 * expired.
 *
 * Each name goes along the trail from where it stood (retention_progress), in the order of positions, up to the first event
 * whose time is not over. What is still needed is noted in retention_waiting and looked at again later, so one subscription
 * that is never enabled again keeps its own events and no others. Rows and progress are in one transaction; one that is run again finds rows
 * that are gone, and does nothing.
 */
export interface EventOfTrail {
  readonly position: number
  readonly event_id: string
  readonly event_name: string
  readonly recorded_at: Date
}

const readNext = statement<[companyId: string, eventName: string, limit: number], EventOfTrail>(
  'retention.read_next',
  `select position, event_id, event_name, recorded_at
     from event_audit_trail
    where company_id = $1 and event_name = $2
      and position > coalesce((
        select p.position from retention_progress p where p.company_id = $1 and p.event_name = $2), 0)
    order by position
    limit $3`,
)

const ending = rowShape<{ readonly eventName: string; readonly beforeMs: number }>({
  event_name: ['text', ({ eventName }) => eventName],
  before: ['timestamptz', ({ beforeMs }) => new Date(beforeMs).toISOString()],
})

const findNames = statement<[companyId: string, ...rows: unknown[]], { event_name: string }>(
  'retention.find_names',
  `select x.event_name
     from ${ending.from(2)}
    cross join lateral (
      select t.recorded_at
        from event_audit_trail t
       where t.company_id = $1 and t.event_name = x.event_name
         and t.position > coalesce((
           select p.position from retention_progress p where p.company_id = $1 and p.event_name = x.event_name), 0)
       order by t.position
       limit 1
    ) t
    where t.recorded_at < x.before`,
)

const NAMES_AT_ONCE = 1_000

/** Those of the names whose next event is over. */
export async function findNamesToEnd(
  db: Db,
  companyId: string,
  names: readonly { readonly eventName: string; readonly beforeMs: number }[],
): Promise<readonly string[]> {
  const found: string[] = []
  for (let from = 0; from < names.length; from += NAMES_AT_ONCE) {
    const some = names.slice(from, from + NAMES_AT_ONCE)
    found.push(...(await findNames(db, companyId, ...ending.values(some))).map((row) => row.event_name))
  }
  return found
}

const readSizes = statement<[companyId: string, eventIds: readonly string[]], { id: string; bytes: number }>(
  'retention.read_sizes',
  `select id, pg_column_size(payload) as bytes from event_logs where company_id = $1 and id = any($2::uuid[])`,
)

/** A delete of stored payloads writes about as much as it frees. */
export const BATCH_BYTES = 32 * 1024 * 1024

const moveProgress = command<[companyId: string, eventName: string, position: number]>(
  'retention.move_progress',
  `insert into retention_progress (company_id, event_name, position) values ($1, $2, $3)
       on conflict (company_id, event_name) do update set position = excluded.position`,
)

const deletePayloads = command<[companyId: string, eventIds: readonly string[]]>(
  'retention.delete_payloads',
  `delete from event_logs where company_id = $1 and id = any($2::uuid[])`,
)

const shape = rowShape<EventOfTrail>({
  position: ['bigint', ({ position }) => position],
  event_id: ['uuid', ({ event_id }) => event_id],
  event_name: ['text', ({ event_name }) => event_name],
  recorded_at: ['timestamptz', ({ recorded_at }) => recorded_at.toISOString()],
})

const addWaiting = command<[companyId: string, ...rows: unknown[]]>(
  'retention.add_waiting',
  `insert into retention_waiting (company_id, position, event_id, event_name, recorded_at)
   select $1, x.position, x.event_id, x.event_name, x.recorded_at from ${shape.from(2)}
       on conflict do nothing`,
)

const readWaiting = statement<[companyId: string, after: number, limit: number], EventOfTrail>(
  'retention.read_waiting',
  `select position, event_id, event_name, recorded_at
     from retention_waiting
    where company_id = $1 and position > $2
    order by position
    limit $3`,
)

const endWaiting = command<[companyId: string, positions: readonly number[]]>(
  'retention.end_waiting',
  `delete from retention_waiting where company_id = $1 and position = any($2::bigint[])`,
)

export interface EndedBatch {
  /** Rows that are gone. */
  readonly ended: number
  /** Where the next batch begins; undefined when nothing is left to look at now. */
  readonly next: number | undefined
}

/** Ends the next payloads of a name, `limit` at most. The caller keeps the company's decision from being changed. */
export async function endPayloadsOfName(
  db: Db,
  companyId: string,
  eventName: string,
  terms: { readonly retention: Retention; readonly nowMs: number; readonly limit: number },
): Promise<EndedBatch> {
  const rows = await readNext(db, companyId, eventName, terms.limit)
  const allOver = rows.slice(
    0,
    countWhile(rows, (row) => isOver(terms, row)),
  )
  const over = await takeBytes(db, companyId, allOver)
  const last = over.at(-1)
  if (!last) return { ended: 0, next: undefined }
  const needed = await findStillNeeded(
    db,
    companyId,
    over.map(({ event_id }) => event_id),
  )
  const waiting = over.filter(({ event_id }) => needed.has(event_id))
  if (waiting.length > 0) await addWaiting(db, companyId, ...shape.values(waiting))
  const free = over.filter(({ event_id }) => !needed.has(event_id))
  const ended = await deletePayloads(
    db,
    companyId,
    free.map(({ event_id }) => event_id),
  )
  await moveProgress(db, companyId, eventName, last.position)
  return { ended, next: allOver.length === terms.limit || over.length < allOver.length ? last.position : undefined }
}

/** Ends those that waited, behind a position, and wait no more. */
export async function endPayloadsThatWaited(
  db: Db,
  companyId: string,
  after: number,
  terms: { readonly retention: Retention; readonly nowMs: number; readonly limit: number },
): Promise<EndedBatch> {
  const rows = await readWaiting(db, companyId, after, terms.limit)
  const allOver = rows.filter((row) => isOver(terms, row)) // the company may keep them longer by now
  const over = await takeBytes(db, companyId, allOver)
  const ids = over.map(({ event_id }) => event_id)
  const needed = await findStillNeeded(db, companyId, ids)
  const free = over.filter(({ event_id }) => !needed.has(event_id))
  const ended = await deletePayloads(
    db,
    companyId,
    free.map(({ event_id }) => event_id),
  )
  await endWaiting(
    db,
    companyId,
    free.map(({ position }) => position),
  )
  if (over.length < allOver.length) return { ended, next: over.at(-1)?.position }
  return { ended, next: rows.length === terms.limit ? rows.at(-1)?.position : undefined }
}

/** The first of the events, as many as one batch may have by the bytes of their payloads; at least one. */
async function takeBytes(db: Db, companyId: string, events: readonly EventOfTrail[]): Promise<readonly EventOfTrail[]> {
  if (events.length === 0) return events
  const ids = events.map(({ event_id }) => event_id)
  const sizes = new Map((await readSizes(db, companyId, ids)).map(({ id, bytes }) => [id, bytes]))
  return events.slice(
    0,
    countWithin(
      events.map(({ event_id }) => sizes.get(event_id) ?? 0),
      BATCH_BYTES,
    ),
  )
}

/** How many of the sizes, from the first on, are not more than `max` together; at least one. */
export function countWithin(sizes: readonly number[], max: number): number {
  let sum = 0
  const first = sizes.findIndex((size) => (sum += size) > max)
  return first === -1 ? sizes.length : Math.max(1, first)
}

function isOver(
  { retention, nowMs }: { readonly retention: Retention; readonly nowMs: number },
  { event_name, recorded_at }: EventOfTrail,
): boolean {
  const days = payloadDaysOf(retention, event_name)
  return days !== null && recorded_at.getTime() < endOfDaysMs(days, nowMs)
}

function countWhile<Item>(items: readonly Item[], holds: (item: Item) => boolean): number {
  const first = items.findIndex((item) => !holds(item))
  return first === -1 ? items.length : first
}
