import { statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import type { TrailRow } from '../event-view.ts'
import { trailColumns } from '../trail-pages.ts'
import type { Direction } from '../trail-pages.ts'

/** Entries of the index that are looked at for one identity; those that only name it as related count too. */
const ENTRIES_MAX = 2_500

/**
 * Positions and ids of events about some entities of one type, in order: those that name one as related are read over.
 * `$3` are the ids of the entities, `$4` and `$5` positions, both excluded, `$6` is how many.
 */
export const ownEntries = (order: Direction): string =>
  `select e.position, e.event_id
           from unnest($3::text[]) as w(id)
          cross join lateral (
            select e.position, e.event_id
              from (
                select e.position, e.event_id, e.is_related
                  from event_entities e
                 where e.company_id = $1 and e.entity_type = $2 and e.entity_id = w.id and e.position > $4
                   and e.position < $5
                 order by e.position ${order}
                 limit ${ENTRIES_MAX}
              ) e
             where not e.is_related
             order by e.position ${order}
             limit $6
          ) e
          order by e.position ${order}
          limit $6`

/**
 * The newest position from which on all entries of all these entities were looked at by {@link ownEntries} in descending
 * order; 0 where none was left out.
 */
export const readLookedTo = statement<
  [companyId: string, type: string, ids: readonly string[], after: number, before: number, limit: number],
  { readonly position: number }
>(
  'timeline.looked_to',
  `select coalesce(max(looked.position), 0) as position
     from unnest($3::text[]) as w(id)
    cross join lateral (
      select min(e.position) as position
        from (
          select e.position, e.is_related
            from event_entities e
           where e.company_id = $1 and e.entity_type = $2 and e.entity_id = w.id and e.position > $4 and e.position < $5
           order by e.position desc
           limit ${ENTRIES_MAX}
        ) e
      having count(*) = ${ENTRIES_MAX} and count(*) filter (where not e.is_related) < $6
    ) looked`,
)

const listBy = (order: Direction) =>
  statement<
    [companyId: string, type: string, ids: readonly string[], after: number, before: number, limit: number],
    TrailRow
  >(
    `timeline.own_events_${order}`,
    `select t.*
       from (
         ${ownEntries(order)}
       ) e
      cross join lateral (
        select ${trailColumns}
          from event_audit_trail t
         where t.company_id = $1 and t.position = e.position
         limit 1
      ) t
      order by t.position ${order}`,
  )

const statements = { asc: listBy('asc'), desc: listBy('desc') }

export interface OwnEventsRequest {
  readonly type: string
  readonly ids: readonly string[]
  /** Positions, both excluded. */
  readonly after: number
  readonly before: number
  readonly order: Direction
  readonly limit: number
}

/** Events about one of these entities, not those that only name one. */
export async function listOwnEvents(
  db: Db,
  companyId: string,
  request: OwnEventsRequest,
): Promise<readonly TrailRow[]> {
  const { type, ids, after, before, order, limit } = request
  return await statements[order](db, companyId, type, ids, after, before, limit)
}
