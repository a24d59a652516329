import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { makeAttempt, makeDelivery, makeOrder } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'
import { until } from '../support/until.ts'

const api = await startRouteTest()
const pathOf = (id: string): string => `/events/deliveries/${id}/cancel`

describe('POST /events/deliveries/{id}/cancel', () => {
  describe('200', () => {
    test('one that waits ends as cancelled, says why, and is never called', async (t) => {
      const { deliveryId, receiver } = await makeDelivery(t, api)
      const { body } = await api.request('POST', pathOf(deliveryId))
      assert.deepEqual([body['state'], body['reason']], ['cancelled', 'cancelled_by_request'])
      assert.equal(typeof body['ended_at'], 'string')
      await api.node.dispatch()
      assert.equal(receiver.calls.length, 0)
    })

    test('one between two attempts keeps the attempt that was made', async (t) => {
      const { deliveryId } = await makeAttempt(t, api, { status: 503 })
      assert.equal((await api.request('POST', pathOf(deliveryId))).body['state'], 'cancelled')
      const { body } = await api.request('GET', `/events/deliveries/${deliveryId}`)
      const outcomes = (body['attempts_log'] as readonly { readonly outcome: string }[]).map(({ outcome }) => outcome)
      assert.deepEqual(outcomes, ['cancelled', 'will_retry'])
    })

    test('those that waited for it go on', async (t) => {
      const { deliveryIds, receiver } = await makeOrder(t, api)
      const [first = '', second = ''] = deliveryIds
      await api.request('POST', pathOf(first))
      const { body } = await api.request('GET', `/events/deliveries/${second}`)
      assert.deepEqual([body['progress'], body['blocked_by']], ['waiting', null])
      await api.node.dispatch()
      assert.equal(receiver.calls.length, 1)
    })
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
        assert.deepEqual(refusalOf(await api.request('POST', pathOf(name), undefined, { key })), [404, 'not_found'])
      }
    })
  })

  describe('409', () => {
    test('one that has ended', async (t) => {
      const { deliveryId } = await makeAttempt(t, api)
      assert.deepEqual(refusalOf(await api.request('POST', pathOf(deliveryId))), [409, 'delivery_ended'])
    })

    test('one whose call is being made', async (t) => {
      const { deliveryId, receiver } = await makeDelivery(t, api)
      const answered = Promise.withResolvers<{ readonly status: number }>()
      receiver.answer(() => answered.promise)
      await api.node.dispatcher.round()
      await until('the call is being made', () => receiver.calls.length === 1)
      assert.deepEqual(refusalOf(await api.request('POST', pathOf(deliveryId))), [409, 'delivery_in_flight'])
      answered.resolve({ status: 204 })
      await api.node.dispatch()
    })
  })

  describe('410', () => {
    test('an id from before the ledger begins, whether there was one or not', async () => {
      await api.database.pools.owner.query({
        name: '',
        text: `insert into ledger_retention (company_id, ended_before, after_id) values ($1, date_trunc('day', now()), $2)`,
        values: [api.companyId, newId()],
      })
      const answer = await api.request('POST', `/events/deliveries/${newId(Date.now() - 2 * 86_400_000)}/cancel`)
      assert.deepEqual(refusalOf(answer), [410, 'log_expired'])
      const missing = await api.request('POST', `/events/deliveries/${newId()}/cancel`)
      assert.deepEqual(refusalOf(missing), [404, 'not_found'])
    })
  })
})
