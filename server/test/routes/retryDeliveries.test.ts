import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { endAll, jobRun } from '../support/job-run.ts'
import { makeAttempt, makeDelivery, makeSubscription, newEventName } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const { pools } = api.database
const path = '/events/deliveries/retry'

/** So many deliveries of one subscription that have failed. */
async function makeFailed(count: number): Promise<string> {
  const eventName = newEventName()
  const subscriptionId = await makeSubscription(api, { event_names: [eventName] })
  for (let left = count; left > 0; left -= 1_000) {
    const events = Array.from({ length: Math.min(left, 1_000) }, () => ({ event_name: eventName, payload: {} }))
    await api.request('POST', '/events/batch', { events })
  }
  await api.node.route()
  await endAll(pools, 'failed', 'http_503', api.companyId)
  return subscriptionId
}

describe('POST /events/deliveries/retry', () => {
  describe('200', () => {
    test('a dry run says how many fit and what was understood, and changes nothing', async (t) => {
      const { subscriptionId, eventName, deliveryId } = await makeAttempt(t, api, { status: 410 })
      const filter = {
        subscription_id: subscriptionId.toUpperCase(),
        event_name: eventName,
        reason: 'http_410',
        from: '-1h',
      }
      const { status, body } = await api.request('POST', path, { filter, dry_run: true })
      assert.deepEqual([status, body['kind'], body['count']], [200, 'retry_deliveries', 1])
      const { from, ...parameters } = body['parameters'] as Readonly<Record<string, unknown>>
      const understood = { state: 'failed', subscription_id: subscriptionId, event_name: eventName, reason: 'http_410' }
      assert.deepEqual(parameters, understood)
      assert.match(String(from), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
      const delivery = await api.request('GET', `/events/deliveries/${deliveryId}`)
      assert.equal(delivery.body['state'], 'failed')
      for (const miss of [
        { reason: 'http_411' },
        { state: 'cancelled' },
        { to: '-1h' },
        { subscription_id: newId() },
      ]) {
        const answer = await api.request('POST', path, { filter: { ...filter, ...miss }, dry_run: true })
        assert.deepEqual([answer.status, answer.body['count']], [200, 0], JSON.stringify(miss))
      }
    })
  })

  describe('202', () => {
    test('a job is started, and when it has succeeded the deliveries are posted again', async (t) => {
      const { subscriptionId, deliveryId, receiver } = await makeAttempt(t, api, { status: 410 })
      const { status, body } = await api.request('POST', path, { filter: { subscription_id: subscriptionId } })
      assert.deepEqual([status, body['state'], body['total'], body['done']], [202, 'queued', 1, 0])
      receiver.answer(() => ({ status: 204 }))
      await jobRun(pools).work()
      await api.node.dispatch()
      const job = await api.request('GET', `/events/jobs/${String(body['id'])}`)
      assert.deepEqual([job.body['state'], job.body['done']], ['succeeded', 1])
      const delivery = await api.request('GET', `/events/deliveries/${deliveryId}`)
      assert.deepEqual([delivery.body['state'], delivery.body['attempts']], ['delivered', 2])
      assert.equal(receiver.calls.length, 2)
    })

    test('a job over nothing has succeeded at once', async () => {
      const { status, body } = await api.request('POST', path, { filter: { event_name: 'nobody.does.this' } })
      assert.deepEqual([status, body['state'], body['total']], [202, 'succeeded', 0])
      assert.equal(typeof body['finished_at'], 'string')
    })

    test('more than 1,000 are retried when their number is confirmed, nearly', async () => {
      const subscriptionId = await makeFailed(1_001)
      const order = { filter: { subscription_id: subscriptionId }, expected_count: 1_050 }
      const { status, body } = await api.request('POST', path, order)
      assert.deepEqual([status, body['total']], [202, 1_001])
    })

    test('pending ones become due when that is asked for', async (t) => {
      const { subscriptionId, deliveryId, receiver } = await makeAttempt(t, api, { status: 503 })
      await api.request('POST', path, { filter: { state: 'pending', subscription_id: subscriptionId } })
      receiver.answer(() => ({ status: 204 }))
      await jobRun(pools).work()
      await api.node.dispatch()
      assert.equal((await api.request('GET', `/events/deliveries/${deliveryId}`)).body['state'], 'delivered')
    })
  })

  describe('400', () => {
    test('what is not of this form is named', async () => {
      for (const [body, ...pointers] of [
        [{}, '/filter'],
        [{ filter: { state: 'delivered' } }, '/filter/state'],
        [{ filter: { subscription_id: 'x' } }, '/filter/subscription_id'],
        [{ filter: { nothing: 1 } }, '/filter/nothing'],
        [{ filter: {}, expected_count: -1 }, '/expected_count'],
        [{ filter: {}, dry_run: 'yes' }, '/dry_run'],
      ] as const) {
        assert.deepEqual(refusalOf(await api.request('POST', path, body)), [400, 'invalid_request', ...pointers])
      }
    })
  })

  describe('409', () => {
    test('another number than expected, which is told', async (t) => {
      const { subscriptionId } = await makeAttempt(t, api, { status: 410 })
      const order = { filter: { subscription_id: subscriptionId }, expected_count: 5 }
      const answer = await api.request('POST', path, order)
      assert.deepEqual(refusalOf(answer), [409, 'count_changed', '/expected_count'])
      assert.equal(answer.body['detail'], '1 fit the filter now, and 5 were expected')
    })

    test('a 21st open job', async () => {
      const busy = await api.newCompany('Busy', { allow_undeclared_events: true })
      const options = { key: busy.key }
      const subscription = { webhook_url: 'https://example.com/webhook', event_names: ['*'] }
      await api.request('POST', '/events/subscriptions', subscription, options)
      await api.request('POST', '/events', { event_name: 'order.placed', payload: {} }, options)
      await api.node.route()
      await endAll(pools, 'failed', 'http_503', busy.id)
      for (let open = 0; open < 20; open++) {
        assert.equal((await api.request('POST', path, { filter: {} }, options)).status, 202)
      }
      assert.deepEqual(refusalOf(await api.request('POST', path, { filter: {} }, options)), [409, 'job_limit'])
    })
  })

  describe('422', () => {
    test('more than 1,000 without an expected number', async () => {
      const filter = { subscription_id: await makeFailed(1_001) }
      const answer = await api.request('POST', path, { filter })
      assert.deepEqual(refusalOf(answer), [422, 'count_required', '/expected_count'])
      assert.match(String(answer.body['detail']), /^1001 /)
    })

    test('a name or a time that is none', async (t) => {
      await makeDelivery(t, api)
      const name = await api.request('POST', path, { filter: { event_name: 'No Name' } })
      assert.deepEqual(refusalOf(name), [422, 'invalid_event_name'])
      const time = await api.request('POST', path, { filter: { from: 'yesterday' } })
      assert.deepEqual(refusalOf(time), [422, 'invalid_time', '/filter/from'])
    })
  })
})
