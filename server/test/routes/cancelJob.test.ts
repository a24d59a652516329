import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { jobRun } from '../support/job-run.ts'
import { makeAttempt, makeSubscription } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const pathOf = (id: unknown): string => `/events/jobs/${String(id)}/cancel`

describe('POST /events/jobs/{id}/cancel', () => {
  describe('200', () => {
    test('one that waits ends, and does nothing any more', async (t) => {
      const { subscriptionId, deliveryId } = await makeAttempt(t, api, { status: 410 })
      const filter = { subscription_id: subscriptionId }
      const { body: started } = await api.request('POST', '/events/deliveries/retry', { filter })
      assert.equal(started['state'], 'queued')
      const { body } = await api.request('POST', pathOf(started['id']))
      assert.deepEqual([body['state'], body['done']], ['cancelled', 0])
      await jobRun(api.database.pools).work()
      assert.equal((await api.request('GET', `/events/deliveries/${deliveryId}`)).body['state'], 'failed')
    })
  })

  describe('403', () => {
    test('a replay, by a key that may start none', async () => {
      const target = { subscription_ids: [await makeSubscription(api)] }
      const { body } = await api.request('POST', '/events/replays', { source: {}, target })
      const key = await api.keyWith('deliveries:write')
      const answer = await api.request('POST', pathOf(body['id']), undefined, { key })
      assert.deepEqual(refusalOf(answer), [403, 'forbidden'])
      await api.request('POST', `/events/replays/${String(body['id'])}/cancel`)
    })
  })

  describe('404', () => {
    test('what does not exist, what is no id and what is of another company', async (t) => {
      const other = await api.newCompany('Other')
      const { subscriptionId } = await makeAttempt(t, api, { status: 410 })
      const order = { filter: { subscription_id: subscriptionId } }
      const { body } = await api.request('POST', '/events/deliveries/retry', order)
      for (const [name, key] of [
        [newId(), api.key],
        ['nothing', api.key],
        [body['id'], other.key],
      ] as const) {
        assert.deepEqual(refusalOf(await api.request('POST', pathOf(name), undefined, { key })), [404, 'not_found'])
      }
    })
  })

  describe('409', () => {
    test('one that has ended', async () => {
      const { body } = await api.request('POST', '/events/deliveries/retry', { filter: { event_name: 'not.ever' } })
      assert.deepEqual(refusalOf(await api.request('POST', pathOf(body['id']))), [409, 'job_ended'])
    })
  })
})
