import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

describe('GET /retention', () => {
  describe('200', () => {
    test('where nothing was decided everything is kept', async () => {
      const { body } = await api.request('GET', '/retention')
      assert.deepEqual(body, {
        payload_retention_days: null,
        ledger_retention_days: null,
        rules: [],
        updated_at: null,
        ledger_ended_before: null,
        waiting: { payloads: 0, oldest_event_id: null, job_id: null },
      })
    })

    test('each company has its own; a key needs its scope for it', async () => {
      const wanted = { payload_retention_days: 90, ledger_retention_days: 60, rules: [] }
      await api.request('PUT', '/retention', wanted)
      const key = await api.keyWith('retention:read')
      assert.partialDeepStrictEqual((await api.request('GET', '/retention', undefined, { key })).body, wanted)
      const other = await api.newCompany('Other')
      const { body } = await api.request('GET', '/retention', undefined, { key: other.key })
      assert.equal(body['payload_retention_days'], null)
    })
  })
})
