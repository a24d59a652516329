import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { impossibleRetentions, malformedRetentions } from '../support/bad-retentions.ts'
import { addRowsDaysAgo } from '../support/retention-run.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const all = { payload_retention_days: 40, ledger_retention_days: 40, rules: [] }

describe('POST /retention/preview', () => {
  describe('200', () => {
    test('how much would end now, and nothing is changed', async () => {
      await addRowsDaysAgo(api.database.pools.owner, api.companyId, {
        days: 50,
        eventName: 'a.b',
        count: 7,
        from: 1_000,
      })
      await addRowsDaysAgo(api.database.pools.owner, api.companyId, {
        days: 35,
        eventName: 'a.b',
        count: 5,
        from: 2_000,
      })
      const { body } = await api.request('POST', '/retention/preview', all)
      assert.partialDeepStrictEqual(body, {
        payloads: { count: 7, is_complete: true, waiting: 0 },
        ledger: { count: 7, is_complete: true },
      })
      const { bytes } = body['payloads'] as { readonly bytes: number }
      assert.ok(bytes > 7 && bytes < 7_000, String(bytes))
      const rules = [{ event_name: 'a.*', payload_retention_days: null }]
      const kept = await api.request('POST', '/retention/preview', { ...all, rules, ledger_retention_days: null })
      const none = { count: 0, bytes: 0, is_complete: true }
      assert.deepEqual(kept.body, { payloads: { ...none, waiting: 0 }, ledger: none })
      assert.equal((await api.request('GET', '/retention')).body['updated_at'], null)
    })

    test('it looks at a bounded number of rows, and says so', async () => {
      const company = await api.newCompany('Large')
      await addRowsDaysAgo(api.database.pools.owner, company.id, {
        days: 50,
        eventName: 'a.b',
        count: 20_001,
        from: 1_000,
      })
      const { body } = await api.request('POST', '/retention/preview', all, { key: company.key })
      assert.partialDeepStrictEqual(body, {
        payloads: { count: 5_000, is_complete: false },
        ledger: { count: 20_000, is_complete: false },
      })
    })
  })

  describe('400', () => {
    for (const [what, body, pointer] of malformedRetentions) {
      test(`${what} is refused`, async () => {
        const answer = await api.request('POST', '/retention/preview', body)
        assert.deepEqual(refusalOf(answer), [400, 'invalid_request', pointer])
      })
    }
  })

  describe('422', () => {
    for (const [what, body, code, pointer] of impossibleRetentions) {
      test(`${what} is refused`, async () => {
        const answer = await api.request('POST', '/retention/preview', body)
        assert.deepEqual(refusalOf(answer), [422, code, pointer])
      })
    }
  })
})
