import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { jobRun } from '../support/job-run.ts'
import { makeAttempt, makeSubscription } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const pathOf = (id: unknown): string => `/events/jobs/${String(id)}/resume`

async function start(t: TestContext): Promise<string> {
  const filter = { subscription_id: (await makeAttempt(t, api, { status: 410 })).subscriptionId }
  const { body } = await api.request('POST', '/events/deliveries/retry', { filter })
  return String(body['id'])
}

describe('POST /events/jobs/{id}/resume', () => {
  describe('200', () => {
    test('it goes on, and stays as it is when it is not paused', async (t) => {
      const id = await start(t)
      await api.request('POST', `/events/jobs/${id}/pause`)
      for (let times = 0; times < 2; times++) {
        const { status, body } = await api.request('POST', pathOf(id))
        assert.deepEqual([status, body['state']], [200, 'queued'])
      }
      await jobRun(api.database.pools).work()
      assert.equal((await api.request('GET', `/events/jobs/${id}`)).body['state'], 'succeeded')
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
      const id = await start(t)
      for (const [name, key] of [
        [newId(), api.key],
        ['nothing', api.key],
        [id, other.key],
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
