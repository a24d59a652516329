import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import { conditionsOf } from './event-conditions.ts'
import type { EventFilter } from './event-conditions.ts'
import type { TrailConditions, TrailParameters, TrailPath } from './trail-pages.ts'
import { parametersOf, pathFor, scannedRows } from './trail-pages.ts'

/** The values that events of a filter have, with how many have each, the most frequent first; 50 of each kind at most. */
export interface EventFacets {
  /** Events that fulfil the filter, among those that were looked at. */
  readonly considered: number
  /** False when there are older ones that were not looked at. */
  readonly is_complete: boolean
  /** The range of positions of the events that were considered; null when there is none. */
  readonly from_position: number | null
  readonly to_position: number | null
  readonly event_names: Count[]
  readonly entity_types: Count[]
  readonly actors: ActorCount[]
  readonly sources: Count[]
}

interface Count {
  /** Null: events without one. */
  readonly value: string | null
  readonly count: number
}

interface ActorCount {
  readonly type: string | null
  readonly id: string | null
  readonly count: number
}

interface Row {
  /** Which columns a row is not about, as bits: name, entity type, actor type, actor id, source. */
  readonly kind: number
  readonly event_name: string | null
  readonly entity_type: string | null
  readonly actor_type: string | null
  readonly actor_id: string | null
  readonly source: string | null
  readonly count: number
  /** With those that do not fit; so are the positions below. */
  readonly scanned: number
  readonly from_position: number | null
  readonly to_position: number | null
}

/** What `grouping` gives for a column alone. */
const kinds = { event_name: 0b01111, entity_type: 0b10111, actor: 0b11001, source: 0b11110, all: 0b11111 } as const

const VALUES_MAX = 50

/** Counted together once, and then by each column: the rows are grouped a single time. */
const countBy = (path: TrailPath) =>
  statement<TrailParameters, Row>(
    `trail.facets_by_${path}`,
    `with event_group as (
       select t.event_name, t.entity_type, t.actor_type, t.actor_id, t.source, count(*) filter (where t.fits) as fitting,
              count(*) as scanned, min(t.position) filter (where t.fits) as first,
              max(t.position) filter (where t.fits) as last
         from (
           ${scannedRows(path, 'desc')}
         ) t
        group by t.event_name, t.entity_type, t.actor_type, t.actor_id, t.source
     )
     select *
       from (
         select v.*, row_number() over (partition by v.kind order by v.count desc) as place
           from (
             select grouping(g.event_name, g.entity_type, g.actor_type, g.actor_id, g.source) as kind, g.event_name,
                    g.entity_type, g.actor_type, g.actor_id, g.source, sum(g.fitting)::bigint as count,
                    sum(g.scanned)::bigint as scanned, min(g.first) as from_position, max(g.last) as to_position
               from event_group g
              group by grouping sets ((g.event_name), (g.entity_type), (g.actor_type, g.actor_id), (g.source), ())
           ) v
       ) v
      where v.place <= ${VALUES_MAX}
      order by v.kind, v.place`,
  )

const statements: Readonly<Record<TrailPath, ReturnType<typeof countBy>>> = {
  all: countBy('all'),
  names: countBy('names'),
  correlation: countBy('correlation'),
  actor: countBy('actor'),
  entity: countBy('entity'),
  related: countBy('related'),
  positions: countBy('positions'),
}

/**
 * Rows that are looked at, the newest first. Where the index of entities leads to them each costs one look into an index
 * more, and of several names so many are read of each.
 */
function scannedMaxOf(path: TrailPath): number {
  if (path === 'entity' || path === 'related') return 1_000
  return path === 'names' ? 5_000 : 20_000
}

export async function countFacets(db: Db, companyId: string, filter: EventFilter): Promise<EventFacets> {
  const conditions = await conditionsOf(db, companyId, filter)
  if (!conditions) return toFacets([], 1)
  const path = facetPathFor(conditions)
  const scannedMax = scannedMaxOf(path)
  return toFacets(await statements[path](db, ...parametersOf(companyId, conditions, scannedMax)), scannedMax)
}

/** Many names are most of what there is: then they are looked for among all. */
function facetPathFor(conditions: TrailConditions): TrailPath {
  const path = pathFor(conditions)
  return path === 'names' && (conditions.names?.length ?? 0) > 4 ? 'all' : path
}

function toFacets(rows: readonly Row[], scannedMax: number): EventFacets {
  const whole = rows.find(({ kind }) => kind === kinds.all)
  const counted = rows.filter(({ count }) => count > 0)
  const countsOf = (column: 'event_name' | 'entity_type' | 'source') =>
    counted.filter(({ kind }) => kind === kinds[column]).map(({ [column]: value, count }) => ({ value, count }))
  return {
    considered: whole?.count ?? 0,
    is_complete: (whole?.scanned ?? 0) < scannedMax,
    from_position: whole?.from_position ?? null,
    to_position: whole?.to_position ?? null,
    event_names: countsOf('event_name'),
    entity_types: countsOf('entity_type'),
    actors: counted
      .filter(({ kind }) => kind === kinds.actor)
      .map(({ actor_type: type, actor_id: id, count }) => ({ type, id, count })),
    sources: countsOf('source'),
  }
}
