import type { DbPool } from '../db/pools.ts'
import { statement } from '../db/statement.ts'
import { asCompany } from '../db/transaction.ts'
import type { EventFilter } from './event-conditions.ts'
import type { ChosenFields, EventView } from './event-view.ts'
import type { EventTests } from './read-events.ts'
import { readEvents } from './read-events.ts'
import type { Direction } from './trail-pages.ts'

export const readHead = statement<[companyId: string], { last_position: number }>(
  'head.last_position',
  `select last_position from company_heads where company_id = $1`,
)

const PAGE_ROWS = 200

export interface ExportRequest {
  readonly filter: EventFilter
  readonly order: Direction
  readonly fields: ChosenFields
  readonly tests: EventTests
}

/**
 * All events of a filter, page by page: each at most once, and each that was routed when it began once. No transaction
 * lasts longer than a page, so an export that takes hours holds nothing up. It ends with the position that was the last
 * when it began.
 */
export async function* exportEvents(
  pool: DbPool,
  companyId: string,
  { filter, order, fields, tests }: ExportRequest,
): AsyncGenerator<readonly EventView[]> {
  const [head] = await asCompany(pool, companyId, async (db) => await readHead(db, companyId))
  const last = head?.last_position ?? 0
  let after: number | undefined = order === 'desc' ? last + 1 : undefined
  for (;;) {
    const startMs = performance.now()
    const request = { order, after, limit: PAGE_ROWS, fields }
    const { events, next } = await asCompany(pool, companyId, (db) =>
      readEvents(db, companyId, filter, request, tests, () => performance.now() - startMs),
    )
    const own = events.filter(({ position }) => (position ?? 0) <= last)
    yield own
    if (next === null || (order === 'asc' && next >= last)) return
    after = next
  }
}
