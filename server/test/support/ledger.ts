import type { Db } from '../../src/db/statement.ts'
import { sql } from './sql.ts'

/** A row of the ledger, as far as tests look at it. */
export interface LedgerRow {
  readonly delivery_id: string
  readonly event_id: string
  readonly attempt_no: number
  readonly outcome: string
  readonly reason: string
  readonly response_status: number | null
  /** From the end of the attempt to the next one. */
  readonly delay_ms: number | null
}

/** The ledger of a subscription, oldest first. */
export async function ledgerOf(db: Db, subscriptionId: string): Promise<LedgerRow[]> {
  return await sql<LedgerRow>(
    db,
    `select delivery_id, event_id, attempt_no, outcome, reason, response_status,
            (extract(epoch from next_attempt_at - created_at) * 1000)::float8 as delay_ms
       from webhook_logs where subscription_id = $1 order by id`,
    [subscriptionId],
  )
}

/** What waits for a subscription becomes due, however far its time is. Leases too: they have run out then. */
export async function makeAllDue(db: Db, subscriptionId: string): Promise<void> {
  await sql(db, 'update webhook_deliveries set due_at = now() where subscription_id = $1', [subscriptionId])
}
