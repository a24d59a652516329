import { statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import { namesOfEvents } from '../../events/expand-event-names.ts'
import { endOfDaysMs, payloadDaysOf } from '../../events/retention/retention-rules.ts'
import type { Retention } from '../../events/retention/retention-rules.ts'
import { checkRules } from '../../events/retention/retention-settings.ts'
import { firstIdOfMs } from '../../lib/ids.ts'
import { findStillNeeded } from './still-needed.ts'

/** What a decision would end today, and what would wait. */
export interface RetentionPreview {
  readonly payloads: EndingPayloads
  readonly ledger: EndingRows
}

interface EndingRows {
  readonly count: number
  /** As they are stored, compressed where they are. */
  readonly bytes: number
  /** False where there are more than were looked at: the numbers are a part of them. */
  readonly is_complete: boolean
}

interface EndingPayloads extends EndingRows {
  /** Of events with deliveries to come: they end later. Not among `count`. */
  readonly waiting: number
}

/** Looked at in the log, and in the ledger. */
const ROWS_MAX = 20_000
const ROWS_OF_NAME = 5_000

/** No further names are asked after so many, or after so long. */
const NAMES_MAX = 500
const TIME_MAX_MS = 2_000

interface NextPayload {
  readonly event_id: string
  readonly bytes: number | null
}

/** Null bytes: its row is gone. `pg_column_size` reads no payload. */
const readEnding = statement<[companyId: string, eventName: string, before: Date, limit: number], NextPayload>(
  'retention.preview_payloads',
  `select t.event_id,
          (select pg_column_size(l.payload) from event_logs l where l.company_id = $1 and l.id = t.event_id) as bytes
     from (
       select position, event_id, recorded_at
         from event_audit_trail
        where company_id = $1 and event_name = $2
          and position > coalesce((
            select p.position from retention_progress p where p.company_id = $1 and p.event_name = $2), 0)
        order by position
        limit $4
     ) t
    where t.recorded_at < $3
    order by t.position`,
)

const readWaiting = statement<
  [companyId: string, limit: number],
  NextPayload & { readonly event_name: string; readonly recorded_at: Date }
>(
  'retention.preview_waiting',
  `select w.event_id, w.event_name, w.recorded_at,
          (select pg_column_size(l.payload) from event_logs l where l.company_id = $1 and l.id = w.event_id) as bytes
     from retention_waiting w
    where w.company_id = $1
    order by w.position
    limit $2`,
)

const countLedger = statement<[companyId: string, beforeId: string, limit: number], { count: number; bytes: number }>(
  'ledger_retention.preview',
  `select count(*) as count, coalesce(sum(l.bytes), 0)::bigint as bytes
     from (
       select coalesce(pg_column_size(request_headers), 0) + coalesce(pg_column_size(request_body), 0)
                + coalesce(pg_column_size(response_headers), 0) + coalesce(pg_column_size(response_body), 0)
                + pg_column_size(webhook_url) as bytes
         from webhook_logs
        where company_id = $1 and id < $2
        order by id
        limit $3
     ) l`,
)

/**
 * Looks at what a decision would end now, at some ten thousands of rows at most, and changes nothing. Throws what changing it would.
 */
export async function previewRetention(
  db: Db,
  companyId: string,
  wanted: Retention,
  nowMs: number,
): Promise<RetentionPreview> {
  checkRules(wanted)
  return {
    payloads: await previewPayloads(db, companyId, wanted, nowMs),
    ledger: await previewLedger(db, companyId, wanted, nowMs),
  }
}

async function previewPayloads(db: Db, companyId: string, wanted: Retention, nowMs: number): Promise<EndingPayloads> {
  let [left, count, bytes, waiting] = [ROWS_MAX, 0, 0, 0]
  let isComplete = true
  const add = async (rows: readonly NextPayload[]): Promise<void> => {
    const needed = await findStillNeeded(
      db,
      companyId,
      rows.map(({ event_id }) => event_id),
    )
    for (const row of rows) {
      if (row.bytes === null) continue
      if (needed.has(row.event_id)) waiting++
      else [count, bytes] = [count + 1, bytes + row.bytes]
    }
  }
  let asked = 0
  const beganMs = performance.now()
  for (const eventName of await namesOfEvents(db, companyId)) {
    const days = payloadDaysOf(wanted, eventName)
    if (days === null) continue
    if (left === 0 || ++asked > NAMES_MAX || performance.now() - beganMs > TIME_MAX_MS) {
      isComplete = false
      break
    }
    const limit = Math.min(left, ROWS_OF_NAME)
    const rows = await readEnding(db, companyId, eventName, new Date(endOfDaysMs(days, nowMs)), limit)
    await add(rows)
    left -= rows.length
    isComplete &&= rows.length < limit
  }
  const waited = await readWaiting(db, companyId, ROWS_OF_NAME)
  await add(waited.filter((row) => isOver(wanted, row, nowMs)))
  return { count, bytes, is_complete: isComplete && waited.length < ROWS_OF_NAME, waiting }
}

function isOver(
  wanted: Retention,
  { event_name, recorded_at }: { readonly event_name: string; readonly recorded_at: Date },
  nowMs: number,
): boolean {
  const days = payloadDaysOf(wanted, event_name)
  return days !== null && recorded_at.getTime() < endOfDaysMs(days, nowMs)
}

async function previewLedger(db: Db, companyId: string, wanted: Retention, nowMs: number): Promise<EndingRows> {
  const days = wanted.ledger_retention_days
  if (days === null) return { count: 0, bytes: 0, is_complete: true }
  const beforeId = firstIdOfMs(endOfDaysMs(days, nowMs))
  const [found] = await countLedger(db, companyId, beforeId, ROWS_MAX)
  const { count, bytes } = found ?? { count: 0, bytes: 0 }
  return { count, bytes, is_complete: count < ROWS_MAX }
}
