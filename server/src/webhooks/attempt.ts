import type { Clock } from '../lib/clock.ts'
import { failpoint } from '../lib/failpoint.ts'
import type { Handed } from './hand-over.ts'
import type { HttpPoster } from './http-post.ts'
import type { PostResult } from './post-result.ts'
import type { AttemptRecord } from './record-results.ts'
import type { RetrySchedule } from './retry.ts'
import { decideAfterAttempt, reasonOf } from './retry.ts'
import { signatureHeader } from './sign.ts'
import { webhookBody } from './webhook-body.ts'

export interface AttemptContext {
  readonly clock: Clock
  readonly poster: HttpPoster
  readonly schedule: RetrySchedule
  readonly random: () => number
  readonly userAgent: string
}

/**
 * One call of a delivery: builds, signs, posts, and says what it means for the delivery. Writes nothing. Never rejects:
 * whatever goes wrong is an outcome with a reason.
 */
export async function attemptDelivery(context: AttemptContext, delivery: Handed): Promise<AttemptRecord> {
  const { clock, poster, schedule, random, userAgent } = context
  const { event, subscription } = delivery
  const startedMs = clock.now()
  const timestamp = Math.floor(startedMs / 1_000)
  const body = webhookBody(event)
  const secrets = subscription.secrets.filter(({ expiresAtMs }) => expiresAtMs > startedMs).map(({ key }) => key)
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'user-agent': userAgent,
    'webhook-id': event.id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatureHeader(secrets, event.id, timestamp, body),
    ...(delivery.replayId && { 'webhook-replay-id': delivery.replayId }),
  }
  const { url, timeoutMs } = subscription
  const result = await poster.post({ url, headers, body, timeoutMs, onSent })
  const shared = { ...describe(delivery), ...describeCall(result), requestHeaders: Object.entries(headers) }
  const startedAt = new Date(startedMs).toISOString()
  if (result.kind === 'error' && result.errorClass === 'cancelled') {
    // Given up by us while stopping: the receiver may have it, so the next process calls again.
    return { ...shared, outcome: 'unknown', reason: 'cancelled', gone: false, delayMs: 0, startedAt }
  }
  const after = decideAfterAttempt({
    attemptNo: delivery.attemptNo - delivery.firstAttemptNo + 1,
    schedule,
    result,
    nowMs: clock.now(),
    random,
  })
  return {
    ...shared,
    outcome: after.outcome,
    reason: reasonOf(result),
    gone: after.outcome === 'failed' && after.gone,
    delayMs: after.outcome === 'will_retry' ? after.delayMs : undefined,
    startedAt,
  }
}

function onSent(): void {
  void failpoint('delivery.after_send')
}

/** The record of a delivery that ends without a call. */
export function endWithoutAttempt(
  delivery: Handed,
  outcome: 'failed' | 'cancelled',
  reason: string,
  detail: string,
  nowMs: number,
): AttemptRecord {
  return {
    ...describe(delivery),
    attemptNo: 0,
    outcome,
    reason,
    detail,
    gone: false,
    delayMs: undefined,
    requestHeaders: undefined,
    responseStatus: undefined,
    responseHeaders: undefined,
    responseBody: undefined,
    responseTruncated: false,
    timings: {},
    startedAt: new Date(nowMs).toISOString(),
  }
}

function describe(delivery: Handed) {
  const { event, subscription } = delivery
  return {
    companyId: event.companyId,
    deliveryId: delivery.id,
    leaseToken: delivery.leaseToken,
    subscriptionId: subscription.id,
    eventId: event.id,
    eventName: event.eventName,
    position: event.position,
    replayId: delivery.replayId,
    attemptNo: delivery.attemptNo,
    webhookUrl: subscription.webhookUrl,
  }
}

function describeCall(result: PostResult) {
  const response = result.kind === 'response' ? result : undefined
  return {
    detail: result.kind === 'error' ? result.message : undefined,
    responseStatus: response?.status,
    responseHeaders: response?.headers,
    responseBody: response && response.body.length > 0 ? response.body : undefined,
    responseTruncated: response?.bodyTruncated ?? false,
    timings: result.timings,
  }
}
