import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { TrailRow } from './event-view.ts'

/**
 * Pages of the audit trail in the order of positions, each read by one index that leads to the wanted rows in that very
 * order. So a page costs about its own rows, whatever the length of the log; what an index cannot tell is asked of the
 * rows it leads to, of a bounded number of them. Which index is not left to the planner: statistics know neither that a
 * name is rare in this company nor where in the log the rows of an actor lie.
 */
export type TrailPath = 'all' | 'names' | 'correlation' | 'actor' | 'entity' | 'related' | 'positions'

export type Direction = 'asc' | 'desc'

/** The conditions of a page; null is no condition. */
export interface TrailConditions {
  /** Positions, both ends excluded. */
  readonly after: number
  readonly before: number
  /** The time of recording: `from` included, `to` not. */
  readonly from: Date | undefined
  readonly to: Date | undefined
  readonly names: readonly string[] | null
  readonly correlationId: string | null
  readonly actor: { readonly type: string; readonly id: string } | null
  readonly entity: { readonly type: string; readonly id: string } | null
  /** Also the events that only name the entity as related. */
  readonly includeRelated: boolean
  /** Named as related. */
  readonly related: { readonly type: string; readonly id: string } | null
  readonly source: string | null
  /** No others than these; 10,000 at most. */
  readonly positions: readonly number[] | null
}

export type TrailParameters = [
  companyId: string,
  after: number,
  before: number,
  from: Date | '-infinity',
  to: Date | 'infinity',
  names: readonly string[] | null,
  correlationId: string | null,
  actorType: string | null,
  actorId: string | null,
  entityType: string | null,
  entityId: string | null,
  includeRelated: boolean,
  relatedType: string | null,
  relatedId: string | null,
  source: string | null,
  positions: readonly number[] | null,
  scannedMax: number,
]

const restOfColumns = `t.event_id, t.event_name, t.entity_type, t.entity_id, t.actor_type, t.actor_id, t.source,
                t.correlation_id, t.recorded_at, t.digest`

export const trailColumns = `t.position, ${restOfColumns}`

// As a case, so that no plan goes by the index of the time and sorts: positions are nearly in its order, and bound it.
const inTime = `case when t.recorded_at >= $4 and t.recorded_at < $5 then true else false end`

const inRange = `t.company_id = $1 and t.position > $2 and t.position < $3 and ${inTime}`

// A comparison with a subquery is made row by row; `exists` may be answered by reading all events of the entity first.
const fits = `($6::text[] is null or t.event_name = any($6))
          and ($7::text is null or t.correlation_id = $7)
          and ($8::text is null or (t.actor_type = $8 and t.actor_id = $9))
          and ($10::text is null or (
            select not e.is_related or $12
              from event_entities e
             where e.company_id = $1 and e.entity_type = $10 and e.entity_id = $11 and e.position = t.position))
          and ($13::text is null or (
            select e.is_related
              from event_entities e
             where e.company_id = $1 and e.entity_type = $13 and e.entity_id = $14 and e.position = t.position))
          and ($15::text is null or t.source = $15)
          and ($16::bigint[] is null or t.position = any($16))`

type Texts = (order: Direction) => string

const along =
  (condition: string): Texts =>
  (order) =>
    `select ${trailColumns}
           from event_audit_trail t
          where ${inRange} and ${condition}
          order by t.position ${order}
          limit $17`

// `limit 1` says that a position has one row, and keeps the planner from reading the whole trail beside the index.
const alongEntity =
  (type: string, id: string): Texts =>
  (order) =>
    `select e.position, ${restOfColumns}
           from event_entities e
          cross join lateral (
            select ${trailColumns}
              from event_audit_trail t
             where t.company_id = $1 and t.position = e.position
             limit 1
          ) t
          where e.company_id = $1 and e.entity_type = ${type} and e.entity_id = ${id} and e.position > $2
            and e.position < $3 and ${inTime}
          order by e.position ${order}
          limit $17`

/** The rows that an index leads to, in order. */
const paths: Readonly<Record<TrailPath, Texts>> = {
  all: along('true'),
  correlation: along('t.correlation_id = $7'),
  actor: along('t.actor_type = $8 and t.actor_id = $9'),
  positions: along('t.position = any($16)'),
  entity: alongEntity('$10', '$11'),
  related: alongEntity('$13', '$14'),

  // Some of each name, merged: a name that has three events among millions is found as fast as any.
  names: (order) =>
    `select t.*
           from unnest($6::text[]) as n(event_name)
          cross join lateral (
            select ${trailColumns}
              from event_audit_trail t
             where ${inRange} and t.event_name = n.event_name
             order by t.position ${order}
             limit $17
          ) t
          order by t.position ${order}
          limit $17`,
}

/** The rows that a path leads to, `$17` at most, each with whether it fulfils all conditions. */
export const scannedRows = (path: TrailPath, order: Direction): string =>
  `select t.*, row_number() over (order by t.position ${order}) as scanned, coalesce(${fits}, false) as fits
         from (
           ${paths[path](order)}
         ) t`

/** The last row that may be looked at is always given, whether it fits or not. */
const pageText = (path: TrailPath, order: Direction) =>
  `select t.*
     from (
       ${scannedRows(path, order)}
     ) t
    where t.fits or t.scanned = $17
    order by t.position ${order}
    limit $18`

interface ScannedRow extends TrailRow {
  /** 1 for the first row that was looked at. */
  readonly scanned: number
  readonly fits: boolean
}

const byPath = (path: TrailPath) => ({
  asc: statement<[...TrailParameters, rows: number], ScannedRow>(`trail.page_by_${path}_asc`, pageText(path, 'asc')),
  desc: statement<[...TrailParameters, rows: number], ScannedRow>(`trail.page_by_${path}_desc`, pageText(path, 'desc')),
})

const statements = {
  all: byPath('all'),
  names: byPath('names'),
  correlation: byPath('correlation'),
  actor: byPath('actor'),
  entity: byPath('entity'),
  related: byPath('related'),
  positions: byPath('positions'),
}

export interface TrailPage {
  /** The first that fulfil all conditions, in order. */
  readonly rows: readonly TrailRow[]
  /** The position up to which rows were looked at, when that was as many as may be; undefined when no limit was met. */
  readonly scannedTo: number | undefined
  /** How many that are. */
  readonly scanned: number
}

/**
 * Rows that one statement looks at, so that it takes some 20 ms: each costs one look into an index more where the index of
 * entities leads to it, and where the rows of several names are merged so many are read of each.
 */
const scannedMaxBy: Readonly<Record<TrailPath, number>> = {
  all: 10_000,
  correlation: 10_000,
  actor: 10_000,
  positions: 10_000,
  entity: 2_500,
  related: 2_500,
  names: 1_000,
}

export async function readTrailPage(
  db: Db,
  companyId: string,
  order: Direction,
  conditions: TrailConditions,
  limit: number,
): Promise<TrailPage> {
  const path = pathFor(conditions)
  const hasOthers = conditions.source !== null || conditions.positions !== null
  const scannedMax = path === 'names' && !hasOthers ? limit : scannedMaxBy[path]
  const rows = await statements[path][order](db, ...parametersOf(companyId, conditions, scannedMax), limit)
  const last = rows.at(-1)
  return {
    rows: rows.filter((row) => row.fits),
    scannedTo: last?.scanned === scannedMax ? last.position : undefined,
    scanned: last?.scanned ?? 0,
  }
}

/** Of {@link scannedRows}. */
export function parametersOf(companyId: string, conditions: TrailConditions, scannedMax: number): TrailParameters {
  const { from, to, actor, entity, related } = conditions
  return [
    companyId,
    conditions.after,
    conditions.before,
    from ?? '-infinity',
    to ?? 'infinity',
    conditions.names,
    conditions.correlationId,
    actor?.type ?? null,
    actor?.id ?? null,
    entity?.type ?? null,
    entity?.id ?? null,
    conditions.includeRelated,
    related?.type ?? null,
    related?.id ?? null,
    conditions.source,
    conditions.positions,
    scannedMax,
  ]
}

/** By what is shared by the fewest events, as a rule: one chain of causes, one thing, one person, some names. */
export function pathFor({ correlationId, entity, related, actor, names, positions }: TrailConditions): TrailPath {
  if (correlationId !== null) return 'correlation'
  if (entity) return 'entity'
  if (related) return 'related'
  if (positions) return 'positions'
  if (actor) return 'actor'
  return names ? 'names' : 'all'
}
