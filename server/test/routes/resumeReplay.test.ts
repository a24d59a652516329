import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { jobRun } from '../support/job-run.ts'
import { makeSubscription } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const pathOf = (id: unknown): string => `/events/replays/${String(id)}/resume`

async function start(): Promise<string> {
  const target = { subscription_ids: [await makeSubscription(api)] }
  const { body } = await api.request('POST', '/events/replays', { source: {}, target })
  return String(body['id'])
}

describe('POST /events/replays/{id}/resume', () => {
  describe('200', () => {
    test('it goes on, and stays as it is when it is not paused', async () => {
      const id = await start()
      await api.request('POST', `/events/replays/${id}/pause`)
      for (let times = 0; times < 2; times++) {
        const { status, body } = await api.request('POST', pathOf(id))
        assert.deepEqual([status, body['state']], [200, 'queued'])
      }
      await jobRun(api.database.pools).work()
      assert.equal((await api.request('GET', `/events/replays/${id}`)).body['state'], 'succeeded')
    })
  })

  describe('400', () => {
    test('what is not of this form is named', async () => {
      const id = await start()
      const answer = await api.request('POST', pathOf(id), { expected_count: -1 })
      assert.deepEqual(refusalOf(answer), [400, 'invalid_request', '/expected_count'])
    })
  })

  describe('404', () => {
    test('what does not exist, what is no id and what is of another company', async () => {
      const other = await api.newCompany('Other')
      const id = await start()
      for (const [name, key] of [
        [newId(), api.key],
        ['nothing', api.key],
        [id, other.key],
      ] as const) {
        assert.deepEqual(refusalOf(await api.request('POST', pathOf(name), undefined, { key })), [404, 'not_found'])
      }
      const job = await api.request('POST', '/events/deliveries/retry', { filter: { event_name: 'not.ever' } })
      assert.deepEqual(refusalOf(await api.request('POST', pathOf(job.body['id']))), [404, 'not_found'])
    })
  })

  describe('409', () => {
    test('one that has ended', async () => {
      const id = await start()
      await jobRun(api.database.pools).work()
      assert.deepEqual(refusalOf(await api.request('POST', pathOf(id))), [409, 'job_ended'])
    })
  })
})
