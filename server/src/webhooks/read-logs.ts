import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import { expandEventNames } from '../events/expand-event-names.ts'
import type { PageRequest } from '../lib/cursor.ts'
import { decodeCursor, encodeCursor, pageRows } from '../lib/cursor.ts'
import { AFTER_ALL_IDS, BEFORE_ALL_IDS, canonicalUuid, firstIdOfMs } from '../lib/ids.ts'
import type { TimeRange } from '../lib/time-range.ts'
import type { AttemptRecord } from './record-results.ts'
import { throwMissing } from './retention/ledger-end.ts'

export type Outcome = AttemptRecord['outcome']

/**
 * Which rows of the ledger are wanted: those that fulfil everything that is given. Ids are UUIDs. The time is that of
 * the row.
 */
export interface WebhookLogFilter extends TimeRange {
  readonly subscription_id?: string | undefined
  readonly event_id?: string | undefined
  readonly delivery_id?: string | undefined
  /** A name, a prefix such as `appointment.*`, or `*` for every business event. */
  readonly event_name?: string | undefined
  readonly outcome?: Outcome | undefined
  /** Of the response; `none`: there was none. */
  readonly status_class?: StatusClass | undefined
  readonly response_status?: number | undefined
  readonly reason?: string | undefined
  /** Calls that somebody made to try an endpoint, or all others. */
  readonly is_test?: boolean | undefined
}

export type StatusClass = '1xx' | '2xx' | '3xx' | '4xx' | '5xx' | 'none'

/** An attempt, or the end of a delivery without one, in a list. */
export interface WebhookLogSummary {
  readonly id: string
  readonly delivery_id: string
  /** Null for a test of any URL. */
  readonly subscription_id: string | null
  readonly event_id: string
  readonly event_name: string
  /** 0 for a test. */
  readonly position: number
  readonly is_test: boolean
  readonly replay_id: string | null
  /** 0: the delivery ended without an attempt. */
  readonly attempt_no: number
  readonly outcome: Outcome
  readonly reason: string
  readonly detail: string | null
  readonly webhook_url: string
  readonly response_status: number | null
  readonly total_ms: number | null
  readonly started_at: string
  readonly next_attempt_at: string | null
  readonly created_at: string
}

/** With what was sent and what came back. Headers are [name, value], in order. */
export interface WebhookLog extends Omit<WebhookLogSummary, 'total_ms'> {
  readonly request_headers: Headers | null
  /** Of a test; all others sent the event. */
  readonly request_body: string | null
  readonly response_headers: Headers | null
  /** The first 16 KiB, when they are UTF-8. */
  readonly response_body: string | null
  /** The same when they are not. */
  readonly response_body_base64: string | null
  readonly response_truncated: boolean
  /** Milliseconds; null for a part that did not happen. */
  readonly timings: {
    readonly dns_ms: number | null
    readonly connect_ms: number | null
    readonly first_byte_ms: number | null
    readonly total_ms: number | null
  }
}

type Headers = readonly (readonly [name: string, value: string])[]

interface SummaryRow extends Omit<WebhookLogSummary, 'started_at' | 'next_attempt_at' | 'created_at'> {
  readonly started_at: Date
  readonly next_attempt_at: Date | null
  readonly created_at: Date
}

interface LogRow extends SummaryRow {
  readonly request_headers: string | null
  readonly request_body: string | null
  readonly response_headers: string | null
  readonly response_body: Buffer | null
  readonly response_truncated: boolean
  readonly dns_ms: number | null
  readonly connect_ms: number | null
  readonly first_byte_ms: number | null
}

const summaryColumns = `id, delivery_id, subscription_id, event_id, event_name, position, is_test, replay_id, attempt_no,
          outcome, reason, detail, webhook_url, response_status, total_ms, started_at, next_attempt_at, created_at`

type Parameters = [
  companyId: string,
  from: string,
  before: string,
  subscriptionId: string | null,
  eventId: string | null,
  deliveryId: string | null,
  outcome: Outcome | null,
  names: readonly string[] | null,
  reason: string | null,
  statusFrom: number | null,
  statusTo: number | null,
  isTest: boolean | null,
  rows: number,
]

interface ScannedRow extends SummaryRow {
  /** 1 for the first row that was looked at. */
  readonly scanned: number
  readonly fits: boolean
}

/** Rows that are looked at for one page, at most: what was found until then is the page. */
const SCANNED_MAX = 10_000

const fits = `($4::uuid is null or subscription_id = $4) and ($5::uuid is null or event_id = $5)
          and ($6::uuid is null or delivery_id = $6) and ($7::text is null or outcome = $7)
          and ($8::text[] is null or event_name = any($8)) and ($9::text is null or reason = $9)
          and ($10::int is null or coalesce(response_status, 0) between $10 and $11)
          and ($12::boolean is null or is_test = $12)`

/** Rows under a condition that an index knows, the newest first. */
const along = (condition: string) => `
            select ${summaryColumns}
              from webhook_logs
             where company_id = $1 and id >= $2 and id < $3 and ${condition}
             order by id desc
             limit ${SCANNED_MAX}`

/**
 * All of them have all conditions and go by id, the newest first. They differ in the index that they read, which is
 * made sure of by a condition that holds without the parameter being looked at. Rows are looked at one by one until the
 * page is full; the last one that may be looked at is always given, whether it fits or not, so that the next page can
 * begin after it.
 */
const listBy = (path: string, rows: string) =>
  statement<Parameters, ScannedRow>(
    `webhook_log.list_by_${path}`,
    `select *
       from (
         select l.*, row_number() over (order by id desc) as scanned, ${fits} as fits
           from (
             select * from (${rows}) r order by id desc limit ${SCANNED_MAX}
           ) l
       ) l
      where fits or scanned = ${SCANNED_MAX}
      order by id desc
      limit $13`,
  )

const byDelivery = listBy('delivery', along('delivery_id = $6'))
const byEvent = listBy('event', along('event_id = $5'))
const bySubscription = listBy('subscription', along('subscription_id = $4'))
const byTime = listBy('time', along('true'))

/** Merged from one part of the index for each outcome. */
const byTrouble = listBy(
  'trouble',
  (['will_retry', 'failed', 'cancelled', 'unknown'] satisfies Outcome[])
    .map((one) => `(${along(`outcome = '${one}' and outcome <> 'delivered' and ($7::text is null or $7 = '${one}')`)})`)
    .join(' union all '),
)

export interface WebhookLogPage {
  readonly logs: readonly WebhookLogSummary[]
  /** Null on the last page. A page can be shorter than its limit, even empty, and still have a next one. */
  readonly nextCursor: string | null
}

/**
 * Rows of the ledger, the newest first, without headers and bodies. However few fulfil the filter, a call looks at a
 * bounded number of rows. Throws invalid_event_name or invalid_cursor.
 */
export async function listWebhookLogs(
  db: Db,
  companyId: string,
  filter: WebhookLogFilter,
  page: PageRequest,
): Promise<WebhookLogPage> {
  const [cursor] = page.cursor === undefined ? [AFTER_ALL_IDS] : decodeCursor('webhook_logs', page.cursor, ['uuid'])
  const from = filter.from ? firstIdOfMs(filter.from.getTime()) : BEFORE_ALL_IDS
  const to = filter.to ? firstIdOfMs(filter.to.getTime()) : AFTER_ALL_IDS
  const limit = pageRows(page)
  const { event_name: eventName, reason } = filter
  const names = eventName === undefined ? undefined : await expandEventNames(db, companyId, [eventName])
  const statuses = statusesOf(filter)
  // Text of the database holds no U+0000, and it refuses to compare with one.
  if (names?.length === 0 || statuses === 'none' || reason?.includes('\0')) return { logs: [], nextCursor: null }
  const rows = await pathFor(filter, statuses)(
    db,
    companyId,
    from,
    to < cursor ? to : cursor,
    filter.subscription_id ?? null,
    filter.event_id ?? null,
    filter.delivery_id ?? null,
    filter.outcome ?? null,
    names ?? null,
    reason ?? null,
    statuses?.from ?? null,
    statuses?.to ?? null,
    filter.is_test ?? null,
    limit + 1,
  )
  const found = rows.filter((row) => row.fits)
  const logs = found.slice(0, limit).map(toSummary)
  const last = found.length > limit ? logs.at(-1) : rows.find(({ scanned }) => scanned === SCANNED_MAX)
  return { logs, nextCursor: last ? encodeCursor('webhook_logs', [last.id]) : null }
}

/** Both ends included; 0 stands for no response. */
interface Statuses {
  readonly from: number
  readonly to: number
}

/** `none`: no status fulfils the filter; undefined: every one does, and none too. */
function statusesOf({
  status_class: statusClass,
  response_status: status,
}: WebhookLogFilter): Statuses | 'none' | undefined {
  const ofClass = statusClass && rangeOfClass(statusClass)
  if (status === undefined) return ofClass
  if (ofClass && (status < ofClass.from || status > ofClass.to)) return 'none'
  return { from: status, to: status }
}

function rangeOfClass(statusClass: StatusClass): Statuses {
  if (statusClass === 'none') return { from: 0, to: 0 }
  const from = Number(statusClass.charAt(0)) * 100
  return { from, to: from + 99 }
}

const latestOfDelivery = statement<[companyId: string, deliveryId: string], SummaryRow>(
  'webhook_log.latest_of_delivery',
  `select ${summaryColumns}
     from webhook_logs
    where company_id = $1 and delivery_id = $2
    order by created_at desc, attempt_no desc
    limit 200`,
)

/** What happened to one delivery, the latest first by the clock of the database, 200 rows at most. */
export async function logsOfDelivery(
  db: Db,
  companyId: string,
  deliveryId: string,
): Promise<readonly WebhookLogSummary[]> {
  return (await latestOfDelivery(db, companyId, deliveryId)).map(toSummary)
}

/** By what the fewest rows share. Few attempts are in trouble: a subscription that fails on and on is disabled. */
function pathFor(filter: WebhookLogFilter, statuses: Statuses | undefined): typeof byTime {
  if (filter.delivery_id !== undefined) return byDelivery
  if (filter.event_id !== undefined) return byEvent
  if (isTrouble(filter, statuses)) return byTrouble
  return filter.subscription_id === undefined ? byTime : bySubscription
}

/** Whether no attempt that delivered can fulfil it: those, and only those, had a status of 2xx. */
function isTrouble({ outcome, reason }: WebhookLogFilter, statuses: Statuses | undefined): boolean {
  if (outcome !== undefined && outcome !== 'delivered') return true
  if (reason !== undefined && !/^http_2\d\d$/.test(reason)) return true
  return statuses !== undefined && (statuses.to < 200 || statuses.from > 299)
}

const findLog = statement<[companyId: string, id: string], LogRow>(
  'webhook_log.find',
  `select ${summaryColumns}, request_headers, request_body, response_headers, response_body, response_truncated, dns_ms, connect_ms,
          first_byte_ms
     from webhook_logs
    where company_id = $1 and id = $2`,
)

/**
 * One row of the ledger, whole. Throws not_found, in the same words whether it is unknown, another company's or no id, and
 * log_expired for an id from before the company's ledger begins.
 */
export async function getWebhookLog(db: Db, companyId: string, id: string): Promise<WebhookLog> {
  const logId = canonicalUuid(id)
  const [row] = logId === undefined ? [] : await findLog(db, companyId, logId)
  if (!row) return await throwMissing(db, companyId, logId, 'webhook log')
  const { total_ms, ...summary } = toSummary(row)
  const { body: text, body_base64: base64 } = decodeBody(row.response_body ?? undefined, row.response_truncated)
  return {
    ...summary,
    request_headers: parseHeaders(row.request_headers),
    request_body: row.request_body,
    response_headers: parseHeaders(row.response_headers),
    response_body: text,
    response_body_base64: base64,
    response_truncated: row.response_truncated,
    timings: { dns_ms: row.dns_ms, connect_ms: row.connect_ms, first_byte_ms: row.first_byte_ms, total_ms },
  }
}

function toSummary(row: SummaryRow): WebhookLogSummary {
  return {
    id: row.id,
    delivery_id: row.delivery_id,
    subscription_id: row.subscription_id,
    event_id: row.event_id,
    event_name: row.event_name,
    position: row.position,
    is_test: row.is_test,
    replay_id: row.replay_id,
    attempt_no: row.attempt_no,
    outcome: row.outcome,
    reason: row.reason,
    detail: row.detail,
    webhook_url: row.webhook_url,
    response_status: row.response_status,
    total_ms: row.total_ms,
    started_at: row.started_at.toISOString(),
    next_attempt_at: row.next_attempt_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
  }
}

/** Written by us as [[name, value], …]. */
function parseHeaders(text: string | null): Headers | null {
  const headers: Headers | null = text === null ? null : JSON.parse(text)
  return headers
}

/** What is kept of a response, as text where it is one. */
export function decodeBody(
  bytes: Buffer | undefined,
  isTruncated: boolean,
): { readonly body: string | null; readonly body_base64: string | null } {
  const text = bytes && decodeUtf8(bytes, isTruncated)
  return { body: text ?? null, body_base64: bytes && text === undefined ? bytes.toString('base64') : null }
}

/** Undefined for bytes that are no UTF-8. A character that was cut off at the end of a truncated body is left out. */
function decodeUtf8(bytes: Buffer, isTruncated: boolean): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: isTruncated })
  } catch {
    return undefined
  }
}
