import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RETENTION_DAYS_MAX, RETENTION_DAYS_MIN } from '../../src/events/retention/retention-rules.ts'
import { impossibleRetentions, malformedRetentions } from '../support/bad-retentions.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

describe('PUT /retention', () => {
  describe('200', () => {
    test('the whole decision is replaced, and told of with before and after', async () => {
      const first = {
        payload_retention_days: RETENTION_DAYS_MAX,
        ledger_retention_days: RETENTION_DAYS_MIN,
        rules: [{ event_name: 'order.*', payload_retention_days: 90 }],
      }
      const second = { payload_retention_days: null, ledger_retention_days: null, rules: [] }
      const { body } = await api.request('PUT', '/retention', first)
      assert.partialDeepStrictEqual(body, first)
      assert.equal(typeof body['updated_at'], 'string')
      assert.deepEqual((await api.request('GET', '/retention')).body, body)
      await api.request('PUT', '/retention', second)
      await api.node.route()
      const query = { event_names: 'daybook.retention.changed' }
      const { body: told } = await api.request('GET', '/events', undefined, { query })
      const [{ payload } = { payload: undefined }] = told['data'] as readonly { readonly payload: unknown }[]
      assert.deepEqual(payload, { before: first, after: second })
    })
  })

  describe('400', () => {
    for (const [what, body, pointer] of malformedRetentions) {
      test(`${what} is refused`, async () => {
        const answer = await api.request('PUT', '/retention', body)
        assert.deepEqual(refusalOf(answer), [400, 'invalid_request', pointer])
      })
    }
  })

  describe('422', () => {
    for (const [what, body, code, pointer] of impossibleRetentions) {
      test(`${what} is refused, and nothing is changed`, async () => {
        const { body: before } = await api.request('GET', '/retention')
        const answer = await api.request('PUT', '/retention', body)
        assert.deepEqual(refusalOf(answer), [422, code, pointer])
        assert.deepEqual((await api.request('GET', '/retention')).body, before)
      })
    }
  })
})
