import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { makeAttempt, makeDelivery } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

describe('GET /events/deliveries/{id}', () => {
  describe('200', () => {
    test('one that waits for its first attempt says so', async (t) => {
      const { deliveryId, eventId, subscriptionId } = await makeDelivery(t, api)
      const { body } = await api.request('GET', `/events/deliveries/${deliveryId}`)
      assert.deepEqual([body['event_id'], body['subscription_id']], [eventId, subscriptionId])
      assert.deepEqual([body['state'], body['progress'], body['reason']], ['pending', 'waiting', 'not_attempted_yet'])
      assert.deepEqual([body['attempts'], body['last_attempt'], body['attempts_log']], [0, null, []])
    })

    for (const [status, state, reason, progress] of [
      [204, 'delivered', 'http_204', null],
      [503, 'pending', 'http_503', 'retrying'],
      [410, 'failed', 'http_410', null],
    ] as const) {
      test(`one that was answered with ${status} is ${state}, with its attempt`, async (t) => {
        const { deliveryId, logId } = await makeAttempt(t, api, { status })
        const { body } = await api.request('GET', `/events/deliveries/${deliveryId}`)
        assert.deepEqual(
          [body['state'], body['reason'], body['progress'], body['attempts']],
          [state, reason, progress, 1],
        )
        const attempts = body['attempts_log'] as readonly { readonly id: string; readonly response_status: number }[]
        assert.deepEqual(
          attempts.map((one) => [one.id, one.response_status]),
          [[logId, status]],
        )
        assert.equal(body['next_attempt_at'] === null, progress === null)
      })
    }
  })

  describe('404', () => {
    test('what does not exist, what is no id and what is of another company', async (t) => {
      const other = await api.newCompany('Other')
      const { deliveryId } = await makeDelivery(t, api)
      for (const [name, key] of [
        [newId(), api.key],
        ['nothing', api.key],
        [deliveryId, other.key],
      ] as const) {
        const answer = await api.request('GET', `/events/deliveries/${name}`, undefined, { key })
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
      const answer = await api.request('GET', `/events/deliveries/${newId(Date.now() - 2 * 86_400_000)}`)
      assert.deepEqual(refusalOf(answer), [410, 'log_expired'])
      const missing = await api.request('GET', `/events/deliveries/${newId()}`)
      assert.deepEqual(refusalOf(missing), [404, 'not_found'])
    })
  })
})
