import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { testCompany } from '../../test/support/company.ts'
import type { Leased, TestCompany } from '../../test/support/company.ts'
import { testDatabase } from '../../test/support/database.ts'
import { sql } from '../../test/support/sql.ts'
import { matchesEventName } from '../events/event-names.ts'
import { idTimeMs, newId } from '../lib/ids.ts'
import { ProblemError } from '../lib/problems.ts'
import type { WebhookLogFilter, WebhookLogSummary } from './read-logs.ts'
import { getWebhookLog, listWebhookLogs } from './read-logs.ts'
import type { AttemptRecord } from './record-results.ts'

async function listAll(company: TestCompany, filter: WebhookLogFilter, limit: number): Promise<WebhookLogSummary[]> {
  const logs: WebhookLogSummary[] = []
  let cursor: string | undefined
  do {
    const page = await company.asCompany(
      async (db) => await listWebhookLogs(db, company.id, filter, { limit, ...(cursor !== undefined && { cursor }) }),
    )
    logs.push(...page.logs)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return logs
}

describe('the list of webhook logs', () => {
  test('has exactly the rows that fulfil all of a filter, the newest first, however it is paged', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const other = await testCompany(pools)
    const subscriptions: string[] = []
    for (const one of [company, company, other]) subscriptions.push(await one.subscribe('*'))
    const names = ['thing.happened', 'thing.ended', 'other']
    const events = await company.publish(...Array.from({ length: 8 }, (_, n) => ({ eventName: names[n % 3] ?? '' })))
    await other.publish({}, {})
    await company.route()
    const outcomes = ['delivered', 'failed', 'will_retry'] as const
    const again = { outcome: 'will_retry', reason: 'http_500', delayMs: 0 } as const
    for (const subscriptionId of subscriptions.slice(0, 2)) {
      const eventName = (delivery: Leased): string => events.find(({ id }) => id === delivery.event_id)?.eventName ?? ''
      for (const delivery of await company.claim(subscriptionId)) {
        await company.finish(delivery, { ...again, responseStatus: 500, eventName: eventName(delivery) })
      }
      for (const [turn, delivery] of (await company.claim(subscriptionId)).entries()) {
        const outcome = outcomes[turn % 3] ?? 'failed'
        const results = {
          delivered: {},
          failed: { outcome: 'failed', reason: 'timeout', responseStatus: undefined },
          will_retry: { ...again, reason: 'http_404', responseStatus: 404 },
        } as const
        await company.finish(delivery, { ...results[outcome], eventName: eventName(delivery) })
      }
    }
    for (const delivery of await other.claim(subscriptions[2] ?? '')) await other.finish(delivery)
    const all = await listAll(company, {}, 200)
    assert.equal(all.length, 32)
    assert.deepEqual(
      all.map(({ id }) => id),
      all
        .map(({ id }) => id)
        .toSorted()
        .toReversed(),
    )

    const absent = { nil: undefined }
    const time = fc.option(
      fc.constantFrom(...all).map(({ id }) => new Date(idTimeMs(id))),
      absent,
    )
    const filter = fc.record({
      subscription_id: fc.option(fc.constantFrom(...subscriptions), absent),
      event_id: fc.option(fc.constantFrom(...events.map(({ id }) => id)), absent),
      delivery_id: fc.option(fc.constantFrom(...all.map((log) => log.delivery_id)), absent),
      outcome: fc.option(fc.constantFrom(...outcomes, 'cancelled' as const, 'unknown' as const), absent),
      event_name: fc.option(fc.constantFrom(...names, 'thing.*', '*', 'none', 'none.*'), absent),
      status_class: fc.option(fc.constantFrom(...(['2xx', '4xx', '5xx', 'none'] as const)), absent),
      response_status: fc.option(fc.constantFrom(200, 404, 500, 503), absent),
      reason: fc.option(fc.constantFrom('http_200', 'http_500', 'http_404', 'timeout', 'a\0'), absent),
      from: time,
      to: time,
    })
    const property = fc.asyncProperty(filter, fc.integer({ min: 1, max: 40 }), async (filter, limit) => {
      const { subscription_id, event_id, delivery_id, outcome, from, to, event_name, status_class, reason } = filter
      const { response_status } = filter
      const wanted = all.filter(
        (log) =>
          (subscription_id === undefined || log.subscription_id === subscription_id) &&
          (event_id === undefined || log.event_id === event_id) &&
          (delivery_id === undefined || log.delivery_id === delivery_id) &&
          (outcome === undefined || log.outcome === outcome) &&
          (event_name === undefined || matchesEventName(event_name, log.event_name)) &&
          (status_class === undefined || classOf(log) === status_class) &&
          (response_status === undefined || log.response_status === response_status) &&
          (reason === undefined || log.reason === reason) &&
          (!from || idTimeMs(log.id) >= from.getTime()) &&
          (!to || idTimeMs(log.id) < to.getTime()),
      )
      assert.deepEqual(await listAll(company, filter, limit), wanted)
    })
    await fc.assert(property, { numRuns: 300 })
  })

  test('looks at a bounded number of rows, says so by a cursor, and finds all that fit in the end', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const ids = Array.from({ length: 20_100 }, () => newId())
    await sql(
      pools.owner,
      `insert into webhook_logs (company_id, id, delivery_id, subscription_id, event_id, event_name, position, attempt_no,
              outcome, reason, webhook_url, started_at)
       select $1, x.id, x.id, $1, x.id, 'thing.happened', x.n, 1,
              case x.n % 3 when 0 then 'delivered' when 1 then 'failed' else 'will_retry' end,
              case when x.n % 3 = 0 then 'http_200' when x.n in (1, 5000, 20099) then 'rare' else 'usual' end, '', now()
         from unnest($2::uuid[]) with ordinality as x(id, n)`,
      [company.id, ids],
    )
    const rare = [20_098, 4_999, 0].map((n) => ids[n])
    const page = async (filter: WebhookLogFilter, cursor?: string) =>
      await company.asCompany(async (db) => await listWebhookLogs(db, company.id, filter, { limit: 5, cursor }))
    const first = await page({ event_name: 'thing.happened', reason: 'http_201' })
    assert.deepEqual(first.logs, [])
    assert.notEqual(first.nextCursor, null)
    // Along all rows, along those of a subscription, and along those in trouble, of which two parts are merged.
    for (const filter of [{ reason: 'http_201' }, { subscription_id: company.id, reason: 'http_201' }]) {
      assert.deepEqual([(await page(filter)).logs, await listAll(company, filter, 5)], [[], []])
    }
    const found = await listAll(company, { reason: 'rare' }, 2)
    assert.deepEqual(
      found.map(({ id }) => id),
      rare,
    )
    const all = await listAll(company, { status_class: 'none' }, 200)
    assert.equal(new Set(all.map(({ id }) => id)).size, all.length)
    assert.equal(all.length, 13_400)
  })
})

/** As the word of the filter. */
function classOf({ response_status: status }: WebhookLogSummary): string {
  return status === null ? 'none' : `${Math.floor(status / 100)}xx`
}

describe('a webhook log', () => {
  async function recorded(company: TestCompany, result: Partial<AttemptRecord>) {
    const subscriptionId = await company.subscribe('*')
    await company.publish({})
    await company.route()
    const [delivery] = await company.claim(subscriptionId)
    assert.ok(delivery)
    await company.finish(delivery, result)
    const [log] = await listAll(company, { subscription_id: subscriptionId }, 1)
    return await company.asCompany(async (db) => await getWebhookLog(db, company.id, log?.id ?? ''))
  }

  test('has the request and the response whole', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const log = await recorded(company, {
      outcome: 'failed',
      reason: 'http_400',
      requestHeaders: [
        ['webhook-id', 'a'],
        ['x', '1'],
        ['x', '2'],
      ],
      responseHeaders: [
        ['set-cookie', 'a'],
        ['set-cookie', 'b'],
      ],
      responseStatus: 400,
      responseBody: Buffer.from('\ufeffno, "ä"\u0000'),
      timings: { connectMs: 1.5, firstByteMs: 2, totalMs: 3 },
    })
    assert.deepEqual(log.request_headers, [
      ['webhook-id', 'a'],
      ['x', '1'],
      ['x', '2'],
    ])
    assert.deepEqual(log.response_headers, [
      ['set-cookie', 'a'],
      ['set-cookie', 'b'],
    ])
    assert.equal(log.response_body, '\ufeffno, "ä"\u0000')
    assert.equal(log.response_body_base64, null)
    assert.deepEqual(log.timings, { dns_ms: null, connect_ms: 1.5, first_byte_ms: 2, total_ms: 3 })
    assert.deepEqual([log.outcome, log.reason, log.response_status, log.attempt_no], ['failed', 'http_400', 400, 1])
  })

  test('has a body that is no text as base64; a character that was cut off at its end is left out', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const cut = Buffer.from('aä').subarray(0, 2)
    const binary = await recorded(company, { responseBody: cut })
    assert.deepEqual([binary.response_body, binary.response_body_base64], [null, cut.toString('base64')])
    const long = await recorded(company, { responseBody: cut, responseTruncated: true })
    assert.deepEqual([long.response_body, long.response_body_base64, long.response_truncated], ['a', null, true])
    const none = await recorded(company, { responseBody: undefined, requestHeaders: undefined })
    assert.deepEqual([none.response_body, none.response_body_base64, none.request_headers], [null, null, null])
  })

  test('of another company is not found in the same words as one that is nowhere', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const other = await testCompany(pools)
    const foreign = await recorded(other, {})
    for (const id of [foreign.id, newId(), 'no id']) {
      await assert.rejects(
        company.asCompany(async (db) => await getWebhookLog(db, company.id, id)),
        (error) =>
          error instanceof ProblemError && error.code === 'not_found' && error.message === 'No such webhook log',
      )
    }
  })
})
