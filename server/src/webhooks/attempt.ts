import { nextTraceParent } from '../lib/trace-context.ts'
import type { OpenSpan, SpanFacts, Tracer } from '../lib/tracer.ts'
import type { Handed } from './hand-over.ts'
import type { CallContext } from './make-call.ts'
import { makeCall } from './make-call.ts'
import type { PostResult } from './post-result.ts'
import type { AttemptRecord } from './record-results.ts'
import type { RetrySchedule } from './retry.ts'
import { decideAfterAttempt, delayAfterShortageMs, reasonOf } from './retry.ts'

export interface AttemptContext extends CallContext {
  /** For subscriptions without one of their own. */
  readonly schedule: RetrySchedule
  readonly random: () => number
  readonly tracer?: Tracer | undefined
  /** Told how each call ended, before that is written. */
  readonly onAttempt?: (record: AttemptRecord) => void
}

/**
 * One call of a delivery, in the format of its subscription, and what it means for the delivery. Writes nothing. Whatever
 * goes wrong with the call is an outcome with a reason. Throws for a subscription without a secret in force, which the dispatcher
 * ends visibly.
 */
export async function attemptDelivery(context: AttemptContext, delivery: Handed, body: Buffer): Promise<AttemptRecord> {
  const { clock, random } = context
  const schedule = delivery.subscription.retrySchedule ?? context.schedule
  const startedMs = clock.now()
  const { traceParent } = delivery.event
  const span = context.tracer?.begin('deliver', traceParent, spanFacts(delivery))
  const sentAs = span?.traceParent ?? (traceParent === undefined ? undefined : nextTraceParent(traceParent))
  const { result, requestHeaders, detail } = await makeCall(context, delivery, body, sentAs)
  const after = { ...whatNow(delivery, result, { schedule, nowMs: clock.now(), random }), detail }
  const record = toRecord(delivery, startedMs, after, requestHeaders, result)
  if (span) endSpan(span, record)
  context.onAttempt?.(record)
  return record
}

function spanFacts({ id, event, subscription, attemptNo }: Handed): SpanFacts {
  return {
    'daybook.company_id': event.companyId,
    'daybook.event_id': event.id,
    'daybook.event_name': event.eventName,
    'daybook.subscription_id': subscription.id,
    'daybook.delivery_id': id,
    'daybook.attempt': attemptNo,
    'http.request.method': 'POST',
    'server.address': subscription.url.hostname,
  }
}

function endSpan(span: OpenSpan, { outcome, reason, responseStatus }: AttemptRecord): void {
  const status = responseStatus === undefined ? {} : { 'http.response.status_code': responseStatus }
  span.end({ 'daybook.outcome': outcome, ...status }, outcome === 'delivered' ? undefined : reason)
}

function whatNow(
  delivery: Handed,
  result: PostResult,
  circumstances: { schedule: RetrySchedule; nowMs: number; random: () => number },
): Ending {
  if (result.kind === 'error' && result.errorClass === 'cancelled') {
    // Given up by us while stopping: the receiver may have it, so the next process calls again.
    return { outcome: 'unknown', reason: 'cancelled', delayMs: 0 }
  }
  if (result.kind === 'error' && result.errorClass === 'local_shortage') {
    // The receiver was never asked, so it is not its failure.
    return { outcome: 'unknown', reason: 'local_shortage', delayMs: delayAfterShortageMs(circumstances.random()) }
  }
  const attemptNo = delivery.attemptNo - delivery.firstAttemptNo + 1
  return { ...decideAfterAttempt({ attemptNo, result, ...circumstances }), reason: reasonOf(result) }
}

/** How an attempt, or a delivery without one, ended. */
interface Ending {
  readonly outcome: AttemptRecord['outcome']
  readonly reason: string
  readonly detail?: string | undefined
  readonly gone?: boolean
  readonly delayMs?: number
}

/** The record of a delivery that ends without a call. */
export function endWithoutAttempt(
  delivery: Handed,
  outcome: 'failed' | 'cancelled',
  reason: string,
  detail: string,
  nowMs: number,
): AttemptRecord {
  return toRecord(delivery, nowMs, { outcome, reason, detail }, undefined, undefined)
}

function toRecord(
  delivery: Handed,
  startedMs: number,
  ending: Ending,
  requestHeaders: AttemptRecord['requestHeaders'],
  result: PostResult | undefined,
): AttemptRecord {
  const { event, subscription } = delivery
  const response = result?.kind === 'response' ? result : undefined
  return {
    companyId: event.companyId,
    deliveryId: delivery.id,
    leaseToken: delivery.leaseToken,
    subscriptionId: subscription.id,
    eventId: event.id,
    eventName: event.eventName,
    position: event.position,
    replayId: delivery.replayId,
    attemptNo: result ? delivery.attemptNo : 0,
    outcome: ending.outcome,
    reason: ending.reason,
    detail: ending.detail ?? (result?.kind === 'error' ? result.message : undefined),
    gone: ending.gone ?? false,
    delayMs: ending.delayMs,
    webhookUrl: subscription.webhookUrl,
    requestHeaders,
    responseStatus: response?.status,
    responseHeaders: response?.headers,
    responseBody: response && response.body.length > 0 ? response.body : undefined,
    responseTruncated: response?.bodyTruncated ?? false,
    timings: result?.timings ?? noTimings,
    startedAt: new Date(startedMs).toISOString(),
  }
}

const noTimings = {}
