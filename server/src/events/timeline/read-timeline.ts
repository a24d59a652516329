/**
 * The story of an entity, in the order of positions. With `includeRelated` it has, beside the events about the entity,
 * those about identities that were merged into it, those that name any of them as related, and those that have a
 * correlation id in common with an event about any of them.
 */
import type { Db } from '../../db/statement.ts'
import type { PageRequest } from '../../lib/cursor.ts'
import { cursorPrint, decodeCursor, encodeCursor, pageRows } from '../../lib/cursor.ts'
import type { TimeRange } from '../../lib/time-range.ts'
import type { EntityRef } from '../event.ts'
import { positionsOf } from '../event-conditions.ts'
import type { EventView } from '../event-view.ts'
import { viewTrail } from '../event-view.ts'
import type { Direction, TrailConditions } from '../trail-pages.ts'
import { readTrailPage } from '../trail-pages.ts'
import type { Change, EntityState } from './entity-state.ts'
import { applyEvent } from './entity-state.ts'
import { readIdentities } from './identities.ts'
import type { Identities } from './identities.ts'
import { listOwnEvents } from './own-events.ts'
import { readState } from './read-state.ts'
import type { StateRead } from './read-state.ts'
import { listStoryRows, relations } from './story-rows.ts'
import type { Relation, StoryRow } from './story-rows.ts'

export interface TimelineRequest extends PageRequest, TimeRange {
  readonly entity: EntityRef
  readonly includeRelated: boolean
  readonly order: Direction
  /** When given, the state at this time is told too. */
  readonly at?: Date | undefined
}

export interface TimelineEntry {
  readonly event: EventView
  readonly relation: Relation
  /** What an event about the entity, or one merged into it, gave other values. */
  readonly changes: readonly Change[]
}

export interface Timeline {
  readonly entries: readonly TimelineEntry[]
  /** Null on the last page. A page can be shorter than its limit, even empty, and still have a next one. */
  readonly nextCursor: string | null
  readonly identities: Identities
  /** Undefined unless asked for. */
  readonly state: StateRead | undefined
  /** False when the values before the first of these events were folded from the newest 1,000 only. */
  readonly hasAllChanges: boolean
}

/** Events on either side of where a page begins whose correlations are followed. */
const CORRELATED_EVENTS = 500

/** @param elapsedMs since it began */
export async function readTimeline(
  db: Db,
  companyId: string,
  request: TimelineRequest,
  elapsedMs: () => number,
): Promise<Timeline> {
  const { entity, includeRelated, order, at } = request
  const kind = `timeline.${order}`
  const print = cursorPrint([companyId, entity.type, entity.id, includeRelated])
  const [place] = request.cursor === undefined ? [] : decodeCursor(kind, request.cursor, ['integer', [print]])
  const isStorable = !`${entity.type}${entity.id}`.includes('\0')
  const identities = isStorable && includeRelated ? await readIdentities(db, companyId, entity) : alone(entity)
  const { type } = entity
  const { ids } = identities
  const page = isStorable ? await readPage(db, companyId, request, ids, place) : { rows: [], next: null }
  const views = await viewTrail(db, companyId, page.rows)
  const isCut = views.length < page.rows.length
  const next = isCut ? (views.at(-1)?.position ?? null) : page.next
  const shown = page.rows
    .slice(0, views.length)
    .map((row, index) => ({ relation: relationOf(row), view: views[index] }))
  const own = shown.flatMap(({ relation, view }) => (view && isOwn(relation) ? [view] : []))
  const first = Math.min(...own.map(({ position }) => position ?? Infinity))
  const start = own.length > 0 ? await readState(db, companyId, { type, ids, before: first }, elapsedMs) : undefined
  const changes = changesOf(start?.state ?? new Map(), own)
  const state = at && isStorable ? await readStateAt(db, companyId, { type, ids, at }, elapsedMs) : undefined
  return {
    entries: shown.flatMap(({ relation, view }) =>
      view ? [{ event: view, relation, changes: changes.get(view.id) ?? [] }] : [],
    ),
    nextCursor: next === null ? null : encodeCursor(kind, [next, print]),
    identities,
    state,
    hasAllChanges: start?.isComplete ?? true,
  }
}

function alone({ id }: EntityRef): Identities {
  return { ids: [id], mergedInto: [], isComplete: true }
}

function relationOf({ rank }: StoryRow): Relation {
  return relations[rank] ?? 'entity'
}

function isOwn(relation: Relation): boolean {
  return relation === 'entity' || relation === 'merged'
}

/** By event; in the order of positions, whatever that of the page is. */
function changesOf(state: EntityState, own: readonly EventView[]): ReadonlyMap<string, readonly Change[]> {
  const inOrder = own.toSorted((one, other) => (one.position ?? 0) - (other.position ?? 0))
  return new Map(inOrder.map((view) => [view.id, applyEvent(state, view)]))
}

async function readStateAt(
  db: Db,
  companyId: string,
  request: { readonly type: string; readonly ids: readonly string[]; readonly at: Date },
  elapsedMs: () => number,
): Promise<StateRead> {
  const { before } = await positionsOf(db, companyId, { to: new Date(request.at.getTime() + 1) })
  return await readState(db, companyId, { ...request, before }, elapsedMs)
}

interface RowPage {
  readonly rows: readonly StoryRow[]
  /** The position behind which to go on; null at the end. */
  readonly next: number | null
}

async function readPage(
  db: Db,
  companyId: string,
  request: TimelineRequest,
  ids: readonly string[],
  place: number | undefined,
): Promise<RowPage> {
  const { entity, order, from, to, includeRelated } = request
  const limit = pageRows(request)
  const range = await positionsOf(db, companyId, request)
  const after = order === 'asc' ? Math.max(range.after, place ?? 0) : range.after
  const before = order === 'desc' ? Math.min(range.before, place ?? range.before) : range.before
  if (!includeRelated) {
    const conditions: TrailConditions = { ...noConditions, after, before, from, to, entity }
    const page = await readTrailPage(db, companyId, order, conditions, limit + 1)
    const rows = page.rows.slice(0, limit).map((row) => ({ ...row, rank: 0 }))
    const next = page.rows.length > limit ? rows.at(-1)?.position : page.scannedTo
    return { rows, next: next ?? null }
  }
  const around = order === 'asc' ? after : before
  const correlationIds = await readCorrelations(db, companyId, { type: entity.type, ids, around, ...range })
  const story = { type: entity.type, ids, correlationIds, after, before, order, limit: limit + 1 }
  const rows = await listStoryRows(db, companyId, story)
  const shown = rows.slice(0, limit)
  const isInTime = ({ recorded_at: time }: StoryRow) => (!from || time >= from) && (!to || time < to)
  return { rows: shown.filter(isInTime), next: rows.length > limit ? (shown.at(-1)?.position ?? null) : null }
}

const noConditions = {
  names: null,
  correlationId: null,
  actor: null,
  includeRelated: false,
  related: null,
  source: null,
  positions: null,
} as const

/** Of the events about the identities that lie nearest to where the page begins, on both sides of it. */
async function readCorrelations(
  db: Db,
  companyId: string,
  request: {
    readonly type: string
    readonly ids: readonly string[]
    readonly around: number
    readonly after: number
    readonly before: number
  },
): Promise<readonly string[]> {
  const { type, ids, around, after, before } = request
  const sides = [
    { after, before: around + 1, order: 'desc' },
    { after: around, before, order: 'asc' },
  ] as const
  const found = new Set<string>()
  for (const side of sides) {
    const rows = await listOwnEvents(db, companyId, { type, ids, ...side, limit: CORRELATED_EVENTS })
    for (const row of rows) if (row.correlation_id !== null) found.add(row.correlation_id)
  }
  return [...found]
}
