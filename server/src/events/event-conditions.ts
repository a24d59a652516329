import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { TimeRange } from '../lib/time-range.ts'
import type { EntityRef } from './event.ts'
import { expandEventNames } from './expand-event-names.ts'
import type { TrailConditions } from './trail-pages.ts'

/** Which events are wanted: those that fulfil everything that is given. */
export interface EventFilter extends TimeRange {
  /** Names, prefixes such as `appointment.*`, or `*` for every business event; an event of any of them. */
  readonly event_names?: readonly string[] | undefined
  /** Events about it. */
  readonly entity?: EntityRef | undefined
  /** With `entity`: also the events that name it as related. */
  readonly include_related?: boolean | undefined
  /** Events that name it as related. */
  readonly related?: EntityRef | undefined
  readonly actor?: { readonly type: string; readonly id: string } | undefined
  readonly source?: string | undefined
  readonly correlation_id?: string | undefined
}

/** What the trail is asked for; undefined when no event can fulfil the filter. */
export async function conditionsOf(
  db: Db,
  companyId: string,
  filter: EventFilter,
  positions: readonly number[] | null = null,
): Promise<TrailConditions | undefined> {
  const { from, to, entity, related, actor, source, correlation_id: correlationId } = filter
  // Text of the database holds no U+0000, and it refuses to compare with one.
  const texts = [entity?.type, entity?.id, related?.type, related?.id, actor?.type, actor?.id, source, correlationId]
  if (texts.some((text) => text?.includes('\0'))) return undefined
  const names = filter.event_names && (await expandEventNames(db, companyId, filter.event_names))
  if (names?.length === 0 || positions?.length === 0) return undefined
  return {
    ...(await positionsOf(db, companyId, filter)),
    from,
    to,
    names: names ?? null,
    correlationId: correlationId ?? null,
    actor: actor ?? null,
    entity: entity ?? null,
    includeRelated: filter.include_related ?? false,
    related: related ?? null,
    source: source ?? null,
    positions,
  }
}

/**
 * Positions nearly follow the times of recording. The time is taken when an event is accepted, the position when its
 * transaction has committed: so an event can have a smaller position than one recorded before it, but not than one
 * recorded this much before it. A publish takes seconds, and the clocks of nodes differ by less than minutes.
 */
const DISORDER_MS_MAX = 10 * 60_000

/** So many events may have been recorded by a clock that was far off, and still none is missing in a list. */
const STRAYS_MAX = 100

/** A position after which all events recorded from `$2` on lie: null when too few events are older to tell. */
const readPositionBelow = statement<
  [companyId: string, recordedBefore: Date, strays: number],
  { position: number | null }
>(
  'trail.position_below',
  `select case when count(*) = $3 then min(position) end as position
     from (
       select position
         from event_audit_trail
        where company_id = $1 and recorded_at < $2
        order by recorded_at desc
        limit $3
     ) older`,
)

/** Likewise at the other end. */
const readPositionAbove = statement<
  [companyId: string, recordedFrom: Date, strays: number],
  { position: number | null }
>(
  'trail.position_above',
  `select case when count(*) = $3 then max(position) end as position
     from (
       select position
         from event_audit_trail
        where company_id = $1 and recorded_at >= $2
        order by recorded_at
        limit $3
     ) newer`,
)

/**
 * Positions, both excluded, between which all events of a time range lie, and few others: the page asks for the exact
 * times beside this. Every event that was recorded more than the disorder before `from` has a smaller position than the
 * whole range, so the smallest position of some of the latest of them is a bound, though one or the other be a stray.
 */
export async function positionsOf(
  db: Db,
  companyId: string,
  { from, to }: TimeRange,
): Promise<{ readonly after: number; readonly before: number }> {
  const older = from && new Date(from.getTime() - DISORDER_MS_MAX)
  const newer = to && new Date(to.getTime() + DISORDER_MS_MAX)
  const [below] = older ? await readPositionBelow(db, companyId, older, STRAYS_MAX) : []
  const [above] = newer ? await readPositionAbove(db, companyId, newer, STRAYS_MAX) : []
  return { after: below?.position ?? 0, before: above?.position ?? Number.MAX_SAFE_INTEGER }
}
