import { statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import type { RetentionDecision } from '../../events/retention/retention-settings.ts'
import { getRetention } from '../../events/retention/retention-settings.ts'
import { findLedgerEnd } from './ledger-end.ts'
import { findJobsInTheWay } from './still-needed.ts'

/** What a company decided, and what keeps something beyond its time. */
export interface RetentionState extends RetentionDecision {
  /** Rows of the ledger from before may be gone; null when none ever went. */
  readonly ledger_ended_before: string | null
  readonly waiting: Waiting
}

interface Waiting {
  /** Payloads whose time was over while their events had deliveries to come; 1,000 when there are more. */
  readonly payloads: number
  /** The oldest of them; null when there is none. */
  readonly oldest_event_id: string | null
  /** An open job that may read what would end: all of the company's waits for it. */
  readonly job_id: string | null
}

const WAITING_MAX = 1_000

const countWaiting = statement<[companyId: string, limit: number], { count: number; oldest: string | null }>(
  'retention.count_waiting',
  `select count(*) as count,
          (select event_id from retention_waiting where company_id = $1 order by position limit 1) as oldest
     from (select position from retention_waiting where company_id = $1 limit $2) w`,
)

export async function readRetentionState(db: Db, companyId: string): Promise<RetentionState> {
  const decision = await getRetention(db, companyId)
  const ended = await findLedgerEnd(db, companyId)
  const [waiting] = await countWaiting(db, companyId, WAITING_MAX)
  const jobs = await findJobsInTheWay(db, [companyId])
  return {
    ...decision,
    ledger_ended_before: ended?.toISOString() ?? null,
    waiting: {
      payloads: waiting?.count ?? 0,
      oldest_event_id: waiting?.oldest ?? null,
      job_id: jobs.get(companyId) ?? null,
    },
  }
}
