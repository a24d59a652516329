import { rowShape } from '../db/rows.ts'
import { command } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import { newId } from '../lib/ids.ts'
import { promoteNext } from './promote-next.ts'
import { recordLostAttempts } from './record-results.ts'
import { journalLogged } from './stats/attempt-journal.ts'

/** A pending delivery whose row the caller has locked, and that is not in flight. */
export interface Cancellable {
  readonly id: string
  readonly subscription_id: string
  readonly event_id: string
  readonly position: number
  readonly replay_id: string | null
  readonly attempts: number
  /** Of somebody who is gone: it has run out. */
  readonly has_lease: boolean
  /** Of its chain, if it is ordered. */
  readonly order_key: string | null
  readonly is_blocked: boolean
}

const shape = rowShape<Cancellable>({
  log_id: ['uuid', () => newId()],
  id: ['uuid', (delivery) => delivery.id],
})
const JOURNAL_ID = shape.values([]).length + 2

/**
 * Takes deliveries out of the pending ones and writes their endings, or neither. The time is that of the statement: the
 * transaction may have begun before an earlier ending was written, and waited for the lock.
 */
const endRows = command<[companyId: string, ...rows: unknown[]]>(
  'delivery.end_cancelled',
  `with given as materialized (
     select * from ${shape.from(2)}
   ), ended as (
     delete from webhook_deliveries
      where company_id = $1 and id = any(array(select id from given))
     returning id, subscription_id, event_id, position, replay_id
   ), logged as (
     insert into webhook_logs (
            company_id, id, delivery_id, subscription_id, event_id, event_name, position, replay_id, attempt_no, outcome,
            reason, detail, webhook_url, started_at, created_at)
     select $1, (array(select log_id from given))[array_position(array(select id from given), d.id)], d.id,
            d.subscription_id, d.event_id, t.event_name, d.position, d.replay_id, 0, 'cancelled',
            'cancelled_by_request', 'Somebody cancelled it', s.webhook_url, statement_timestamp(), statement_timestamp()
       from ended d
      cross join lateral (
        select event_name from event_audit_trail where company_id = $1 and position = d.position limit 1) t
      cross join lateral (
        select webhook_url from event_subscriptions where company_id = $1 and id = d.subscription_id limit 1) s
     returning id, subscription_id, event_name, replay_id
   )${journalLogged(JOURNAL_ID, 'cancelled', 0, 'cancelled_by_request')}`,
)

/**
 * Ends deliveries without another attempt. An attempt whose lease ran out is closed as unknown before, as it is when a
 * dispatcher takes a delivery over. Chains that have lost their first delivery go on; where one is ordered, the caller
 * holds the lock of its subscription (lockSubscriptions).
 */
export async function endCancelled(db: Db, companyId: string, deliveries: readonly Cancellable[]): Promise<void> {
  if (deliveries.length === 0) return
  const lost = deliveries.filter(({ has_lease }) => has_lease)
  if (lost.length > 0) {
    await recordLostAttempts(
      db,
      companyId,
      lost.map((delivery) => ({ ...delivery, attempts: delivery.attempts + 1 })),
    )
  }
  await endRows(db, companyId, ...shape.values(deliveries), newId())
  await promoteNext(
    db,
    deliveries.flatMap(({ subscription_id: subscriptionId, order_key: orderKey, is_blocked }) =>
      orderKey === null || is_blocked ? [] : { companyId, subscriptionId, orderKey },
    ),
  )
}
