import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { jobRun } from '../support/job-run.ts'
import { makeAttempt, makeDelivery } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'
import { sql } from '../support/sql.ts'

const api = await startRouteTest()
const { pools } = api.database
const path = '/events/deliveries/cancel'

describe('POST /events/deliveries/cancel', () => {
  describe('200', () => {
    test('a dry run counts what is pending and fits', async (t) => {
      const { subscriptionId, eventName, deliveryId } = await makeAttempt(t, api, { status: 503 })
      const filter = { subscription_id: subscriptionId, event_name: eventName, reason: 'http_503' }
      const { body } = await api.request('POST', path, { filter, dry_run: true })
      assert.deepEqual([body['kind'], body['count']], ['cancel_deliveries', 1])
      assert.deepEqual(body['parameters'], { state: 'pending', ...filter })
      const other = { ...filter, reason: 'not_attempted_yet' }
      assert.equal((await api.request('POST', path, { filter: other, dry_run: true })).body['count'], 0)
      assert.equal((await api.request('GET', `/events/deliveries/${deliveryId}`)).body['state'], 'pending')
    })
  })

  describe('202', () => {
    test('a job is started that ends them; they are never called, and others are left', async (t) => {
      const one = await makeDelivery(t, api)
      const other = await makeDelivery(t, api)
      const { status, body } = await api.request('POST', path, { filter: { subscription_id: one.subscriptionId } })
      assert.deepEqual([status, body['state'], body['total']], [202, 'queued', 1])
      await jobRun(pools).work()
      await api.node.dispatch()
      const ended = (await api.request('GET', `/events/deliveries/${one.deliveryId}`)).body
      assert.deepEqual([ended['state'], ended['reason']], ['cancelled', 'cancelled_by_request'])
      assert.deepEqual([one.receiver.calls.length, other.receiver.calls.length], [0, 1])
    })
  })

  describe('400', () => {
    test('what is not of this form is named: what has ended cannot be cancelled', async () => {
      for (const [body, ...pointers] of [
        [{ filter: { state: 'failed' } }, '/filter/state'],
        [{ filter: { subscription_id: 'x' } }, '/filter/subscription_id'],
        [[], ''],
      ] as const) {
        assert.deepEqual(refusalOf(await api.request('POST', path, body)), [400, 'invalid_request', ...pointers])
      }
    })
  })

  describe('409', () => {
    test('another number than expected', async (t) => {
      const { subscriptionId } = await makeDelivery(t, api)
      const order = { filter: { subscription_id: subscriptionId }, expected_count: 0 }
      assert.deepEqual(refusalOf(await api.request('POST', path, order)), [409, 'count_changed', '/expected_count'])
    })
  })

  describe('422', () => {
    test('a name or a time that is none', async () => {
      const name = await api.request('POST', path, { filter: { event_name: '.' } })
      assert.deepEqual(refusalOf(name), [422, 'invalid_event_name'])
      const time = await api.request('POST', path, { filter: { to: '2026' } })
      assert.deepEqual(refusalOf(time), [422, 'invalid_time', '/filter/to'])
    })

    test('more than one job looks at: 200,000', async () => {
      const large = await api.newCompany('Large')
      await sql(
        pools.owner,
        `insert into webhook_deliveries (company_id, id, subscription_id, event_id, position, due_at)
         select $1, gen_random_uuid(), $1, $1, 1, now() + interval '1 day' from generate_series(1, 200001)`,
        [large.id],
      )
      const answer = await api.request('POST', path, { filter: {}, dry_run: true }, { key: large.key })
      assert.deepEqual(refusalOf(answer), [422, 'job_too_large'])
    })
  })
})
