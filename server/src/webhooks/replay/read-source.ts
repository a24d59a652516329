import { statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import type { TrailRow } from '../../events/event-view.ts'
import type { TrailConditions } from '../../events/trail-pages.ts'
import { readTrailPage } from '../../events/trail-pages.ts'
import type { ReplaySource } from './replay-parameters.ts'

/** The next positions of the events about some entities, each position once: some of each entity, merged. */
const findPositions = statement<
  [
    companyId: string,
    types: readonly string[],
    ids: readonly string[],
    after: number,
    before: number,
    includeRelated: boolean,
    limit: number,
  ],
  { position: number }
>(
  'replay.find_positions',
  `select distinct e.position
     from unnest($2::text[], $3::text[]) as w(type, id)
    cross join lateral (
      select position
        from event_entities
       where company_id = $1 and entity_type = w.type and entity_id = w.id and position > $4 and position < $5
         and ($6 or not is_related)
       order by position
       limit $7
    ) e
    order by e.position
    limit $7`,
)

/** Where several names are merged, or several entities, so many rows of each are read for a page. */
const MERGED_MAX = 20_000
const PAGE_MIN = 50

export interface SourcePage {
  /** In the order of positions. */
  readonly rows: readonly TrailRow[]
  /** The position behind which the next page begins; null when there is none. */
  readonly reached: number | null
}

const atTheEnd: SourcePage = { rows: [], reached: null }

/**
 * The next events of a source behind a position, payload conditions apart: `limit` at most, perhaps fewer though more follow.
 * It costs about its own rows, wherever it begins.
 */
export async function readSourcePage(
  db: Db,
  companyId: string,
  source: ReplaySource,
  after: number,
  limit: number,
): Promise<SourcePage> {
  const { from, to, event_names: names, entities, correlation_id: correlationId } = source
  const conditions: TrailConditions = {
    after,
    before: source.to_position + 1,
    from: from === undefined ? undefined : new Date(from),
    to: to === undefined ? undefined : new Date(to),
    names: names ?? null,
    correlationId: correlationId ?? null,
    actor: null,
    entity: null,
    includeRelated: false,
    related: null,
    source: null,
    positions: null,
  }
  if (names?.length === 0 || after >= source.to_position) return atTheEnd
  if (!entities) {
    const isMerged = names !== undefined && correlationId === undefined
    return await readPage(db, companyId, conditions, isMerged ? pageOf(limit, names.length) : limit)
  }
  const rows = pageOf(limit, entities.length)
  const positions = await findPositions(
    db,
    companyId,
    entities.map(({ type }) => type),
    entities.map(({ id }) => id),
    after,
    conditions.before,
    source.include_related ?? false,
    rows,
  )
  const last = positions.at(-1)?.position
  if (last === undefined) return atTheEnd
  const own = { ...conditions, before: last + 1, positions: positions.map(({ position }) => position) }
  const page = await readPage(db, companyId, own, rows)
  return page.reached === null && positions.length === rows ? { ...page, reached: last } : page
}

function pageOf(limit: number, merged: number): number {
  return Math.min(limit, Math.max(PAGE_MIN, Math.floor(MERGED_MAX / merged)))
}

async function readPage(db: Db, companyId: string, conditions: TrailConditions, limit: number): Promise<SourcePage> {
  const { rows, scannedTo } = await readTrailPage(db, companyId, 'asc', conditions, limit)
  const isFull = rows.length === limit
  return { rows, reached: isFull ? (rows.at(-1)?.position ?? null) : (scannedTo ?? null) }
}
