import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { jobRun } from '../support/job-run.ts'
import { makeSubscription } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const pathOf = (id: unknown): string => `/events/replays/${String(id)}/cancel`

async function start(): Promise<string> {
  const target = { subscription_ids: [await makeSubscription(api)] }
  const { body } = await api.request('POST', '/events/replays', { source: {}, target })
  return String(body['id'])
}

describe('POST /events/replays/{id}/cancel', () => {
  describe('200', () => {
    test('one that waits or is paused ends', async () => {
      for (const isPaused of [false, true]) {
        const id = await start()
        if (isPaused) await api.request('POST', `/events/replays/${id}/pause`)
        const { status, body } = await api.request('POST', pathOf(id))
        assert.deepEqual([status, body['state'], body['done']], [200, 'cancelled', 0])
      }
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
