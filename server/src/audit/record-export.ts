import type { DbPool } from '../db/pools.ts'
import { asCompany } from '../db/transaction.ts'
import type { Author } from '../events/administrative-event.ts'
import { administrativeEvent } from '../events/administrative-event.ts'
import { insertEvents } from '../events/insert-events.ts'

/**
 * Notes in the trail that somebody takes a copy of it.
 * @param asked the query, as it was given
 */
export async function recordExport(
  pool: DbPool,
  companyId: string,
  author: Author,
  asked: Readonly<Record<string, unknown>>,
): Promise<void> {
  const event = administrativeEvent(author, {
    companyId,
    eventName: 'daybook.audit.exported',
    entity: { type: 'company', id: companyId },
    payload: { query: asked },
  })
  await asCompany(pool, companyId, (db) => insertEvents(db, [event]))
}
