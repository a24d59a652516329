import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { author, testCompany } from '../../test/support/company.ts'
import type { TestCompany } from '../../test/support/company.ts'
import { testDatabase } from '../../test/support/database.ts'
import { sql } from '../../test/support/sql.ts'
import { registeredStatements } from '../db/statement.ts'
import { AFTER_ALL_IDS, BEFORE_ALL_IDS, newId } from '../lib/ids.ts'
import { ProblemError } from '../lib/problems.ts'
import type { DeliveryView } from './delivery-view.ts'
import type { DeliveryFilter } from './read-deliveries.ts'
import { deliveriesOfEvent, getDelivery, listDeliveries } from './read-deliveries.ts'
import { retryDelivery } from './retry-delivery.ts'
import { disableSubscription } from './subscriptions.ts'

async function listAll(company: TestCompany, filter: DeliveryFilter, limit: number): Promise<readonly DeliveryView[]> {
  const deliveries: DeliveryView[] = []
  let cursor: string | undefined
  do {
    const page = await company.asCompany(
      async (db) => await listDeliveries(db, company.id, filter, { limit, ...(cursor !== undefined && { cursor }) }),
    )
    deliveries.push(...page.deliveries)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return deliveries
}

describe('a delivery', () => {
  test('shows its state and the reason for it from its first moment to its last', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const subscriptionId = await company.subscribe('thing.*')
    const [event] = await company.publish({})
    await company.route()
    const look = async (): Promise<readonly unknown[]> => {
      const [only, ...more] = await company.asCompany(
        async (db) => await deliveriesOfEvent(db, company.id, event?.id ?? ''),
      )
      assert.deepEqual(more, [])
      return [only?.state, only?.progress, only?.reason, only?.attempts, only?.last_attempt?.outcome]
    }

    assert.deepEqual(await look(), ['pending', 'waiting', 'not_attempted_yet', 0, undefined])
    const [first] = await company.claim(subscriptionId)
    assert.ok(first)
    assert.deepEqual(await look(), ['pending', 'in_flight', 'attempt_under_way', 1, undefined])
    await company.finish(first, { outcome: 'will_retry', reason: 'http_503', responseStatus: 503, delayMs: 0 })
    assert.deepEqual(await look(), ['pending', 'retrying', 'http_503', 1, 'will_retry'])

    await company.claim(subscriptionId, 0) // by somebody who dies
    assert.deepEqual(await look(), ['pending', 'retrying', 'lease_expired', 2, 'will_retry'])
    const [third] = await company.claim(subscriptionId)
    assert.ok(third)
    assert.deepEqual(await look(), ['pending', 'in_flight', 'attempt_under_way', 3, 'unknown'])
    await company.asCompany(async (db) => await disableSubscription(db, author, company.id, subscriptionId))
    assert.deepEqual(await look(), ['pending', 'in_flight', 'attempt_under_way', 3, 'unknown'])
    await company.finish(third, {
      outcome: 'will_retry',
      reason: 'timeout',
      responseStatus: undefined,
      delayMs: 60_000,
    })
    assert.deepEqual(await look(), ['pending', 'held', 'subscription_inactive', 3, 'will_retry'])
    await company.asCompany(async (db) => {
      await db.query({ name: '', text: `update event_subscriptions set status = 'active'`, values: [] })
      await db.query({ name: '', text: `update webhook_deliveries set due_at = now()`, values: [] })
    })
    const [fourth] = await company.claim(subscriptionId)
    assert.ok(fourth)
    await company.finish(fourth, { outcome: 'failed', reason: 'http_410', responseStatus: 410 })
    assert.deepEqual(await look(), ['failed', null, 'http_410', 4, 'failed'])

    const whole = await company.asCompany(async (db) => await getDelivery(db, company.id, first.id.toUpperCase()))
    assert.deepEqual(
      whole.attempts_log.map(({ attempt_no, outcome }) => [attempt_no, outcome]),
      [
        [4, 'failed'],
        [3, 'will_retry'],
        [2, 'unknown'],
        [1, 'will_retry'],
      ],
    )
    assert.equal(whole.last_attempt?.log_id, whole.attempts_log[0]?.id)
    assert.ok(whole.ended_at)
  })

  test('of another company is not found in the same words as one that is nowhere', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const other = await testCompany(pools)
    const subscriptionId = await other.subscribe('*')
    await other.publish({})
    await other.route()
    const [foreign] = await other.claim(subscriptionId)
    for (const id of [foreign?.id ?? '', newId(), 'no id']) {
      await assert.rejects(
        company.asCompany(async (db) => await getDelivery(db, company.id, id)),
        (error) => error instanceof ProblemError && error.code === 'not_found' && error.message === 'No such delivery',
      )
    }
    assert.deepEqual(await listAll(company, {}, 10), [])
    assert.deepEqual(await listAll(company, { event_id: foreign?.event_id ?? '' }, 10), [])
  })
})

describe('the list of deliveries', () => {
  test('has each delivery once, in its present state, whatever the filter and the size of a page', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const subscriptions = [await company.subscribe('*'), await company.subscribe('thing.*')]
    const events = await company.publish(...Array.from({ length: 12 }, () => ({})))
    await company.route()
    const expected = new Map<string, { state: string; subscriptionId: string; eventId: string }>()
    const outcomes = ['delivered', 'failed', 'cancelled', 'will_retry'] as const
    for (const [index, subscriptionId] of subscriptions.entries()) {
      const claimed = await company.claim(subscriptionId)
      const leased = claimed.toSorted((a, b) => a.position - b.position)
      for (const [turn, delivery] of leased.entries()) {
        const outcome = outcomes[(turn + index) % outcomes.length] ?? 'failed'
        const delayMs = outcome === 'will_retry' ? 60_000 : undefined
        if (turn < 10) await company.finish(delivery, { outcome, reason: 'http_200', delayMs })
        const state = turn < 10 && outcome !== 'will_retry' ? outcome : 'pending'
        expected.set(delivery.id, { state, subscriptionId, eventId: delivery.event_id })
      }
    }
    // Two that have ended are retried; one of them ends again, the other one stays pending.
    const ended = [...expected].filter(([, { state }]) => state === 'failed').map(([id]) => id)
    const [again = '', pending = ''] = ended
    for (const id of [again, pending]) {
      await company.asCompany(async (db) => await retryDelivery(db, author, company.id, id))
    }
    for (const delivery of await company.claim(expected.get(again)?.subscriptionId ?? '')) {
      if (delivery.id === again) await company.finish(delivery)
    }
    Object.assign(expected.get(again) ?? {}, { state: 'delivered' })
    Object.assign(expected.get(pending) ?? {}, { state: 'pending' })

    const filters: DeliveryFilter[] = [{}]
    for (const state of ['pending', 'delivered', 'failed', 'cancelled'] as const) {
      filters.push({ state }, ...subscriptions.map((subscription_id) => ({ state, subscription_id })))
    }
    filters.push(...subscriptions.map((subscription_id) => ({ subscription_id })))
    filters.push(...events.map(({ id }) => ({ event_id: id })))
    filters.push(
      ...events.map(({ id }) => ({ event_id: id, subscription_id: subscriptions[0], state: 'failed' as const })),
    )
    for (const filter of filters) {
      const wanted = [...expected].filter(
        ([, one]) =>
          (filter.state === undefined || one.state === filter.state) &&
          (filter.subscription_id === undefined || one.subscriptionId === filter.subscription_id) &&
          (filter.event_id === undefined || one.eventId === filter.event_id),
      )
      for (const limit of [1, 3, 200]) {
        const listed = await listAll(company, filter, limit)
        assert.deepEqual(
          listed.map(({ id, state }) => `${id} ${state}`).sort(),
          wanted.map(([id, { state }]) => `${id} ${state}`).sort(),
          JSON.stringify(filter),
        )
        const states = listed.map(({ state }) => state === 'pending')
        assert.deepEqual(
          states,
          states.toSorted((a, b) => Number(b) - Number(a)),
          'pending ones come first',
        )
      }
    }
  })

  test('refuses the cursor of a list of another state', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    await company.subscribe('*')
    await company.publish({}, {})
    await company.route()
    const list = async (filter: DeliveryFilter, cursor?: string) =>
      await company.asCompany(async (db) => await listDeliveries(db, company.id, filter, { limit: 1, cursor }))
    const { nextCursor } = await list({})
    assert.ok(nextCursor)
    await assert.rejects(
      list({ state: 'failed' }, nextCursor),
      (error) => error instanceof ProblemError && error.code === 'invalid_cursor',
    )
  })
})

test('what is last of a delivery is found by the index over deliveries, however long the ledger is', async (t) => {
  const { pools } = await testDatabase(t)
  const company = await testCompany(pools)
  const deliveryId = newId()
  const subscriptionId = newId()
  await sql(
    pools.owner,
    `insert into webhook_logs (company_id, id, delivery_id, subscription_id, event_id, event_name, position, attempt_no,
                               outcome, reason, webhook_url, started_at)
     select $1, overlay($2::text placing lpad(to_hex(n), 12, '0') from 25)::uuid,
            overlay($3::text placing lpad(to_hex(n / 4), 12, '0') from 25)::uuid, $4, gen_random_uuid(), 'thing.happened',
            n, 1 + n % 4, case n % 4 when 3 then 'failed' else 'will_retry' end, 'http_500', 'https://example.com/', now()
       from generate_series(0, 9999) n`,
    [company.id, newId(), deliveryId, subscriptionId],
  )
  await sql(pools.owner, 'analyze webhook_logs')
  const paths: readonly (readonly [name: RegExp, values: readonly unknown[]])[] = [
    [/^delivery\.find_(pending|ending)$/, [company.id, deliveryId]],
    [/^webhook_log\.latest_of_delivery$/, [company.id, deliveryId]],
    [/^delivery\.list_pending$/, [company.id, BEFORE_ALL_IDS, AFTER_ALL_IDS, null, null, null, 10]],
    [/^delivery\.list_ended_by_time$/, [company.id, AFTER_ALL_IDS, null, null, null, 10]],
    [/^delivery\.list_ended_by_subscription$/, [company.id, AFTER_ALL_IDS, null, subscriptionId, null, 10]],
  ]
  for (const [pattern, values] of paths) {
    for (const { name, text } of registeredStatements().filter((one) => pattern.test(one.name))) {
      const plan = await company.asCompany(async (db) => await sql<object>(db, `explain (costs off) ${text}`, values))
      const lines = plan.flatMap(Object.values).map(String)
      const looks = lines.filter((line) => / on webhook_logs_\d+_\d+ (webhook_logs|a|n)_/.test(line))
      const byDelivery = looks.filter((line) => /Scan using webhook_logs_\w+_company_id_delivery_id_id_idx/.test(line))
      assert.ok(byDelivery.length > 0, `${name}\n${lines.join('\n')}`)
      // The partitions of other months are empty, and read as it comes.
      const month = /on (webhook_logs_\d+_\d+)/.exec(byDelivery[0] ?? '')?.[1] ?? ''
      assert.deepEqual(
        looks.filter((line) => line.includes(month)),
        byDelivery.filter((line) => line.includes(month)),
        name,
      )
    }
  }
})
