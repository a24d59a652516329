import type { Db } from '../../db/statement.ts'
import { viewTrail } from '../event-view.ts'
import type { EntityState } from './entity-state.ts'
import { applyEarlierEvent } from './entity-state.ts'
import { listOwnEvents } from './own-events.ts'

const EVENTS_MAX = 1_000
const PAGE_EVENTS = 200
const TIME_MAX_MS = 2_000

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
    const own = { type, ids, after: 0, before, order: 'desc', limit: PAGE_EVENTS } as const
    const rows = await listOwnEvents(db, companyId, own)
    const views = await viewTrail(db, companyId, rows)
    for (const view of views) {
      before = view.position ?? before
      if (at && Date.parse(view.recorded_at) > at.getTime()) continue
      position ??= view.position
      applyEarlierEvent(state, view)
    }
    looked += views.length
    if (views.length === rows.length && rows.length < PAGE_EVENTS) return { state, position, isComplete: true }
    if (looked >= EVENTS_MAX || elapsedMs() >= TIME_MAX_MS) return { state, position, isComplete: false }
  }
}
