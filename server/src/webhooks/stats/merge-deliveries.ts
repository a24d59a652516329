import { rowShape } from '../../db/rows.ts'
import { command, statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import type { CountedRow, DeliveryCounts, StatsKey } from './delivery-counts.ts'
import { addDeliveries, textOfKey } from './delivery-counts.ts'

const keyColumns = {
  company_id: ['uuid', ({ key }: CountedRow) => key.companyId],
  granularity: ['text', ({ key }: CountedRow) => key.granularity],
  scope: ['text', ({ key }: CountedRow) => key.scope],
  subject: ['text', ({ key }: CountedRow) => key.subject],
  is_replay: ['boolean', ({ key }: CountedRow) => key.isReplay],
  bucket: ['timestamptz', ({ key }: CountedRow) => new Date(key.bucketMs).toISOString()],
} as const

const keyShape = rowShape<CountedRow>(keyColumns)

interface Row extends DeliveryCounts {
  readonly company_id: string
  readonly granularity: StatsKey['granularity']
  readonly scope: StatsKey['scope']
  readonly subject: string
  readonly is_replay: boolean
  readonly bucket: Date
}

const readRows = statement<readonly string[], Row>(
  'delivery_stats.read_keys',
  `select s.*
     from ${keyShape.from()}
    cross join lateral (
      select company_id, granularity, scope, subject, is_replay, bucket, attempts, delivered, will_retry, failed, cancelled,
             unknown, reasons, latencies
        from delivery_stats
       where company_id = x.company_id and granularity = x.granularity and scope = x.scope and subject = x.subject
         and is_replay = x.is_replay and bucket = x.bucket
       limit 1
    ) s`,
)

const shape = rowShape<CountedRow>({
  ...keyColumns,
  attempts: ['bigint', ({ counts }) => counts.attempts],
  delivered: ['bigint', ({ counts }) => counts.delivered],
  will_retry: ['bigint', ({ counts }) => counts.will_retry],
  failed: ['bigint', ({ counts }) => counts.failed],
  cancelled: ['bigint', ({ counts }) => counts.cancelled],
  unknown: ['bigint', ({ counts }) => counts.unknown],
  reasons: ['json', ({ counts }) => JSON.stringify(counts.reasons)],
  latencies: ['json', ({ counts }) => JSON.stringify(counts.latencies)],
})

const writeRows = command<readonly string[]>(
  'delivery_stats.write',
  `insert into delivery_stats (
          company_id, granularity, scope, subject, is_replay, bucket, attempts, delivered, will_retry, failed, cancelled,
          unknown, reasons, latencies)
   select company_id, granularity, scope, subject, is_replay, bucket, attempts, delivered, will_retry, failed, cancelled,
          unknown, reasons::jsonb, latencies::jsonb
     from ${shape.from()}
       on conflict (company_id, granularity, scope, subject, is_replay, bucket) do update
      set attempts = excluded.attempts, delivered = excluded.delivered, will_retry = excluded.will_retry,
          failed = excluded.failed, cancelled = excluded.cancelled, unknown = excluded.unknown,
          reasons = excluded.reasons, latencies = excluded.latencies`,
)

const ROWS_AT_ONCE = 1_000

/** Adds counts to what is stored. The caller holds the locks of the companies (lockStats): rows are read, then written. */
export async function mergeDeliveries(db: Db, rows: readonly CountedRow[]): Promise<void> {
  for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
    const slice = rows.slice(at, at + ROWS_AT_ONCE)
    const stored = new Map<string, DeliveryCounts>()
    for (const row of await readRows(db, ...keyShape.values(slice))) stored.set(textOfKey(keyOf(row)), row)
    for (const { key, counts } of slice) {
      const before = stored.get(textOfKey(key))
      if (before) addDeliveries(counts, before)
    }
    await writeRows(db, ...shape.values(slice))
  }
}

function keyOf({ company_id, granularity, scope, subject, is_replay, bucket }: Row): StatsKey {
  return { companyId: company_id, granularity, scope, subject, isReplay: is_replay, bucketMs: bucket.getTime() }
}
