import { command } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import { newId } from '../lib/ids.ts'
import { attemptDelivery } from './attempt.ts'
import type { DeliverableSubscription } from './deliverables.ts'
import type { CallContext } from './make-call.ts'
import type { OutgoingFacts } from './outgoing-event.ts'
import { OutgoingEvent } from './outgoing-event.ts'
import type { AttemptRecord } from './record-results.ts'

/** A call that somebody makes to try an endpoint, and how it ended. */
export interface TestCall {
  /** Of its row in the ledger. */
  readonly id: string
  readonly body: string
  readonly record: AttemptRecord
}

/** So that receivers can tell it from an event. */
const TEST_HEADER = ['daybook-test', 'true'] as const

/** Positions begin with 1. */
const NO_POSITION = 0

/**
 * Makes one call with a sample of an event, just as a delivery would be called: signed, with the subscription's headers and
 * credentials, through the same guard. It is never made again, and whatever goes wrong is in the record.
 */
export async function callTest(
  context: CallContext,
  subscription: DeliverableSubscription,
  sample: OutgoingFacts,
): Promise<TestCall> {
  const id = newId(context.clock.now())
  const event = new OutgoingEvent(subscription.companyId, sample.id, NO_POSITION, sample)
  const body = event.bodyAs(subscription.format)
  if (!body) throw new Error('A sample has a body')
  const customHeaders = [...subscription.customHeaders, TEST_HEADER]
  const delivery = {
    id,
    event,
    subscription: { ...subscription, customHeaders, retrySchedule: [] },
    leaseToken: id,
    attemptNo: 1,
    firstAttemptNo: 1,
  }
  const record = await attemptDelivery({ ...context, schedule: [], random: () => 0.5 }, delivery, body)
  const isDelivered = record.outcome === 'delivered'
  return { id, body: body.toString(), record: { ...record, outcome: isDelivered ? 'delivered' : 'failed' } }
}

const insertTest = command<readonly unknown[]>(
  'webhook_log.insert_test',
  `insert into webhook_logs (
          company_id, id, delivery_id, subscription_id, event_id, event_name, position, attempt_no, outcome, reason, detail,
          webhook_url, request_headers, request_body, response_status, response_headers, response_body,
          response_truncated, dns_ms, connect_ms, first_byte_ms, total_ms, started_at, is_test)
   values ($1, $2, $2, $3, $4, $5, 0, 1, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, true)`,
)

/** Keeps it in the ledger, as a test. `subscriptionId`: null for a call of any URL. */
export async function recordTest(db: Db, subscriptionId: string | null, { id, body, record }: TestCall): Promise<void> {
  const { requestHeaders, responseHeaders, timings } = record
  await insertTest(
    db,
    record.companyId,
    id,
    subscriptionId,
    record.eventId,
    record.eventName,
    record.outcome,
    record.reason,
    record.detail ?? null,
    record.webhookUrl,
    requestHeaders ? JSON.stringify(requestHeaders) : null,
    body,
    record.responseStatus ?? null,
    responseHeaders ? JSON.stringify(responseHeaders) : null,
    record.responseBody ?? null,
    record.responseTruncated,
    timings.dnsMs ?? null,
    timings.connectMs ?? null,
    timings.firstByteMs ?? null,
    timings.totalMs ?? null,
    record.startedAt,
  )
}
