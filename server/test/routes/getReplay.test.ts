import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { jobRun } from '../support/job-run.ts'
import { makeEvent, makeSubscription, newEventName } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

describe('GET /events/replays/{id}', () => {
  describe('200', () => {
    test('what was ordered, and how far it is', async () => {
      const eventName = newEventName()
      const id = await makeSubscription(api, { event_names: [eventName] })
      await makeEvent(api, { event_name: eventName })
      await api.node.route()
      const order = { source: { event_names: [eventName] }, target: { subscription_ids: [id] }, reason: 'They lost it' }
      const started = (await api.request('POST', '/events/replays', order)).body
      const path = `/events/replays/${String(started['id'])}`
      assert.deepEqual((await api.request('GET', path)).body, started)
      await jobRun(api.database.pools).work()
      const { status, body } = await api.request('GET', path)
      assert.equal(status, 200)
      const { state, total, done, skipped, mode, rate, reason, target, waiting_for } = body
      assert.deepEqual(
        [state, total, done, skipped, mode, rate, reason, target, waiting_for],
        ['succeeded', 1, 1, 0, 'all', 50, 'They lost it', { subscription_ids: [id] }, null],
      )
    })
  })

  describe('404', () => {
    test('what does not exist, what is no id, another job and what is of another company', async () => {
      const other = await api.newCompany('Other')
      const target = { subscription_ids: [await makeSubscription(api)] }
      const { body } = await api.request('POST', '/events/replays', { source: {}, target })
      const job = await api.request('POST', '/events/deliveries/retry', { filter: { event_name: 'not.ever' } })
      for (const [name, key] of [
        [newId(), api.key],
        ['nothing', api.key],
        [job.body['id'], api.key],
        [body['id'], other.key],
      ] as const) {
        const answer = await api.request('GET', `/events/replays/${String(name)}`, undefined, { key })
        assert.deepEqual(refusalOf(answer), [404, 'not_found'])
      }
    })
  })
})
