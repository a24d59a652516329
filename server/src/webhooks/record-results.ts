import { rowShape } from '../db/rows.ts'
import { command, statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import { newId } from '../lib/ids.ts'

/** The end of an attempt, or of a delivery without one, as it goes into the ledger. */
export interface AttemptRecord {
  readonly companyId: string
  readonly deliveryId: string
  readonly leaseToken: string
  readonly subscriptionId: string
  readonly eventId: string
  readonly eventName: string
  readonly position: number
  readonly replayId: string | undefined
  /** 0 when the delivery ended without an attempt. */
  readonly attemptNo: number
  readonly outcome: 'delivered' | 'will_retry' | 'failed' | 'cancelled' | 'unknown'
  /** Stable class, such as http_503 or timeout. */
  readonly reason: string
  readonly detail: string | undefined
  /** The receiver wants no more calls (410). */
  readonly gone: boolean
  /** Milliseconds to the next attempt, when the outcome is will_retry or unknown. */
  readonly delayMs: number | undefined
  readonly webhookUrl: string
  readonly requestHeaders: readonly (readonly [string, string])[] | undefined
  readonly responseStatus: number | undefined
  readonly responseHeaders: readonly (readonly [string, string])[] | undefined
  readonly responseBody: Buffer | undefined
  readonly responseTruncated: boolean
  readonly timings: {
    readonly dnsMs?: number
    readonly connectMs?: number
    readonly firstByteMs?: number
    readonly totalMs?: number
  }
  readonly startedAt: string
}

const shape = rowShape({
  id: 'uuid',
  company_id: 'uuid',
  delivery_id: 'uuid',
  lease_token: 'uuid',
  subscription_id: 'uuid',
  event_id: 'uuid',
  event_name: 'text',
  position: 'bigint',
  replay_id: 'uuid',
  attempt_no: 'int',
  outcome: 'text',
  reason: 'text',
  detail: 'text',
  delay_ms: 'bigint',
  webhook_url: 'text',
  request_headers: 'text',
  response_status: 'int',
  response_headers: 'text',
  response_body: 'bytea',
  response_truncated: 'boolean',
  dns_ms: 'real',
  connect_ms: 'real',
  first_byte_ms: 'real',
  total_ms: 'real',
  started_at: 'timestamptz',
})

/**
 * Records results and moves their deliveries on, in one statement.
 *
 * A result counts only while its lease token still holds (`held` locks the row and compares): a delivery that was taken
 * over in the meantime is left alone and gets no ledger row from here; its id is missing in the answer. Ended deliveries leave the table of unfinished ones, the
 * others get their next due time. A success clears the failures in a row; to spare a write per success, the time of the
 * last success is kept to the second.
 */
const recordRows = statement<readonly unknown[], { delivery_id: string }>(
  'result.record',
  `with result as materialized (
     select * from ${shape.from()}
   ), held as materialized (
     select result.*
       from result
      cross join lateral (
        select 1 from webhook_deliveries d
         where d.company_id = result.company_id and d.id = result.delivery_id and d.lease_token = result.lease_token
         limit 1 for update
      ) d
   ), ended as (
     delete from webhook_deliveries
      where id = any(array(select delivery_id from held where delay_ms is null))
        and company_id = any(array(select distinct company_id from held where delay_ms is null))
   ), delayed as materialized (
     select array_agg(delivery_id) as ids, array_agg(delay_ms) as ms from held where delay_ms is not null
   ), again as (
     update webhook_deliveries d
        set lease_token = null,
            due_at = now() + interval '1 millisecond' * (
              (select ms from delayed))[array_position((select ids from delayed), d.id)]
      where d.id = any((select ids from delayed)::uuid[])
        and d.company_id = any(array(select distinct company_id from held where delay_ms is not null))
   ), healthy as (
     update subscription_health h
        set failures_in_row = 0, last_success_at = now(), disable_due = null
       from (select distinct company_id, subscription_id from held where outcome = 'delivered' order by 1, 2) s
      where h.company_id = s.company_id and h.subscription_id = s.subscription_id
        and (h.failures_in_row > 0 or h.disable_due is not null or h.last_success_at is null
             or h.last_success_at < now() - interval '1 second')
   )
   insert into webhook_logs (
          company_id, id, delivery_id, subscription_id, event_id, event_name, position, replay_id, attempt_no, outcome,
          reason, detail, webhook_url, request_headers, response_status, response_headers, response_body,
          response_truncated, dns_ms, connect_ms, first_byte_ms, total_ms, started_at, next_attempt_at)
   select company_id, id, delivery_id, subscription_id, event_id, event_name, position, replay_id, attempt_no, outcome,
          reason, detail, webhook_url, request_headers, response_status, response_headers, response_body,
          response_truncated, dns_ms, connect_ms, first_byte_ms, total_ms, started_at,
          now() + delay_ms * interval '1 millisecond'
     from held
   returning delivery_id`,
)

/** Answers with the ids of the deliveries whose results counted. */
export async function recordResults(db: Db, records: readonly AttemptRecord[]): Promise<ReadonlySet<string>> {
  const rows = await recordRows(db, ...shape.values(records.map(toRow)))
  return new Set(rows.map((row) => row.delivery_id))
}

function toRow(record: AttemptRecord) {
  return {
    id: newId(),
    company_id: record.companyId,
    delivery_id: record.deliveryId,
    lease_token: record.leaseToken,
    subscription_id: record.subscriptionId,
    event_id: record.eventId,
    event_name: record.eventName,
    position: record.position,
    replay_id: record.replayId,
    attempt_no: record.attemptNo,
    outcome: record.outcome,
    reason: record.reason,
    detail: record.detail,
    delay_ms: record.delayMs,
    webhook_url: record.webhookUrl,
    request_headers: record.requestHeaders && JSON.stringify(record.requestHeaders),
    response_status: record.responseStatus,
    response_headers: record.responseHeaders && JSON.stringify(record.responseHeaders),
    response_body: record.responseBody,
    response_truncated: record.responseTruncated,
    dns_ms: record.timings.dnsMs,
    connect_ms: record.timings.connectMs,
    first_byte_ms: record.timings.firstByteMs,
    total_ms: record.timings.totalMs,
    started_at: record.startedAt,
  }
}

/**
 * Closes attempts whose lease ran out: whoever held it died, or was cut off, after the call may have been made.
 */
const lostShape = rowShape({
  id: 'uuid',
  delivery_id: 'uuid',
  subscription_id: 'uuid',
  event_id: 'uuid',
  position: 'bigint',
  replay_id: 'uuid',
  attempt_no: 'int',
})

const recordLostRows = command<[companyId: string, ...rows: unknown[]]>(
  'result.record_lost',
  `insert into webhook_logs (
          company_id, id, delivery_id, subscription_id, event_id, event_name, position, replay_id, attempt_no, outcome,
          reason, detail, webhook_url, started_at, next_attempt_at)
   select $1, x.id, x.delivery_id, x.subscription_id, x.event_id, e.event_name, x.position, x.replay_id, x.attempt_no,
          'unknown', 'lease_expired', 'The process that made this attempt did not record how it ended', s.webhook_url,
          now(), now()
     from ${lostShape.from(2)}
    cross join lateral (
      select event_name from event_audit_trail where company_id = $1 and position = x.position limit 1) e
    cross join lateral (
      select webhook_url from event_subscriptions where company_id = $1 and id = x.subscription_id limit 1) s`,
)

export async function recordLostAttempts(
  db: Db,
  companyId: string,
  lost: readonly {
    readonly id: string
    readonly subscription_id: string
    readonly event_id: string
    readonly position: number
    readonly replay_id: string | null
    readonly attempts: number
  }[],
): Promise<void> {
  const rows = lost.map((delivery) => ({
    id: newId(),
    delivery_id: delivery.id,
    subscription_id: delivery.subscription_id,
    event_id: delivery.event_id,
    position: delivery.position,
    replay_id: delivery.replay_id,
    attempt_no: delivery.attempts - 1,
  }))
  await recordLostRows(db, companyId, ...lostShape.values(rows))
}
