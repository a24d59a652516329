import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { PageRequest } from '../lib/cursor.ts'
import { decodeCursor, encodeCursor, pageRows } from '../lib/cursor.ts'
import { canonicalUuid, firstIdOfMs } from '../lib/ids.ts'
import { ProblemError } from '../lib/problems.ts'
import type { TimeRange } from '../lib/time-range.ts'
import type { AttemptRecord } from './record-results.ts'

export type Outcome = AttemptRecord['outcome']

/**
 * Which rows of the ledger are wanted: those that fulfil everything that is given. Ids are UUIDs. The time is that of
 * the row.
 */
export interface WebhookLogFilter extends TimeRange {
  readonly subscription_id?: string | undefined
  readonly event_id?: string | undefined
  readonly delivery_id?: string | undefined
  readonly outcome?: Outcome | undefined
}

/** An attempt, or the end of a delivery without one, in a list. */
export interface WebhookLogSummary {
  readonly id: string
  readonly delivery_id: string
  readonly subscription_id: string
  readonly event_id: string
  readonly event_name: string
  readonly position: number
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
  readonly response_headers: string | null
  readonly response_body: Buffer | null
  readonly response_truncated: boolean
  readonly dns_ms: number | null
  readonly connect_ms: number | null
  readonly first_byte_ms: number | null
}

const summaryColumns = `id, delivery_id, subscription_id, event_id, event_name, position, replay_id, attempt_no,
          outcome, reason, detail, webhook_url, response_status, total_ms, started_at, next_attempt_at, created_at`

type Parameters = [
  companyId: string,
  from: string,
  before: string,
  subscriptionId: string | null,
  eventId: string | null,
  deliveryId: string | null,
  outcome: Outcome | null,
  rows: number,
]

/**
 * All of them have all conditions and go by id, the newest first. They differ in the index that they read, which is
 * made sure of by a condition that holds without the parameter being looked at.
 */
const listBy = (path: string, condition: string) =>
  statement<Parameters, SummaryRow>(
    `webhook_log.list_by_${path}`,
    `select ${summaryColumns}
       from webhook_logs
      where company_id = $1 and id >= $2 and id < $3
        and ($4::uuid is null or subscription_id = $4) and ($5::uuid is null or event_id = $5)
        and ($6::uuid is null or delivery_id = $6) and ($7::text is null or outcome = $7)
        and ${condition}
      order by id desc
      limit $8`,
  )

const byDelivery = listBy('delivery', 'delivery_id = $6')
const byEvent = listBy('event', 'event_id = $5')
const byTrouble = listBy('trouble', `outcome = $7 and outcome <> 'delivered'`)
const bySubscription = listBy('subscription', 'subscription_id = $4')
const byTime = listBy('time', 'true')

export interface WebhookLogPage {
  readonly logs: readonly WebhookLogSummary[]
  /** Null on the last page. */
  readonly nextCursor: string | null
}

/** Rows of the ledger, the newest first, without headers and bodies. */
export async function listWebhookLogs(
  db: Db,
  companyId: string,
  filter: WebhookLogFilter,
  page: PageRequest,
): Promise<WebhookLogPage> {
  const [before] = page.cursor === undefined ? [AFTER_ALL_IDS] : decodeCursor('webhook_logs', page.cursor, ['uuid'])
  const from = filter.from ? firstIdOfMs(filter.from.getTime()) : BEFORE_ALL_IDS
  const to = filter.to ? firstIdOfMs(filter.to.getTime()) : AFTER_ALL_IDS
  const limit = pageRows(page)
  const found = await pathFor(filter)(
    db,
    companyId,
    from,
    to < before ? to : before,
    filter.subscription_id ?? null,
    filter.event_id ?? null,
    filter.delivery_id ?? null,
    filter.outcome ?? null,
    limit + 1,
  )
  const logs = found.slice(0, limit).map(toSummary)
  const last = logs.at(-1)
  return { logs, nextCursor: last && found.length > limit ? encodeCursor('webhook_logs', [last.id]) : null }
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

/** The bounds of a list that goes by ids from the newest to the oldest. */
export const AFTER_ALL_IDS = 'ffffffff-ffff-ffff-ffff-ffffffffffff'
export const BEFORE_ALL_IDS = '00000000-0000-0000-0000-000000000000'

/** By what the fewest rows share. Few attempts are in trouble: a subscription that fails on and on is disabled. */
function pathFor(filter: WebhookLogFilter): typeof byTime {
  if (filter.delivery_id !== undefined) return byDelivery
  if (filter.event_id !== undefined) return byEvent
  if (filter.outcome !== undefined && filter.outcome !== 'delivered') return byTrouble
  return filter.subscription_id === undefined ? byTime : bySubscription
}

const findLog = statement<[companyId: string, id: string], LogRow>(
  'webhook_log.find',
  `select ${summaryColumns}, request_headers, response_headers, response_body, response_truncated, dns_ms, connect_ms,
          first_byte_ms
     from webhook_logs
    where company_id = $1 and id = $2`,
)

/**
 * One row of the ledger, whole. Throws not_found, in the same words whether it is unknown, another company's or no id.
 */
export async function getWebhookLog(db: Db, companyId: string, id: string): Promise<WebhookLog> {
  const logId = canonicalUuid(id)
  const [row] = logId === undefined ? [] : await findLog(db, companyId, logId)
  if (!row) throw new ProblemError('not_found', 'No such webhook log')
  const { total_ms, ...summary } = toSummary(row)
  const body = row.response_body
  const text = body && decodeUtf8(body, row.response_truncated)
  return {
    ...summary,
    request_headers: parseHeaders(row.request_headers),
    response_headers: parseHeaders(row.response_headers),
    response_body: text ?? null,
    response_body_base64: body && text === undefined ? body.toString('base64') : null,
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

/** Undefined for bytes that are no UTF-8. A character that was cut off at the end of a truncated body is left out. */
function decodeUtf8(bytes: Buffer, isTruncated: boolean): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: isTruncated })
  } catch {
    return undefined
  }
}
