import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { jobRun } from '../support/job-run.ts'
import { makeAttempt } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

describe('GET /events/jobs/{id}', () => {
  describe('200', () => {
    test('what it is about, who started it, how far it is, and what it left as it is', async (t) => {
      const { subscriptionId } = await makeAttempt(t, api, { status: 410 })
      const filter = { subscription_id: subscriptionId }
      const { body: started } = await api.request('POST', '/events/deliveries/retry', { filter })
      await api.request('DELETE', `/events/subscriptions/${subscriptionId}`)
      await jobRun(api.database.pools).work()
      const { body } = await api.request('GET', `/events/jobs/${String(started['id'])}`)
      const { id, kind, parameters, total, author, created_at } = started
      assert.partialDeepStrictEqual(body, { id, kind, parameters, total, author, created_at })
      assert.partialDeepStrictEqual(body, {
        state: 'succeeded',
        done: 0,
        skipped: 1,
        skipped_reasons: { subscription_deleted: 1 },
        failed: 0,
        last_error: null,
      })
      assert.deepEqual([typeof body['started_at'], typeof body['finished_at']], ['string', 'string'])
    })
  })

  describe('404', () => {
    test('what does not exist, what is no id and what is of another company', async () => {
      const other = await api.newCompany('Other')
      const { body } = await api.request('POST', '/events/deliveries/retry', { filter: {} })
      for (const [name, key] of [
        [newId(), api.key],
        ['nothing', api.key],
        [String(body['id']), other.key],
      ] as const) {
        const answer = await api.request('GET', `/events/jobs/${name}`, undefined, { key })
        assert.deepEqual(refusalOf(answer), [404, 'not_found'])
      }
    })
  })
})
