import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { makeAttempt, makeDelivery, makeOrder } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'
import { until } from '../support/until.ts'

const api = await startRouteTest()
const pathOf = (id: string): string => `/events/deliveries/${id}/retry`

describe('POST /events/deliveries/{id}/retry', () => {
  describe('200', () => {
    test('one that waits for its next attempt is called now', async (t) => {
      const { deliveryId, receiver } = await makeAttempt(t, api, { status: 503 })
      receiver.answer(() => ({ status: 204 }))
      const { body } = await api.request('POST', pathOf(deliveryId))
      assert.deepEqual([body['state'], body['progress']], ['pending', 'retrying'])
      await api.node.dispatch()
      assert.equal((await api.request('GET', `/events/deliveries/${deliveryId}`)).body['state'], 'delivered')
    })

    for (const status of [204, 410]) {
      test(`one that ended with ${status} begins anew, under its own id and with the same webhook-id`, async (t) => {
        const { deliveryId, subscriptionId, receiver } = await makeAttempt(t, api, { status })
        await api.request('POST', `/events/subscriptions/${subscriptionId}/enable`)
        const { body } = await api.request('POST', pathOf(deliveryId))
        assert.deepEqual([body['id'], body['state'], body['reason']], [deliveryId, 'pending', 'retried_by_request'])
        receiver.answer(() => ({ status: 200 }))
        await api.node.dispatch()
        const after = (await api.request('GET', `/events/deliveries/${deliveryId}`)).body
        assert.deepEqual([after['state'], after['attempts']], ['delivered', 2])
        assert.equal(receiver.calls[0]?.id, receiver.calls[1]?.id)
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
        assert.deepEqual(refusalOf(await api.request('POST', pathOf(name), undefined, { key })), [404, 'not_found'])
      }
    })
  })

  describe('409', () => {
    test('one that waits for an earlier one', async (t) => {
      const { deliveryIds } = await makeOrder(t, api)
      const [first = '', second = ''] = deliveryIds
      assert.deepEqual(refusalOf(await api.request('POST', pathOf(second))), [409, 'delivery_blocked'])
      assert.equal((await api.request('POST', pathOf(first))).status, 200)
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

    test('one whose subscription was deleted', async (t) => {
      const { deliveryId, subscriptionId } = await makeAttempt(t, api)
      await api.request('DELETE', `/events/subscriptions/${subscriptionId}`)
      assert.deepEqual(refusalOf(await api.request('POST', pathOf(deliveryId))), [409, 'subscription_deleted'])
    })
  })

  describe('410', () => {
    test('an id from before the ledger begins, whether there was one or not', async () => {
      await api.database.pools.owner.query({
        name: '',
        text: `insert into ledger_retention (company_id, ended_before, after_id) values ($1, date_trunc('day', now()), $2)`,
        values: [api.companyId, newId()],
      })
      const answer = await api.request('POST', `/events/deliveries/${newId(Date.now() - 2 * 86_400_000)}/retry`)
      assert.deepEqual(refusalOf(answer), [410, 'log_expired'])
      const missing = await api.request('POST', `/events/deliveries/${newId()}/retry`)
      assert.deepEqual(refusalOf(missing), [404, 'not_found'])
    })
  })
})
