import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { TrailRow } from './event-view.ts'

/**
 * Pages of the audit trail in the order of positions, each read by one index that leads to the wanted rows in that very
 * order. So a page costs about its own rows, whatever the length of the log; what an index cannot tell is asked of the
 * rows it leads to. Which index is not left to the planner: statistics know neither that a name is rare in this company
 * nor where in the log the rows of an actor lie.
 */
type TrailPath = 'all' | 'names' | 'correlation' | 'actor' | 'entity'

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
}

type Parameters = [
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
  rows: number,
]

const columns = `t.position, t.event_id, t.event_name, t.entity_type, t.entity_id, t.actor_type, t.actor_id, t.source,
       t.correlation_id, t.recorded_at, t.digest`

const inRange = `t.company_id = $1 and t.position > $2 and t.position < $3
        and t.recorded_at >= $4 and t.recorded_at < $5`
const hasName = `($6::text[] is null or t.event_name = any($6))`
const hasCorrelation = `($7::text is null or t.correlation_id = $7)`
const hasActor = `($8::text is null or (t.actor_type = $8 and t.actor_id = $9))`
// A comparison with a subquery is made row by row; `exists` may be answered by reading all events of the entity first.
const hasEntity = `($10::text is null or (
         select not e.is_related or $12
           from event_entities e
          where e.company_id = $1 and e.entity_type = $10 and e.entity_id = $11 and e.position = t.position))`

/** Each of them has all conditions. What stands in the path's own words is what its index is read by. */
const texts: Readonly<Record<TrailPath, (order: Direction) => string>> = {
  all: (order) =>
    `select ${columns}
       from event_audit_trail t
      where ${inRange} and ${hasName} and ${hasCorrelation} and ${hasActor} and ${hasEntity}
      order by t.position ${order}
      limit $13`,

  correlation: (order) =>
    `select ${columns}
       from event_audit_trail t
      where ${inRange} and ${hasName} and t.correlation_id = $7 and ${hasActor} and ${hasEntity}
      order by t.position ${order}
      limit $13`,

  actor: (order) =>
    `select ${columns}
       from event_audit_trail t
      where ${inRange} and ${hasName} and ${hasCorrelation} and t.actor_type = $8 and t.actor_id = $9 and ${hasEntity}
      order by t.position ${order}
      limit $13`,

  // A page of each name, merged: a name that has three events among millions is found as fast as any.
  names: (order) =>
    `select ${columns}
       from unnest($6::text[]) as n(event_name)
      cross join lateral (
        select ${columns}
          from event_audit_trail t
         where ${inRange} and t.event_name = n.event_name and ${hasCorrelation} and ${hasActor} and ${hasEntity}
         order by t.position ${order}
         limit $13
      ) t
      order by t.position ${order}
      limit $13`,

  // `limit 1` says that a position has one row, and keeps the planner from reading the whole trail beside the index.
  entity: (order) =>
    `select ${columns}
       from event_entities e
      cross join lateral (
        select ${columns}
          from event_audit_trail t
         where ${inRange} and t.position = e.position and ${hasName} and ${hasCorrelation} and ${hasActor}
         limit 1
      ) t
      where e.company_id = $1 and e.entity_type = $10 and e.entity_id = $11 and e.position > $2 and e.position < $3
        and (not e.is_related or $12)
      order by e.position ${order}
      limit $13`,
}

const byPath = (path: TrailPath) => ({
  asc: statement<Parameters, TrailRow>(`trail.page_by_${path}_asc`, texts[path]('asc')),
  desc: statement<Parameters, TrailRow>(`trail.page_by_${path}_desc`, texts[path]('desc')),
})

const statements = {
  all: byPath('all'),
  names: byPath('names'),
  correlation: byPath('correlation'),
  actor: byPath('actor'),
  entity: byPath('entity'),
}

/** The first rows that fulfil all conditions. */
export async function readTrailPage(
  db: Db,
  companyId: string,
  order: Direction,
  conditions: TrailConditions,
  rows: number,
): Promise<readonly TrailRow[]> {
  const { after, before, from, to, names, correlationId, actor, entity, includeRelated } = conditions
  return await statements[pathFor(conditions)][order](
    db,
    companyId,
    after,
    before,
    from ?? '-infinity',
    to ?? 'infinity',
    names,
    correlationId,
    actor?.type ?? null,
    actor?.id ?? null,
    entity?.type ?? null,
    entity?.id ?? null,
    includeRelated,
    rows,
  )
}

/** By what is shared by the fewest events, as a rule: one chain of causes, one thing, one person, some names. */
function pathFor({ correlationId, entity, actor, names }: TrailConditions): TrailPath {
  if (correlationId !== null) return 'correlation'
  if (entity) return 'entity'
  if (actor) return 'actor'
  return names ? 'names' : 'all'
}
