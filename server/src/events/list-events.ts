import type { Db } from '../db/statement.ts'
import type { PageRequest } from '../lib/cursor.ts'
import { cursorPrint, decodeCursor, encodeCursor, pageRows } from '../lib/cursor.ts'
import type { EntityRef } from './event.ts'
import type { EventFilter } from './event-conditions.ts'
import type { ChosenFields, EventView } from './event-view.ts'
import type { EventTests } from './read-events.ts'
import { readEvents } from './read-events.ts'
import type { Direction } from './trail-pages.ts'

export interface EventPage {
  /** By position, the newest first unless `order` is asc. */
  readonly events: readonly EventView[]
  /**
   * Null on the last page. A page can be shorter than its limit, even empty, and still have a next one: large payloads
   * end it early, and so does a bound on how many events are looked at.
   */
  readonly nextCursor: string | null
}

export interface EventPageRequest extends PageRequest {
  readonly order?: Direction | undefined
  readonly fields?: ChosenFields
}

/** Tests, with the words that tell them from others in a cursor. */
export interface NamedTests extends EventTests {
  readonly names?: readonly (string | undefined)[]
}

/**
 * The routed events of a company. The cursor is the position of the last event that was looked at, so events that arrive
 * between two pages neither shift nor repeat anything. It is good for the same company, order and filter; only a range of
 * times may move, as a relative one does.
 * @param elapsedMs since it began
 */
export async function listEvents(
  db: Db,
  companyId: string,
  filter: EventFilter,
  request: EventPageRequest,
  tests: NamedTests = {},
  elapsedMs: () => number = () => 0,
): Promise<EventPage> {
  const { order = 'desc', fields } = request
  const kind = `events.${order}`
  const print = fingerprint(companyId, filter, tests.names)
  const [after] = request.cursor === undefined ? [] : decodeCursor(kind, request.cursor, ['integer', [print]])
  const wanted = { order, after, limit: pageRows(request), fields }
  const { events, next } = await readEvents(db, companyId, filter, wanted, tests, elapsedMs)
  return { events, nextCursor: next === null ? null : encodeCursor(kind, [next, print]) }
}

function fingerprint(companyId: string, filter: EventFilter, names: NamedTests['names'] = []): string {
  const { event_names, entity, include_related = false, related, actor, source, correlation_id } = filter
  const ref = (one: EntityRef | undefined) => one && [one.type, one.id]
  const parts = [event_names, ref(entity), include_related, ref(related), ref(actor), source, correlation_id]
  return cursorPrint([companyId, parts, names])
}
