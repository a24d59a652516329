import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { makeAttempt } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

describe('GET /events/webhook-logs/{id}', () => {
  describe('200', () => {
    test('the attempt with what was sent and what was answered', async (t) => {
      const reply = { status: 503, headers: { 'x-why': 'busy' }, body: 'try later' }
      const { logId, eventId } = await makeAttempt(t, api, reply)
      const { body } = await api.request('GET', `/events/webhook-logs/${logId}`)
      assert.deepEqual([body['outcome'], body['reason'], body['response_status']], ['will_retry', 'http_503', 503])
      assert.deepEqual([body['response_body'], body['response_truncated']], ['try later', false])
      const names = (headers: unknown) => headers as readonly (readonly [string, string])[]
      assert.ok(names(body['response_headers']).some(([name, value]) => name === 'x-why' && value === 'busy'))
      assert.ok(names(body['request_headers']).some(([name, value]) => name === 'webhook-id' && value === eventId))
      assert.equal(typeof body['next_attempt_at'], 'string')
    })

    test('of a long answer the first 16 KiB are kept; what is no UTF-8 is given as base64', async (t) => {
      const bytes = Buffer.alloc(20_000, 0xff)
      const { logId } = await makeAttempt(t, api, { status: 200, body: bytes })
      const { body } = await api.request('GET', `/events/webhook-logs/${logId}`)
      assert.deepEqual([body['response_body'], body['response_truncated']], [null, true])
      assert.equal(body['response_body_base64'], bytes.subarray(0, 16_384).toString('base64'))
    })
  })

  describe('404', () => {
    test('what does not exist, what is no id and what is of another company', async (t) => {
      const other = await api.newCompany('Other')
      const { logId } = await makeAttempt(t, api)
      for (const [name, key] of [
        [newId(), api.key],
        ['nothing', api.key],
        [logId, other.key],
      ] as const) {
        const answer = await api.request('GET', `/events/webhook-logs/${name}`, undefined, { key })
        assert.deepEqual(refusalOf(answer), [404, 'not_found'])
      }
    })
  })

  describe('410', () => {
    test('an id from before the ledger begins, whether there was one or not', async () => {
      await api.database.pools.owner.query({
        name: '',
        text: `insert into ledger_retention (company_id, ended_before, after_id) values ($1, date_trunc('day', now()), $2)`,
        values: [api.companyId, newId()],
      })
      const answer = await api.request('GET', `/events/webhook-logs/${newId(Date.now() - 2 * 86_400_000)}`)
      assert.deepEqual(refusalOf(answer), [410, 'log_expired'])
      const missing = await api.request('GET', `/events/webhook-logs/${newId()}`)
      assert.deepEqual(refusalOf(missing), [404, 'not_found'])
    })
  })
})
