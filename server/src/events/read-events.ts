import type { Db } from '../db/statement.ts'
import type { CompiledFilter } from '../lib/filter/compile-filter.ts'
import { TurnTaker } from '../lib/turn-taker.ts'
import type { EventFilter } from './event-conditions.ts'
import { conditionsOf } from './event-conditions.ts'
import type { ChosenFields, EventView, TrailRow } from './event-view.ts'
import { viewTrail } from './event-view.ts'
import { toFilteredEvent } from './filtered-event.ts'
import { readTrailPage } from './trail-pages.ts'
import type { Direction, TrailConditions } from './trail-pages.ts'

/** Conditions that are asked event by event. */
export interface EventTests {
  /** Of the filter language. An event whose payload has expired does not fulfil it. */
  readonly filter?: Pick<CompiledFilter, 'matches'> | undefined
  /** What other tables know. */
  readonly outside?: OutsideCondition | undefined
}

export interface OutsideCondition {
  /** The positions of all events that may fulfil it, 10,000 at most; undefined when there are more, or it cannot be told. */
  readonly candidates: (db: Db, companyId: string) => Promise<readonly number[] | undefined>
  /** Which of these events fulfil it, by id. */
  readonly test: (db: Db, companyId: string, eventIds: readonly string[]) => Promise<ReadonlySet<string>>
}

export interface EventsRequest {
  readonly order: Direction
  /** Goes on behind this position. */
  readonly after?: number | undefined
  readonly limit: number
  readonly fields?: ChosenFields
}

export interface EventsRead {
  readonly events: readonly EventView[]
  /** The position behind which to go on; null at the end. */
  readonly next: number | null
}

/** Rows that are read at once where few may pass the tests. */
const BATCH_MAX = 500
/** Events that are looked at for one page, about. */
const LOOKED_MAX = 10_000
/** Likewise where each is asked for its payload or its deliveries: some 15 ms. */
const TESTED_MAX = 500
const TIME_MAX_MS = 2_000
/** A filter of the payload may take long: it is asked for this long, in turns with everything else on the thread. */
const JUDGED_MAX_MS = 200
/** Of the payloads of a page, in UTF-16 units; one batch may come on top. */
const PAGE_PAYLOAD_MAX = 8 * 1024 * 1024

/**
 * A page of the events that fulfil filter and tests. It is shorter than asked for, and there is a next one, when so many
 * events were looked at, two seconds were up (of them a fifth of a second for the filter), or its payloads are large.
 * @param elapsedMs since it began
 */
export async function readEvents(
  db: Db,
  companyId: string,
  filter: EventFilter,
  request: EventsRequest,
  tests: EventTests,
  elapsedMs: () => number,
): Promise<EventsRead> {
  const { order, limit } = request
  const positions = await tests.outside?.candidates(db, companyId)
  const conditions = await conditionsOf(db, companyId, filter, positions)
  if (!conditions) return { events: [], next: null }
  const isTested = tests.filter !== undefined || tests.outside !== undefined
  const lookedMax = isTested ? TESTED_MAX : LOOKED_MAX
  const fields = tests.filter ? undefined : request.fields
  const events: EventView[] = []
  let next = request.after
  let looked = 0
  let payloads = 0
  let judgedMs = 0
  const turns = new TurnTaker(elapsedMs)
  for (let batch = limit; ; batch = Math.min(batch * 2, BATCH_MAX, lookedMax - looked)) {
    const page = await readTrailPage(db, companyId, order, behind(conditions, order, next), batch + 1)
    const rows = page.rows.slice(0, batch)
    const owed = await passOutside(db, companyId, rows, tests.outside)
    const views = await viewTrail(db, companyId, owed, fields)
    const judgedFromMs = elapsedMs() - judgedMs
    let taken = 0
    for (; taken < views.length && events.length < limit && judgedMs < JUDGED_MAX_MS; taken++) {
      const view = views[taken]
      if (view && passes(view, tests.filter)) {
        events.push(view)
        payloads += view.payload_text?.length ?? 0
      }
      if (!tests.filter) continue
      await turns.next()
      judgedMs = elapsedMs() - judgedFromMs
    }
    const isWhole = taken === owed.length
    if (isWhole && rows.length === page.rows.length && page.scannedTo === undefined) return { events, next: null }
    next = (isWhole ? rows.at(-1) : owed[taken - 1])?.position ?? next
    if (isWhole && rows.length === page.rows.length) next = page.scannedTo ?? next
    looked += page.scannedTo === undefined ? rows.length : page.scanned
    const isCut = views.length < owed.length && (events.length > 0 || !isTested)
    const isEnough = events.length === limit || looked >= lookedMax || payloads >= PAGE_PAYLOAD_MAX
    const isLate = judgedMs >= JUDGED_MAX_MS || elapsedMs() >= TIME_MAX_MS
    if (isCut || isEnough || isLate) return { events, next: next ?? null }
  }
}

function behind(conditions: TrailConditions, order: Direction, position: number | undefined): TrailConditions {
  if (position === undefined) return conditions
  return order === 'asc'
    ? { ...conditions, after: Math.max(conditions.after, position) }
    : { ...conditions, before: Math.min(conditions.before, position) }
}

async function passOutside(
  db: Db,
  companyId: string,
  rows: readonly TrailRow[],
  outside: OutsideCondition | undefined,
): Promise<readonly TrailRow[]> {
  if (!outside || rows.length === 0) return rows
  const ids = rows.map((row) => row.event_id)
  const found = await outside.test(db, companyId, ids)
  return rows.filter((row) => found.has(row.event_id))
}

function passes(view: EventView, filter: EventTests['filter']): boolean {
  return !filter || (!view.payload_expired && filter.matches(toFilteredEvent(view)))
}
