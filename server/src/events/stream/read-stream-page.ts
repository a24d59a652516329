import type { DbPool } from '../../db/pools.ts'
import type { Db } from '../../db/statement.ts'
import { statement } from '../../db/statement.ts'
import { asCompany } from '../../db/transaction.ts'
import { readHead } from '../export-events.ts'
import { readEvents } from '../read-events.ts'
import { HeldEvent } from './held-event.ts'
import type { StreamSelection } from './stream-selection.ts'

/** The last positions of companies, in one look. For the engine's role, which sees all of them. */
export const readHeads = statement<[companyIds: readonly string[]], { company_id: string; last_position: number }>(
  'head.last_positions',
  `select company_id, last_position from company_heads where company_id = any($1::uuid[])`,
)

export interface StreamRead {
  readonly events: readonly HeldEvent[]
  /** All events up to this position were looked at: behind `after` unless that is the end of the log. */
  readonly position: number
}

export interface StreamReadRequest {
  readonly after: number
  readonly limit: number
  /** A position that was given already; asked for when absent. */
  readonly head?: number
}

/**
 * Events behind a position, in order and without a gap. The head is read before the events: whatever has a position up to
 * it is committed by then. What came after it is left for the next page, since a name that was new in between would be
 * missing from the names that a pattern stands for.
 */
export async function readStreamPage(
  pool: DbPool,
  companyId: string,
  { filter, tests, fields }: Pick<StreamSelection, 'filter' | 'tests' | 'fields'>,
  request: StreamReadRequest,
): Promise<StreamRead> {
  const { after, limit } = request
  const startMs = performance.now()
  return await asCompany(pool, companyId, async (db) => {
    const head = request.head ?? (await lastPosition(db, companyId))
    const wanted = { order: 'asc', after, limit, fields } as const
    const elapsedMs = (): number => performance.now() - startMs
    const { events, next } = await readEvents(db, companyId, filter, wanted, tests, elapsedMs)
    const own = events.filter(({ position }) => position !== null && position <= head)
    const position = next === null || next > head ? head : next
    return { events: own.map((view) => new HeldEvent(view)), position: Math.max(position, after) }
  })
}

/** 0 for a company without events. */
export async function lastPosition(db: Db, companyId: string): Promise<number> {
  const [head] = await readHead(db, companyId)
  return head?.last_position ?? 0
}
