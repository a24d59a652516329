import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { jobRun } from '../support/job-run.ts'
import { makeAttempt, makeSubscription, newEventName } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const path = '/events/replays'

/** A subscription with so many events that were never sent. */
async function makeEvents(count: number): Promise<{ readonly subscriptionId: string; readonly eventName: string }> {
  const eventName = newEventName()
  for (let left = count; left > 0; left -= 1_000) {
    const events = Array.from({ length: Math.min(left, 1_000) }, () => ({ event_name: eventName, payload: {} }))
    await api.request('POST', '/events/batch', { events })
  }
  await api.node.route()
  return { subscriptionId: await makeSubscription(api, { event_names: [eventName] }), eventName }
}

describe('POST /events/replays', () => {
  describe('200', () => {
    test('a dry run says what would be sent, and sends nothing', async (t) => {
      const { subscriptionId, eventName, eventId, receiver } = await makeAttempt(t, api)
      const source = { event_names: [eventName], from: '-1h', entities: undefined }
      const target = { subscription_ids: [subscriptionId.toUpperCase()] }
      const { status, body } = await api.request('POST', path, { source, target, rate: 10, dry_run: true })
      const { count, is_estimated, looked_at, bytes, seconds, mode, rate, reason, skipped_reasons } = body
      assert.deepEqual(
        [status, count, is_estimated, looked_at, bytes, seconds, mode, rate, reason, skipped_reasons],
        [200, 1, false, 1, '{"n":1}'.length, 1, 'all', 10, null, {}],
      )
      assert.deepEqual(body['target'], { subscription_ids: [subscriptionId] })
      const [sample] = body['sample'] as readonly Readonly<Record<string, unknown>>[]
      assert.deepEqual([sample?.['event_id'], sample?.['subscription_id']], [eventId, subscriptionId])
      await jobRun(api.database.pools).work()
      await api.node.dispatch()
      assert.equal(receiver.calls.length, 1)
      assert.deepEqual((await api.request('GET', path)).body['data'], [])
    })
  })

  describe('202', () => {
    test('the same event is sent again, with the id of the replay', async (t) => {
      const { subscriptionId, eventName, receiver } = await makeAttempt(t, api)
      const order = { source: { event_names: [eventName] }, target: { subscription_ids: [subscriptionId] } }
      const { status, body } = await api.request('POST', path, order)
      assert.deepEqual([status, body['state'], body['total'], body['done']], [202, 'queued', 1, 0])
      await jobRun(api.database.pools).work()
      await api.node.dispatch()
      const [first, second] = receiver.calls
      assert.ok(first && second && receiver.calls.length === 2)
      assert.deepEqual([second.id, second.body], [first.id, first.body])
      assert.deepEqual(
        [first.headers['webhook-replay-id'], second.headers['webhook-replay-id']],
        [undefined, body['id']],
      )
    })

    test('more than 1,000 are sent when their number is confirmed, nearly', async () => {
      const { subscriptionId } = await makeEvents(1_001)
      const order = { source: {}, target: { subscription_ids: [subscriptionId] }, expected_count: 1_050 }
      const { status, body } = await api.request('POST', path, order)
      assert.deepEqual([status, body['total'], body['is_total_estimated']], [202, 1_001, false])
    })
  })

  describe('400', () => {
    test('what is not of this form is named', async () => {
      const id = newId()
      const target = { subscription_ids: [id] }
      for (const [body, ...pointers] of [
        [{ target }, '/source'],
        [{ source: {} }, '/target'],
        [{ source: {}, target: { subscription_ids: [] } }, '/target/subscription_ids'],
        [{ source: {}, target: { subscription_ids: ['x'] } }, '/target/subscription_ids/0'],
        [{ source: { from_position: 0 }, target }, '/source/from_position'],
        [{ source: { entities: [{ type: 'order' }] }, target }, '/source/entities/0/id'],
        [{ source: {}, target: { subscription_ids: [id, id.toUpperCase()] } }, '/target/subscription_ids/1'],
        [{ source: { from_position: 9, to_position: 8 }, target }, '/source/to_position'],
        [{ source: { include_related: true }, target }, '/source/include_related'],
        [{ source: {}, target, mode: 'some' }, '/mode'],
        [{ source: {}, target, rate: 10_001 }, '/rate'],
        [{ source: {}, target, reason: 'r'.repeat(501) }, '/reason'],
        [{ source: {}, target, nothing: 1 }, '/nothing'],
      ] as const) {
        assert.deepEqual(refusalOf(await api.request('POST', path, body)), [400, 'invalid_request', ...pointers])
      }
    })
  })

  describe('409', () => {
    test('another number than expected, and a 21st open job', async () => {
      const order = { source: {}, target: { subscription_ids: [await makeSubscription(api)] } }
      assert.deepEqual(refusalOf(await api.request('POST', path, { ...order, expected_count: 5 })), [
        409,
        'count_changed',
        '/expected_count',
      ])
      let answer = await api.request('POST', path, order)
      for (let open = 1; open < 21 && answer.status === 202; open++) answer = await api.request('POST', path, order)
      assert.deepEqual(refusalOf(answer), [409, 'job_limit'])
      await jobRun(api.database.pools).work()
    })
  })

  describe('422', () => {
    test('more than 1,000 without an expected number', async () => {
      const { subscriptionId } = await makeEvents(1_001)
      const answer = await api.request('POST', path, { source: {}, target: { subscription_ids: [subscriptionId] } })
      assert.deepEqual(refusalOf(answer), [422, 'count_required', '/expected_count'])
    })

    test('a subscription, a name, a filter or a time that is none', async () => {
      const target = { subscription_ids: [await makeSubscription(api)] }
      for (const [body, ...refusal] of [
        [{ source: {}, target: { subscription_ids: [newId()] } }, 'unknown_subscription', '/target/subscription_ids/0'],
        [{ source: { event_names: ['No Name'] }, target }, 'invalid_event_name'],
        [{ source: { filter: { n: { $near: 1 } } }, target }, 'invalid_filter', '/source/filter/n/$near'],
        [{ source: { from: 'yesterday' }, target }, 'invalid_time', '/source/from'],
        [{ source: { from: '-1h', to: '-2h' }, target }, 'invalid_time', '/source/to'],
      ] as const) {
        assert.deepEqual(refusalOf(await api.request('POST', path, body)), [422, ...refusal])
      }
    })

    test("a deleted subscription, and another company's, as one that never was", async () => {
      const deleted = await makeSubscription(api)
      await api.request('DELETE', `/events/subscriptions/${deleted}`)
      const other = await api.newCompany('Other')
      const subscription = { webhook_url: 'https://example.com/webhook', event_names: ['*'] }
      const theirs = await api.request('POST', '/events/subscriptions', subscription, { key: other.key })
      for (const id of [deleted, theirs.body['id']]) {
        const answer = await api.request('POST', path, { source: {}, target: { subscription_ids: [id] } })
        assert.deepEqual(refusalOf(answer), [422, 'unknown_subscription', '/target/subscription_ids/0'])
      }
    })
  })
})
