import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { makeAttempt, makeDelivery, makeEvent, newEventName } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'
import { sql } from '../support/sql.ts'
import { statsRun } from '../support/stats-run.ts'

const api = await startRouteTest()
const path = '/events/stats'
const { count } = statsRun(api.database.pools)

type Figures = Readonly<Record<string, unknown>>

const ask = async (query: Readonly<Record<string, string>> = {}) => {
  await count()
  return (await api.request('GET', path, undefined, { query })).body
}
const listIn = (body: Figures, name: string): readonly Figures[] => body[name] as readonly Figures[]
const sumOf = (rows: readonly Figures[], name: string): number => rows.reduce((sum, row) => sum + Number(row[name]), 0)

describe('GET /events/stats', () => {
  describe('200', () => {
    test('the last 24 hours by hour, each hour once, with the day before', async () => {
      const body = await ask()
      const starts = listIn(body, 'buckets').map(({ starts_at }) => Date.parse(String(starts_at)))
      assert.equal(body['bucket'], 'hour')
      assert.ok(starts.length === 25 || starts.length === 24)
      assert.ok(starts.every((start, index) => index === 0 || start - (starts[index - 1] ?? 0) === 3_600_000))
      assert.equal(Date.parse(String(body['from'])), starts[0])
      const previous = body['previous'] as Figures
      assert.equal(previous['to'], body['from'])
      assert.deepEqual([previous['events'], previous['success_rate'], previous['latency_ms']], [0, null, null])
    })

    test('deliveries of one subscription: outcomes, success rate, reasons and their classes', async (t) => {
      const { subscriptionId, eventName, receiver } = await makeAttempt(t, api)
      for (const status of [410, 204, 204, 503]) {
        receiver.answer(() => ({ status }))
        await makeEvent(api, { event_name: eventName })
        await api.node.route()
        await api.node.dispatch()
      }
      const body = await ask({ subscription_id: subscriptionId })
      assert.partialDeepStrictEqual(body['totals'], {
        attempts: 5,
        delivered: 3,
        failed: 1,
        will_retry: 1,
        cancelled: 0,
        unknown: 0,
        success_rate: 0.75,
      })
      assert.deepEqual(body['reasons'], [
        { outcome: 'delivered', reason: 'http_204', class: 'http_2xx', count: 3 },
        { outcome: 'failed', reason: 'http_410', class: 'http_4xx', count: 1 },
        { outcome: 'will_retry', reason: 'http_503', class: 'http_5xx', count: 1 },
      ])
      assert.deepEqual(
        new Set(listIn(body, 'causes').map((cause) => cause['class'])),
        new Set(['http_4xx', 'http_5xx']),
      )
      const { p50, p90, p95, p99 } = (body['totals'] as { latency_ms: Record<string, number> }).latency_ms
      assert.ok([0, p50, p90, p95, p99].every((ms, index, all) => index === 0 || Number(ms) >= Number(all[index - 1])))
      assert.ok(Number(p50) > 0)
      assert.deepEqual(body['worst_subscriptions'], [])
      for (const name of ['attempts', 'delivered', 'failed', 'will_retry', 'events']) {
        assert.equal(sumOf(listIn(body, 'buckets'), name), (body['totals'] as Figures)[name], name)
      }
      const worst = listIn(await ask(), 'worst_subscriptions')
      assert.partialDeepStrictEqual(
        worst.find((one) => one['subscription_id'] === subscriptionId),
        { attempts: 5, delivered: 3, failed: 1, failed_attempts: 2, success_rate: 0.75 },
      )
    })

    test('events of some names and their deliveries, by name and by prefix; daybook.* only where it is named', async (t) => {
      const { eventName } = await makeAttempt(t, api)
      const other = `other.${newEventName()}`
      await makeEvent(api, { event_name: other })
      await api.node.route()
      for (const event_names of [eventName, `${eventName},nothing.such`]) {
        const body = await ask({ event_names })
        assert.partialDeepStrictEqual(body['totals'], { events: 1, attempts: 1, delivered: 1 })
        assert.deepEqual(body['events_by_name'], [{ event_name: eventName, events: 1 }])
        const [bucket] = listIn(body, 'buckets').filter(({ events }) => events === 1)
        assert.deepEqual([bucket?.['events_by_name'], bucket?.['other_events']], [{ [eventName]: 1 }, 0])
      }
      assert.partialDeepStrictEqual((await ask({ event_names: 'other.*' }))['totals'], { events: 1, attempts: 0 })
      const all = listIn(await ask(), 'events_by_name')
      assert.ok(all.length >= 2 && !all.some(({ event_name }) => String(event_name).startsWith('daybook.')))
      const administrative = listIn(await ask({ event_names: 'daybook.*' }), 'events_by_name')
      assert.ok(administrative.some(({ event_name }) => event_name === 'daybook.subscription.created'))
    })

    test('names that are not among the ten most frequent are together in every bucket', async () => {
      const names = Array.from({ length: 12 }, (_, index) => `many.n${index}`)
      for (const [index, event_name] of names.entries()) {
        await makeEvent(api, { event_name })
        if (index < 10) await makeEvent(api, { event_name })
      }
      await api.node.route()
      const body = await ask({ event_names: 'many.*' })
      const [bucket] = listIn(body, 'buckets').filter(({ events }) => Number(events) > 0)
      assert.equal(Object.keys(bucket?.['events_by_name'] ?? {}).length, 10)
      assert.equal(sumOf(listIn(body, 'buckets'), 'other_events'), 2)
      assert.equal(listIn(body, 'events_by_name').length, 12)
    })

    test('replays are counted apart', async (t) => {
      const { subscriptionId } = await makeDelivery(t, api)
      const { owner } = api.database.pools
      await sql(owner, 'update webhook_deliveries set replay_id = $1 where subscription_id = $2', [
        newId(),
        subscriptionId,
      ])
      await api.node.dispatch()
      const body = await ask({ subscription_id: subscriptionId })
      assert.partialDeepStrictEqual(body['totals'], { attempts: 0, delivered: 0, success_rate: null })
      assert.partialDeepStrictEqual(body['replays'], { attempts: 1, delivered: 1, success_rate: 1 })
    })

    test('buckets are as fine as asked for, or as the range wants', async () => {
      for (const [from, bucket, told, atLeast] of [
        ['-90m', 'auto', 'minute', 90],
        ['-6d', 'auto', 'hour', 144],
        ['-30d', 'auto', 'day', 30],
        ['-30d', 'hour', 'hour', 720],
        ['-12h', 'minute', 'minute', 720],
        ['-1h', 'day', 'day', 1],
        ['-4000d', 'day', undefined, 0],
      ] as const) {
        const { body, status } = await api.request('GET', path, undefined, { query: { from, bucket } })
        if (told === undefined) {
          assert.equal(status, 422)
          continue
        }
        assert.equal(body['bucket'], told, from)
        const { length } = listIn(body, 'buckets')
        assert.ok(length >= atLeast && length <= atLeast + 2, `${from}: ${length}`)
      }
    })

    test('where the time before is not kept there is none to compare with', async () => {
      assert.equal((await ask({ from: '-89d', to: '-60d', bucket: 'hour' }))['previous'], null)
    })

    test("a subscription that is nobody's or another's has no deliveries", async () => {
      assert.partialDeepStrictEqual((await ask({ subscription_id: newId() }))['totals'], { attempts: 0 })
    })
  })

  describe('400', () => {
    test('a bucket that is none, an id that is none, both filters at once', async () => {
      for (const [query, pointer] of [
        [{ bucket: 'week' }, '/bucket'],
        [{ subscription_id: 'x' }, '/subscription_id'],
        [{ subscription_id: newId(), event_names: 'a.b' }, '/event_names'],
      ] as const) {
        const answer = await api.request('GET', path, undefined, { query })
        assert.deepEqual(refusalOf(answer), [400, 'invalid_request', pointer])
      }
    })
  })

  describe('422', () => {
    test('an event name that is none', async () => {
      const answer = await api.request('GET', path, undefined, { query: { event_names: 'No Name' } })
      assert.deepEqual(refusalOf(answer), [422, 'invalid_event_name'])
    })

    test('a time that is none, an empty range, one that is not kept so finely, one of too many buckets', async () => {
      for (const [query, pointer] of [
        [{ from: 'yesterday' }, '/from'],
        [{ to: 'yesterday' }, '/to'],
        [{ from: '-1h', to: '-2h' }, '/from'],
        [{ from: '2999-01-01T00:00:00Z' }, '/from'],
        [{ from: '-3d', bucket: 'minute' }, '/from'],
        [{ from: '-91d', bucket: 'hour' }, '/from'],
        [{ from: '-47h', bucket: 'minute' }, '/bucket'],
        [{ from: '-4000d', bucket: 'day' }, '/bucket'],
      ] as const) {
        const answer = await api.request('GET', path, undefined, { query })
        assert.deepEqual(refusalOf(answer), [422, 'invalid_time', pointer], JSON.stringify(query))
      }
    })
  })
})
