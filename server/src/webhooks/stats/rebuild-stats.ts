import type { DbPool } from '../../db/pools.ts'
import type { Db } from '../../db/statement.ts'
import { command, statement } from '../../db/statement.ts'
import { inTransaction } from '../../db/transaction.ts'
import { recountEvents } from '../../events/stats/count-events.ts'
import { makeStatsHead, waitForStats } from '../../events/stats/lock-stats.ts'
import { failpoint } from '../../lib/failpoint.ts'
import { firstIdOfMs, idTimeMs } from '../../lib/ids.ts'
import { latencyBounds } from '../../lib/latency-histogram.ts'
import { bucketOf } from '../../lib/time-buckets.ts'
import type { AttemptRecord } from '../record-results.ts'
import { findLedgerEnd } from '../retention/ledger-end.ts'
import { minuteOfId } from './attempt-journal.ts'
import { DeliveryTally } from './delivery-counts.ts'
import { mergeDeliveries } from './merge-deliveries.ts'

const findOldest = statement<[companyId: string], { id: string }>(
  'webhook_log.find_oldest',
  `select id from webhook_logs where company_id = $1 order by id limit 1`,
)

const forgetJournal = command<[companyId: string]>(
  'attempt_journal.delete_company',
  `delete from attempt_journal where company_id = $1`,
)

const forgetRows = command<[companyId: string, from: Date]>(
  'delivery_stats.delete_from',
  `delete from delivery_stats where company_id = $1 and bucket >= $2`,
)

interface CountedEnds {
  readonly minute: number
  readonly subscription_id: string
  readonly event_name: string
  readonly is_replay: 0 | 1
  readonly outcome: AttemptRecord['outcome']
  readonly is_attempt: 0 | 1
  readonly reason: string
  readonly latency: number
  readonly count: number
  /** Of all rows that were looked at. */
  readonly rows: number
  readonly last_id: string
}

/** Kinds as the journal has them. A row of a test is looked at and not counted: it has no subscription here. */
const countLedger = statement<
  [companyId: string, afterId: string, limit: number, bounds: readonly number[]],
  Omit<CountedEnds, 'subscription_id'> & { readonly subscription_id: string | null }
>(
  'webhook_log.count_after',
  `with page as materialized (
     select id, case when not is_test then subscription_id end as subscription_id, event_name, replay_id, outcome,
            attempt_no, reason, case when response_status is not null then total_ms end as latency_ms
       from webhook_logs
      where company_id = $1 and id > $2
      order by id
      limit $3
   )
   select ${minuteOfId} as minute, subscription_id, event_name, (replay_id is not null)::int as is_replay, outcome,
          (attempt_no > 0)::int as is_attempt, reason,
          coalesce(width_bucket(latency_ms::float8, $4::float8[]) + 1, 0) as latency, count(*) as count,
          (select count(*) from page) as rows, (select id from page order by id desc limit 1) as last_id
     from page
    group by 1, 2, 3, 4, 5, 6, 7, 8`,
)

const ROWS_AT_ONCE = 50_000

export interface Recount {
  readonly events: number
  /** Attempts, and endings without one. */
  readonly ends: number
}

/**
 * Counts a company's statistics anew from the trail and the ledger, while everything goes on.
 *
 * All of it is one transaction over one snapshot. A row of the ledger and what the journal says of it were committed
 * together, so the snapshot has both or neither: what it has in the ledger is counted, what it has in the journal is taken
 * away as counted, and what is written meanwhile stays in the journal. The company's lock keeps the keeper away until then.
 * A kill leaves what was. Days whose rows of the ledger are gone, all or some, stay as they were counted: retention ends whole
 * days, and nothing that is not counted.
 */
export async function rebuildStats(engine: DbPool, companyId: string, nowMs: number): Promise<Recount> {
  await makeStatsHead(engine, companyId)
  return await inTransaction(engine, async (db) => {
    await db.query({ name: '', text: 'set transaction isolation level repeatable read', values: [] })
    await waitForStats(db, companyId) // when it had to wait, the snapshot is too old and all is begun anew
    const events = await recountEvents(db, companyId, nowMs)
    const ends = await recountEnds(db, companyId, nowMs)
    await failpoint('stats.before_commit')
    return { events, ends }
  })
}

async function recountEnds(db: Db, companyId: string, nowMs: number): Promise<number> {
  await forgetJournal(db, companyId)
  const [oldest] = await findOldest(db, companyId)
  if (!oldest) return 0
  const endedBefore = await findLedgerEnd(db, companyId)
  const fromMs = Math.max(bucketOf(idTimeMs(oldest.id), 'day'), endedBefore?.getTime() ?? 0)
  await forgetRows(db, companyId, new Date(fromMs))
  let afterId = firstIdOfMs(fromMs)
  let ends = 0
  for (;;) {
    const counted = await countLedger(db, companyId, afterId, ROWS_AT_ONCE, latencyBounds)
    const [first] = counted
    if (!first) return ends
    const tally = new DeliveryTally(nowMs)
    for (const { subscription_id: subscriptionId, ...row } of counted) {
      if (subscriptionId === null) continue
      tallyEnds(tally, companyId, { ...row, subscription_id: subscriptionId })
      ends += row.count
    }
    await mergeDeliveries(db, tally.rows)
    if (first.rows < ROWS_AT_ONCE) return ends
    afterId = first.last_id
  }
}

function tallyEnds(tally: DeliveryTally, companyId: string, row: CountedEnds): void {
  const { minute, subscription_id, event_name, is_replay, outcome, is_attempt, reason, latency, count } = row
  const latencies = latency === 0 ? {} : { [latency]: count }
  tally.add(companyId, [minute, subscription_id, event_name, is_replay, outcome, is_attempt, reason], {
    count,
    latencies,
  })
}
