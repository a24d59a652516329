import { rowShape } from '../db/rows.ts'
import { command, statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import { newId } from '../lib/ids.ts'
import type { Chain } from './order-key.ts'
import type { LedgerRow } from './stats/attempt-journal.ts'
import { journalLogged, journalShape, toLedgerRows } from './stats/attempt-journal.ts'

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

const shape = rowShape<LedgerRow>({
  id: ['uuid', ({ id }) => id],
  company_id: ['uuid', ({ record }) => record.companyId],
  delivery_id: ['uuid', ({ record }) => record.deliveryId],
  lease_token: ['uuid', ({ record }) => record.leaseToken],
  subscription_id: ['uuid', ({ record }) => record.subscriptionId],
  event_id: ['uuid', ({ record }) => record.eventId],
  event_name: ['text', ({ record }) => record.eventName],
  position: ['bigint', ({ record }) => record.position],
  replay_id: ['uuid', ({ record }) => record.replayId],
  attempt_no: ['int', ({ record }) => record.attemptNo],
  outcome: ['text', ({ record }) => record.outcome],
  reason: ['text', ({ record }) => record.reason],
  detail: ['text', ({ record }) => record.detail],
  delay_ms: ['bigint', ({ record }) => record.delayMs],
  webhook_url: ['text', ({ record }) => record.webhookUrl],
  request_headers: ['json', ({ record }) => record.requestHeaders && JSON.stringify(record.requestHeaders)],
  response_status: ['int', ({ record }) => record.responseStatus],
  response_headers: ['json', ({ record }) => record.responseHeaders && JSON.stringify(record.responseHeaders)],
  response_body: ['bytea', ({ record }) => record.responseBody],
  response_truncated: ['boolean', ({ record }) => record.responseTruncated],
  dns_ms: ['real', ({ record }) => record.timings.dnsMs],
  connect_ms: ['real', ({ record }) => record.timings.connectMs],
  first_byte_ms: ['real', ({ record }) => record.timings.firstByteMs],
  total_ms: ['real', ({ record }) => record.timings.totalMs],
  started_at: ['timestamptz', ({ record }) => record.startedAt],
  journal_no: ['int', ({ journalNo }) => journalNo],
  code: ['int', ({ code }) => code],
})
const FIRST_OF_JOURNAL = shape.values([]).length + 1

/**
 * Records results and moves their deliveries on, in one statement.
 *
 * A result counts only while its lease token still holds (`held` locks the row and compares): a delivery that was taken
 * over in the meantime is left alone and gets no ledger row from here; the answer names it. Ended deliveries leave the
 * table of unfinished ones, the others get their next due time. A success clears the failures in a row; to spare a write
 * per success, the time of the last success is kept to the second. A call that this machine had no means to make uses up
 * none of the planned attempts. Ordered deliveries that ended are named, so that their chains go on. What goes into the ledger
 * goes into the journal of attempts too, from which statistics are made.
 */
const recordRows = statement<readonly unknown[], RecordedRow>(
  'result.record',
  `with result as materialized (
     select * from ${shape.from()}
   ), held as materialized (
     select result.*, d.order_key
       from result
      cross join lateral (
        select d.order_key from webhook_deliveries d
         where d.company_id = result.company_id and d.id = result.delivery_id and d.lease_token = result.lease_token
         limit 1 for update
      ) d
   ), ended as (
     delete from webhook_deliveries
      where id = any(array(select delivery_id from held where delay_ms is null))
        and company_id = any(array(select distinct company_id from held where delay_ms is null))
   ), delayed as materialized (
     select array_agg(delivery_id) as ids, array_agg(delay_ms) as ms,
            coalesce(array_agg(delivery_id) filter (where reason = 'local_shortage'), '{}') as uncounted
       from held where delay_ms is not null
   ), again as (
     update webhook_deliveries d
        set lease_token = null,
            first_attempt_no = d.first_attempt_no + case when d.id = any((select uncounted from delayed)::uuid[]) then 1 else 0 end,
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
   ), logged as (
     insert into webhook_logs (
            company_id, id, delivery_id, subscription_id, event_id, event_name, position, replay_id, attempt_no, outcome,
            reason, detail, webhook_url, request_headers, response_status, response_headers, response_body,
            response_truncated, dns_ms, connect_ms, first_byte_ms, total_ms, started_at, next_attempt_at)
     select company_id, id, delivery_id, subscription_id, event_id, event_name, position, replay_id, attempt_no, outcome,
            reason, detail, webhook_url, request_headers, response_status, response_headers, response_body,
            response_truncated, dns_ms, connect_ms, first_byte_ms, total_ms, started_at,
            now() + delay_ms * interval '1 millisecond'
       from held
   ), journal as materialized (
     select array_agg(id) as ids, array_agg(kinds) as kinds
       from ${journalShape.from(FIRST_OF_JOURNAL)}
   ), journalled as (
     insert into attempt_journal (company_id, id, kinds, codes)
     select h.company_id, j.ids[h.journal_no], j.kinds[h.journal_no], h.codes
       from (select company_id, journal_no, array_agg(code) as codes from held group by company_id, journal_no) h
      cross join journal j
   )
   select delivery_id, null::uuid as company_id, null::uuid as subscription_id, null::text as order_key
     from result
    where delivery_id not in (select delivery_id from held)
   union all
   select delivery_id, company_id, subscription_id, order_key
     from held
    where order_key is not null and delay_ms is null`,
)

/** A result that did not count, or with a chain: an ordered delivery that ended. */
type RecordedRow = { readonly delivery_id: string } & (
  | { readonly company_id: string; readonly subscription_id: string; readonly order_key: string }
  | { readonly order_key: null }
)

export interface Recorded {
  /** Deliveries whose results did not count. */
  readonly late: ReadonlySet<string>
  /** Chains whose first delivery ended; to be promoted in the same transaction. */
  readonly ended: readonly Chain[]
}

/** Where one of the deliveries is ordered, the caller holds the locks of the subscriptions (lockSubscriptions). */
export async function recordResults(db: Db, records: readonly AttemptRecord[]): Promise<Recorded> {
  const ledger = toLedgerRows(records)
  const rows = await recordRows(db, ...shape.values(ledger.rows), ...journalShape.values(ledger.journal))
  return {
    late: new Set(rows.flatMap((row) => (row.order_key === null ? row.delivery_id : []))),
    ended: rows.flatMap((row) =>
      row.order_key === null
        ? []
        : { companyId: row.company_id, subscriptionId: row.subscription_id, orderKey: row.order_key },
    ),
  }
}

interface LostAttempt {
  readonly id: string
  readonly subscription_id: string
  readonly event_id: string
  readonly position: number
  readonly replay_id: string | null
  /** Counts the new attempt already. */
  readonly attempts: number
}

/**
 * Closes attempts whose lease ran out: whoever held it died, or was cut off, after the call may have been made.
 */
const lostShape = rowShape<LostAttempt>({
  id: ['uuid', () => newId()],
  delivery_id: ['uuid', (delivery) => delivery.id],
  subscription_id: ['uuid', (delivery) => delivery.subscription_id],
  event_id: ['uuid', (delivery) => delivery.event_id],
  position: ['bigint', (delivery) => delivery.position],
  replay_id: ['uuid', (delivery) => delivery.replay_id],
  attempt_no: ['int', (delivery) => delivery.attempts - 1],
})
const LOST_JOURNAL_ID = lostShape.values([]).length + 2

const recordLostRows = command<[companyId: string, ...rows: unknown[]]>(
  'result.record_lost',
  `with logged as (
     insert into webhook_logs (
            company_id, id, delivery_id, subscription_id, event_id, event_name, position, replay_id, attempt_no, outcome,
            reason, detail, webhook_url, started_at, next_attempt_at)
     select $1, x.id, x.delivery_id, x.subscription_id, x.event_id, e.event_name, x.position, x.replay_id, x.attempt_no,
            'unknown', 'lease_expired', 'The process that made this attempt did not record how it ended', s.webhook_url,
            now(), now()
       from ${lostShape.from(2)}
      cross join lateral (
        select event_name from event_audit_trail where company_id = $1 and position = x.position limit 1) e
      cross join lateral (
        select webhook_url from event_subscriptions where company_id = $1 and id = x.subscription_id limit 1) s
     returning id, subscription_id, event_name, replay_id
   )${journalLogged(LOST_JOURNAL_ID, 'unknown', 1, 'lease_expired')}`,
)

export async function recordLostAttempts(db: Db, companyId: string, lost: readonly LostAttempt[]): Promise<void> {
  await recordLostRows(db, companyId, ...lostShape.values(lost), newId())
}
