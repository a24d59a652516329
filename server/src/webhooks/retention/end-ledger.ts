import { command, statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import { endOfDaysMs } from '../../events/retention/retention-rules.ts'
import type { Retention } from '../../events/retention/retention-rules.ts'
import { AFTER_ALL_IDS, BEFORE_ALL_IDS, firstIdOfMs } from '../../lib/ids.ts'
import type { EndedBatch } from './end-payloads.ts'
import { BATCH_BYTES, countWithin } from './end-payloads.ts'
import { findLedgerPlace } from './ledger-end.ts'

/**
 * Ends rows of the ledger one by one, in the order of their ids, up to the last midnight that is so many days ago. Each new
 * midnight begins anew with the oldest row: the attempts of a delivery that is pending stay, and are looked at again then.
 */
const readNext = statement<
  [companyId: string, afterId: string, beforeId: string, limit: number],
  { id: string; is_pending: boolean; bytes: number }
>(
  'ledger_retention.read_next',
  `select l.id,
          (select d.id from webhook_deliveries d where d.company_id = $1 and d.id = l.delivery_id) is not null as is_pending,
          l.bytes
     from (
       select id, delivery_id,
              coalesce(pg_column_size(request_headers), 0) + coalesce(pg_column_size(request_body), 0)
                + coalesce(pg_column_size(response_headers), 0) + coalesce(pg_column_size(response_body), 0) as bytes
         from webhook_logs
        where company_id = $1 and id > $2 and id < $3
        order by id
        limit $4
     ) l
    order by l.id`,
)

const deleteRows = command<[companyId: string, ids: readonly string[]]>(
  'ledger_retention.delete_rows',
  `delete from webhook_logs where company_id = $1 and id = any($2::uuid[])`,
)

const moveTo = command<[companyId: string, endedBefore: Date, afterId: string]>(
  'ledger_retention.move',
  `insert into ledger_retention as l (company_id, ended_before, after_id) values ($1, $2, $3)
       on conflict (company_id) do update
      set ended_before = greatest(l.ended_before, excluded.ended_before), after_id = excluded.after_id`,
)

const findUncounted = statement<[companyId: string, beforeId: string], { id: string }>(
  'ledger_retention.find_uncounted',
  `select id from attempt_journal where company_id = $1 and id < $2 order by id limit 1`,
)

const AN_HOUR_MS = 60 * 60 * 1_000

/** Whether statistics have yet to count something from before: only what is counted may go. */
export async function isLedgerUncounted(db: Db, companyId: string, beforeMs: number): Promise<boolean> {
  // A journal's row has the time at which it was written, a moment after the rows of the ledger that it tells of.
  return (await findUncounted(db, companyId, firstIdOfMs(beforeMs + AN_HOUR_MS))).length > 0
}

/** From here on rows before this time count as gone. Before the first of them goes, or with it. */
export async function noteLedgerEnd(db: Db, companyId: string, endedBefore: Date): Promise<void> {
  await moveTo(db, companyId, endedBefore, BEFORE_ALL_IDS)
}

/** Ends the next rows, `limit` at most. The caller keeps the company's decision from being changed. */
export async function endLedger(
  db: Db,
  companyId: string,
  { retention, nowMs, limit }: { readonly retention: Retention; readonly nowMs: number; readonly limit: number },
): Promise<EndedBatch> {
  const days = retention.ledger_retention_days
  if (days === null) return nothingLeft
  const endMs = endOfDaysMs(days, nowMs)
  const place = await findLedgerPlace(db, companyId)
  const isNew = !place || place.endedBefore.getTime() < endMs
  const afterId = isNew ? BEFORE_ALL_IDS : place.afterId
  if (afterId === AFTER_ALL_IDS || (await isLedgerUncounted(db, companyId, endMs))) return nothingLeft
  const all = await readNext(db, companyId, afterId, firstIdOfMs(endMs), limit)
  const sizes = all.map(({ bytes }) => bytes)
  const rows = all.slice(0, countWithin(sizes, BATCH_BYTES))
  const free = rows.filter(({ is_pending }) => !is_pending).map(({ id }) => id)
  const ended = await deleteRows(db, companyId, free)
  const last = all.length === limit || rows.length < all.length ? rows.at(-1) : undefined
  if (isNew || rows.length > 0 || !last) await moveTo(db, companyId, new Date(endMs), last?.id ?? AFTER_ALL_IDS)
  return { ended, next: last ? 0 : undefined }
}

const nothingLeft: EndedBatch = { ended: 0, next: undefined }
