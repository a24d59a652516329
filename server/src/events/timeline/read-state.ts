import { statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import type { EntityState, StateEvent } from './entity-state.ts'
import { applyEarlierEvent } from './entity-state.ts'
import { ownEntries, readLookedTo } from './own-events.ts'

const EVENTS_MAX = 1_000
const PAGE_EVENTS = 500
const TIME_MAX_MS = 2_000
/** What a page counts for that found fewer events, having looked at thousands of entries. */
const LOOKED_PER_PAGE = 100
/** Of a page; more than any single payload has. */
const PAYLOAD_BYTES_MAX = 8 * 1024 * 1024

interface OwnRow {
  readonly position: number
  readonly id: string
  readonly recorded_at: Date
  readonly payload_text: string | null
  readonly payload_bytes: number
}

/**
 * No more of the events than the state needs, the newest first: most of what a fold costs is reading rows. The sizes are
 * added up without reading the payloads; rows beyond the limit come without theirs. The trail is asked for what has expired.
 */
const listOwnPayloads = statement<
  [
    companyId: string,
    type: string,
    ids: readonly string[],
    after: number,
    before: number,
    limit: number,
    payloadBytesMax: number,
  ],
  OwnRow
>(
  'timeline.own_payloads',
  `select position, id, recorded_at, payload_bytes, case when payload_bytes <= $7 then payload end as payload_text
     from (
       select e.position, e.event_id as id, coalesce(l.recorded_at, t.recorded_at) as recorded_at, l.payload,
              coalesce(sum(octet_length(l.payload)) over (order by e.position desc), 0) as payload_bytes
         from (
           ${ownEntries('desc')}
         ) e
         left join lateral (
          select l.recorded_at, l.payload from event_logs l where l.company_id = $1 and l.id = e.event_id limit 1
        ) l on true
         left join lateral (
          select t.recorded_at
            from event_audit_trail t
           where t.company_id = $1 and t.position = e.position and l.recorded_at is null
           limit 1
        ) t on true
     ) own
    order by position desc`,
)

interface StatePage {
  readonly events: readonly StateEvent[]
  /** The position before which to go on; undefined when nothing is left. */
  readonly next: number | undefined
}

/**
 * A beginning of the events before a position, as far as the payloads together stay below the limit, and as far as the
 * entries that only name an entity as related were looked at.
 */
async function readPage(
  db: Db,
  companyId: string,
  { type, ids, before }: { readonly type: string; readonly ids: readonly string[]; readonly before: number },
): Promise<StatePage> {
  const rows = await listOwnPayloads(db, companyId, type, ids, 0, before, PAGE_EVENTS, PAYLOAD_BYTES_MAX)
  const isFull = rows.length === PAGE_EVENTS
  const [looked] =
    isFull && ids.length === 1 ? [] : await readLookedTo(db, companyId, type, ids, 0, before, PAGE_EVENTS)
  const lookedTo = looked?.position ?? 0
  const reached = rows.filter(({ position }) => position >= lookedTo)
  const whole = reached.filter(({ payload_bytes: bytes }) => bytes <= PAYLOAD_BYTES_MAX)
  const events = whole.map((row) => ({ ...row, recorded_at: row.recorded_at.toISOString() }))
  const isCut = whole.length < reached.length || (isFull && reached.length === rows.length)
  return { events, next: isCut ? whole.at(-1)?.position : lookedTo || undefined }
}

export interface StateRead {
  readonly state: EntityState
  /** Of the last event that was folded. */
  readonly position: number | null
  /** False when there were events that were not looked at: more than 1,000, or two seconds were up. */
  readonly isComplete: boolean
}

/**
 * What the payloads of the events about these entities add up to, before a position and up to a time: of each member the
 * last value. Read from the newest back, so what is left out when there are too many is the oldest.
 * @param elapsedMs since it began
 */
export async function readState(
  db: Db,
  companyId: string,
  request: {
    readonly type: string
    readonly ids: readonly string[]
    readonly before: number
    readonly at?: Date | undefined
  },
  elapsedMs: () => number,
): Promise<StateRead> {
  const { type, ids, at } = request
  const state: EntityState = new Map()
  let position: number | null = null
  let before = request.before
  for (let looked = 0; ;) {
    const { events, next } = await readPage(db, companyId, { type, ids, before })
    for (const event of events) {
      if (at && Date.parse(event.recorded_at) > at.getTime()) continue
      position ??= event.position
      applyEarlierEvent(state, event)
    }
    if (next === undefined) return { state, position, isComplete: true }
    before = next
    looked += Math.max(events.length, LOOKED_PER_PAGE)
    if (looked >= EVENTS_MAX || elapsedMs() >= TIME_MAX_MS) return { state, position, isComplete: false }
  }
}
