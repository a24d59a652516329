import { statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import type { TrailRow } from '../event-view.ts'
import { trailColumns } from '../trail-pages.ts'
import type { Direction } from '../trail-pages.ts'

/** How an event belongs to the story, the closest way first. */
export const relations = ['entity', 'merged', 'related', 'correlation'] as const

export type Relation = (typeof relations)[number]

export interface StoryRow extends TrailRow {
  /** Index into {@link relations}. */
  readonly rank: number
}

/** Rows of each identity and each correlation, merged; an event that belongs in several ways is there once. */
const listBy = (order: Direction) =>
  statement<
    [
      companyId: string,
      type: string,
      ids: readonly string[],
      after: number,
      before: number,
      correlationIds: readonly string[],
      rows: number,
    ],
    StoryRow
  >(
    `timeline.story_rows_${order}`,
    `select t.*, m.rank
       from (
         select u.position, min(u.rank) as rank
           from (
             select e.position, case when e.is_related then 2 when w.n = 1 then 0 else 1 end as rank
               from unnest($3::text[]) with ordinality as w(id, n)
              cross join lateral (
                select e.position, e.is_related
                  from event_entities e
                 where e.company_id = $1 and e.entity_type = $2 and e.entity_id = w.id and e.position > $4
                   and e.position < $5
                 order by e.position ${order}
                 limit $7
              ) e
              union all
             select t.position, 3
               from unnest($6::text[]) as c(id)
              cross join lateral (
                select t.position
                  from event_audit_trail t
                 where t.company_id = $1 and t.correlation_id = c.id and t.position > $4 and t.position < $5
                 order by t.position ${order}
                 limit $7
              ) t
           ) u
          group by u.position
          order by u.position ${order}
          limit $7
       ) m
      cross join lateral (
        select ${trailColumns}
          from event_audit_trail t
         where t.company_id = $1 and t.position = m.position
         limit 1
      ) t
      order by t.position ${order}`,
  )

const statements = { asc: listBy('asc'), desc: listBy('desc') }

export interface StoryRequest {
  readonly type: string
  /** The first is the entity itself. */
  readonly ids: readonly string[]
  readonly correlationIds: readonly string[]
  /** Positions, both excluded. */
  readonly after: number
  readonly before: number
  readonly order: Direction
  readonly limit: number
}

export async function listStoryRows(db: Db, companyId: string, request: StoryRequest): Promise<readonly StoryRow[]> {
  const { type, ids, correlationIds, after, before, order, limit } = request
  return await statements[order](db, companyId, type, ids, after, before, correlationIds, limit)
}
