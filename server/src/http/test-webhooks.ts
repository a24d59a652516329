/** What the two routes that make test calls have in common. */
import type { WebhookTest } from '../contract/webhook-test.ts'
import { asCompany } from '../db/transaction.ts'
import { allowanceOfRequest } from '../events/allowance.ts'
import { viewOfCustom, viewOfStandard } from '../events/definition-view.ts'
import { entitiesFromPayload } from '../events/definitions.ts'
import { isEventName } from '../events/event-names.ts'
import { readDefinition } from '../events/read-definition.ts'
import { sampleOfDefinition } from '../events/sample-of-definition.ts'
import { newId } from '../lib/ids.ts'
import { ProblemError } from '../lib/problems.ts'
import type { Fault } from '../lib/problems.ts'
import { RecentMap } from '../lib/recent-map.ts'
import type { TokenBucket, TokenRate } from '../lib/token-bucket.ts'
import { takeTokens } from '../lib/token-bucket.ts'
import type { DeliverableSubscription } from '../webhooks/deliverables.ts'
import type { OutgoingFacts } from '../webhooks/outgoing-event.ts'
import { decodeBody } from '../webhooks/read-logs.ts'
import type { TestCall } from '../webhooks/test-call.ts'
import { callTest, recordTest } from '../webhooks/test-call.ts'
import { definitionParts } from './definition-parts.ts'
import type { HttpParts } from './http-parts.ts'

export interface SampleInput {
  readonly event_name: string
  /** Undefined: what the definition gives. */
  readonly payload?: unknown
  readonly entity_type?: string | undefined
  readonly entity_id?: string | number | undefined
}

/** Test calls of a company that may be under way at once: they are made while somebody waits for the answer. */
const CALLS_MAX = 10

/** And begun, at once and over time. Whoever looks for open ports of others is slow. */
const CALLS_PER_MINUTE = 60

const COMPANIES_MAX = 10_000

/** What is asked here of a reply. */
interface Reply {
  header(name: string, value: string): unknown
}

/** One for a process, which counts for all of its routes. */
export class TestWebhooks {
  readonly #parts: HttpParts
  readonly #underWay = new Map<string, number>()
  readonly #buckets = new RecentMap<TokenBucket>(COMPANIES_MAX)

  constructor(parts: HttpParts) {
    this.#parts = parts
  }

  /**
   * Calls with a sample of the event and keeps the call in the ledger. Throws invalid_event_name and, beyond the limits,
   * too_many_tests, with a `retry-after` on the reply.
   * @param subscriptionId null for a call of any URL
   * @param verifiedBy what verifies the signature, where the caller does not know it
   */
  async call(
    reply: Reply,
    target: DeliverableSubscription,
    subscriptionId: string | null,
    input: SampleInput,
    verifiedBy: string | null,
  ): Promise<WebhookTest> {
    const { companyId } = target
    const { pools, calls } = this.#parts
    this.#count(companyId, reply)
    const release = this.#take(companyId, reply)
    try {
      const { sample, faults } = await this.#sampleOf(companyId, input)
      const test = await callTest(calls, target, sample)
      await asCompany(pools.api, companyId, (db) => recordTest(db, subscriptionId, test))
      return testAnswer(test, verifiedBy, faults)
    } finally {
      release()
    }
  }

  #count(companyId: string, reply: Reply): void {
    const perMinute = this.#parts.testCallsPerMinuteMax ?? CALLS_PER_MINUTE
    if (perMinute === 0) return
    const pace: TokenRate = { perSecond: perMinute / 60, burst: perMinute }
    const { bucket, waitMs } = takeTokens(this.#buckets.get(companyId), pace, this.#parts.clock.elapsed())
    this.#buckets.set(companyId, bucket)
    if (waitMs === 0) return
    reply.header('retry-after', String(Math.ceil(waitMs / 1_000)))
    throw new ProblemError('too_many_tests', `${perMinute} test calls a minute are made for a company`)
  }

  #take(companyId: string, reply: Reply): () => void {
    const underWay = this.#underWay.get(companyId) ?? 0
    if (underWay >= CALLS_MAX) {
      reply.header('retry-after', '1')
      throw new ProblemError('too_many_tests', `${CALLS_MAX} test calls are under way; wait for one of them`)
    }
    this.#underWay.set(companyId, underWay + 1)
    return () => {
      const left = (this.#underWay.get(companyId) ?? 1) - 1
      if (left === 0) this.#underWay.delete(companyId)
      else this.#underWay.set(companyId, left)
    }
  }

  async #sampleOf(
    companyId: string,
    input: SampleInput,
  ): Promise<{ readonly sample: OutgoingFacts; readonly faults: readonly Fault[] }> {
    const { clock, definitions } = this.#parts
    const { event_name: eventName, entity_type: type, entity_id: id } = input
    if (!isEventName(eventName)) {
      throw new ProblemError('invalid_event_name', 'One to six dotted segments of a-z, 0-9, _ and -', [
        { pointer: '/event_name', code: 'invalid_event_name', message: 'Is no event name' },
      ])
    }
    const definition = (await definitions.forPublish(companyId, [eventName])).get(eventName)
    const payload = input.payload === undefined ? await this.#payloadOf(companyId, eventName) : input.payload
    const found = definition ? entitiesFromPayload(definition, payload) : { related: [] }
    const given = type === undefined || id === undefined ? undefined : { type, id: String(id) }
    const sample = {
      companyId,
      id: newId(clock.now()),
      eventName,
      occurredAt: new Date(clock.now()).toISOString(),
      entity: given ?? found.entity,
      related: found.related,
      actor: undefined,
      source: undefined,
      correlationId: undefined,
      causationId: undefined,
      payload: JSON.stringify(payload),
    }
    const allowance = allowanceOfRequest(sample.payload.length)
    return { sample, faults: definition?.validate(payload, allowance) ?? [] }
  }

  /** What the definition gives; a name without one has nothing to say. */
  async #payloadOf(companyId: string, eventName: string): Promise<unknown> {
    const parts = definitionParts(this.#parts)
    try {
      const found = await readDefinition(parts, companyId, eventName)
      const view = 'custom' in found ? viewOfCustom(found.custom) : viewOfStandard(found.standard)
      return (await sampleOfDefinition(parts.judge, companyId, view)).payload
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'not_found') return { test: true }
      throw error
    }
  }
}

function testAnswer({ id, body, record }: TestCall, verifiedBy: string | null, faults: readonly Fault[]): WebhookTest {
  const sent = new Map(record.requestHeaders)
  const timestamp = sent.get('webhook-timestamp') ?? null
  const { dnsMs, connectMs, firstByteMs, totalMs } = record.timings
  return {
    webhook_log_id: id,
    outcome: record.outcome === 'delivered' ? 'delivered' : 'failed',
    reason: record.reason,
    detail: record.detail ?? null,
    request: { method: 'POST', url: record.webhookUrl, headers: record.requestHeaders ?? null, body },
    response:
      record.responseStatus === undefined
        ? null
        : {
            status: record.responseStatus,
            headers: record.responseHeaders ?? null,
            ...decodeBody(record.responseBody, record.responseTruncated),
            truncated: record.responseTruncated,
          },
    timings: {
      dns_ms: dnsMs ?? null,
      connect_ms: connectMs ?? null,
      first_byte_ms: firstByteMs ?? null,
      total_ms: totalMs ?? null,
    },
    verification: {
      webhook_id: record.eventId,
      webhook_timestamp: timestamp,
      webhook_signature: sent.get('webhook-signature') ?? null,
      signed_content: timestamp === null ? null : `${record.eventId}.${timestamp}.${body}`,
      secret: verifiedBy,
    },
    payload_faults: [...faults],
  }
}
