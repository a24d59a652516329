import type { Month } from '../../db/drop-partitions.ts'
import { detachMonth } from '../../db/drop-partitions.ts'
import { command, statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import { endOfDaysMs, longestPayloadDays, RETENTION_DAYS_MIN } from '../../events/retention/retention-rules.ts'
import type { Retention } from '../../events/retention/retention-rules.ts'
import { listRetentions } from '../../events/retention/retention-settings.ts'
import { BEFORE_ALL_IDS, firstIdOfMs } from '../../lib/ids.ts'
import { confirmSight } from './confirm-sight.ts'
import { isLedgerUncounted, noteLedgerEnd } from './end-ledger.ts'
import { findJobsInTheWay } from './still-needed.ts'

/**
 * A whole month of the log or of the ledger goes at once, where every company that has rows in it would end each of them,
 * and nothing needs one any more. A month whose rows have all been ended one by one goes too, and gives its space back.
 *
 * All is asked in the transaction that detaches the month, with nobody changing a decision meanwhile. So whoever changes
 * one may wait for that long; publishing waits only for {@link detachMonth}.
 */
const DAY_MS = 24 * 60 * 60 * 1_000

/**
 * A publisher may name an event by an id that is 30 days old, so what is in a month of ids may have been recorded so much
 * later; as many days more for clocks as retention has.
 */
const RECORDED_LATER_MS = RETENTION_DAYS_MIN * DAY_MS

/** Until then somebody may still write into the month. */
export function isOpenMonth({ toMs }: Pick<Month, 'toMs'>, nowMs: number): boolean {
  return nowMs < toMs + RECORDED_LATER_MS
}

const lockDecisions = command<[]>('retention.lock_decisions', `lock table retention_settings in share mode`)

interface OfCompany {
  readonly company_id: string
}

/** A plain scan over the companies, one look by key for each. */
const findWithRows = (table: Month['table']) =>
  statement<[fromId: string, toId: string], OfCompany>(
    `retention.find_with_${table}`,
    `select h.company_id
       from company_heads h
      cross join lateral (
        select l.id from ${table} l where l.company_id = h.company_id and l.id >= $1 and l.id < $2 limit 1
      ) l`,
  )

const withRows = { event_logs: findWithRows('event_logs'), webhook_logs: findWithRows('webhook_logs') }

/** Of these companies, those with events of the time that are not done with, or that cannot be. */
const findUnfinished = statement<[companyIds: readonly string[], fromId: string, toId: string], OfCompany>(
  'retention.find_unfinished',
  `select w.company_id
     from unnest($1::uuid[]) as w(company_id)
    where (select d.id from webhook_deliveries d
            where d.company_id = w.company_id and d.id >= $2 and d.id < $3 limit 1) is not null
       or (select f.event_id from fan_outs f
            where f.company_id = w.company_id and f.event_id >= $2 and f.event_id < $3 limit 1) is not null
       or (select o.event_id from event_outbox o
            where o.company_id = w.company_id and o.event_id >= $2 and o.event_id < $3 limit 1) is not null
       or (select s.event_id from events_set_aside s
            where s.company_id = w.company_id and s.event_id >= $2 and s.event_id < $3 limit 1) is not null`,
)

/**
 * Detaches the month if it may go. False when it may not. Throws lock_not_available (55P03) when the table was too busy.
 * @param db the transaction of a leader, as the owner of the tables
 */
export async function tryMonth(db: Db, month: Month, nowMs: number): Promise<boolean> {
  if (isOpenMonth(month, nowMs)) return false
  await confirmSight(db)
  // Whoever changes a decision queues behind whoever waits for this lock.
  await db.query({ name: '', text: `set local lock_timeout = '500ms'`, values: [] })
  await lockDecisions(db)
  const [fromId, toId] = [firstIdOfMs(month.fromMs), firstIdOfMs(month.toMs)]
  const companyIds = (await withRows[month.table](db, fromId, toId)).map(({ company_id }) => company_id)
  if (companyIds.length > 0) {
    const decisions = await decisionsOf(db)
    const isOver = (companyId: string): boolean => endsWhole(month, decisions.get(companyId), nowMs)
    if (!companyIds.every(isOver)) return false
    if ((await findJobsInTheWay(db, companyIds)).size > 0) return false
    // Attempts of a pending delivery are younger than its event, so any older event counts.
    const unfinishedFrom = month.table === 'event_logs' ? fromId : BEFORE_ALL_IDS
    if ((await findUnfinished(db, companyIds, unfinishedFrom, toId)).length > 0) return false
  }
  if (month.table === 'webhook_logs') {
    for (const companyId of companyIds) {
      if (await isLedgerUncounted(db, companyId, month.toMs)) return false
      await noteLedgerEnd(db, companyId, new Date(month.toMs))
    }
  }
  await detachMonth(db, month)
  return true
}

/** Whether a company that decided so keeps nothing of the month. */
function endsWhole({ table, toMs }: Month, retention: Retention | undefined, nowMs: number): boolean {
  if (!retention) return false
  const days = table === 'event_logs' ? longestPayloadDays(retention) : retention.ledger_retention_days
  if (days === null) return false
  const lastRowMs = table === 'event_logs' ? toMs + RECORDED_LATER_MS : toMs
  return lastRowMs <= endOfDaysMs(days, nowMs)
}

const COMPANIES_AT_ONCE = 1_000

async function decisionsOf(db: Db): Promise<ReadonlyMap<string, Retention>> {
  const all = new Map<string, Retention>()
  for (let after = BEFORE_ALL_IDS; ;) {
    const page = await listRetentions(db, after, COMPANIES_AT_ONCE)
    for (const { companyId, retention } of page) all.set(companyId, retention)
    const last = page.at(-1)
    if (!last || page.length < COMPANIES_AT_ONCE) return all
    after = last.companyId
  }
}
