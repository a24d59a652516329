import type { Db } from '../../src/db/statement.ts'
import { call, rowsOf } from '../support/api.ts'
import { sql, sqlValue } from '../support/sql.ts'
import type { DatabaseRows, DeliveryAnswer } from './evidence.ts'

/** Everything that the checker wants to know, read as the owner of the tables once nothing moves any more. */
export async function readDatabase(db: Db): Promise<DatabaseRows> {
  return {
    trail: await sql(db, 'select company_id, position, event_id, event_name from event_audit_trail'),
    payloads: await sql(db, 'select company_id, id, payload from event_logs'),
    versions: await sql(
      db,
      `select company_id, version, subscription_id, webhook_url, event_names, status
         from event_subscription_versions order by company_id, version`,
    ),
    pending: await sql(
      db,
      `select d.company_id, d.id, d.subscription_id, d.event_id, s.status
         from webhook_deliveries d
         join event_subscriptions s on s.company_id = d.company_id and s.id = d.subscription_id`,
    ),
    ledger: await sql(
      db,
      `select company_id, delivery_id, subscription_id, event_id, position, attempt_no, outcome, reason, response_status,
              (extract(epoch from started_at) * 1000)::float8 as started_ms,
              (extract(epoch from next_attempt_at) * 1000)::float8 as next_ms
         from webhook_logs order by company_id, delivery_id, created_at, attempt_no, id`,
    ),
    retries: await sql(
      db,
      `select payload::json ->> 'delivery_id' as delivery_id, payload::json -> 'before' ->> 'state' as state_before
         from event_logs where event_name = 'daybook.delivery.retried'`,
    ),
    outboxCount: await sqlValue(db, 'select count(*) from event_outbox'),
    fanOutCount: await sqlValue(db, 'select count(*) from fan_outs'),
  }
}

/** All deliveries of a company, as the interface lists them. */
export async function readViews(url: string, key: string): Promise<DeliveryAnswer[]> {
  const views: DeliveryAnswer[] = []
  let cursor: unknown
  do {
    const query = typeof cursor === 'string' ? `&cursor=${encodeURIComponent(cursor)}` : ''
    const answer = await call(url, 'GET', `/events/deliveries?limit=200${query}`, undefined, key)
    if (answer.status !== 200) throw new Error(`Deliveries were not listed: ${JSON.stringify(answer.body)}`)
    views.push(...(rowsOf(answer) as unknown as DeliveryAnswer[]))
    cursor = answer.body['next_cursor']
  } while (typeof cursor === 'string')
  return views
}
