import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { column, makeAttempt, makeDelivery, makeOrder } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'
import { until } from '../support/until.ts'

const api = await startRouteTest()
const pathOf = (id: string): string => `/events/deliveries/${id}/skip`

describe('POST /events/deliveries/{id}/skip', () => {
  describe('200', () => {
    test('those that waited for it go on; it stays pending, and is retried when it is due', async (t) => {
      const { deliveryIds, receiver } = await makeOrder(t, api, 3)
      const [first = '', ...others] = deliveryIds
      receiver.answer(() => ({ status: receiver.calls.length === 1 ? 503 : 204 }))
      await api.node.dispatch()
      const { body } = await api.request('POST', pathOf(first))
      assert.deepEqual([body['state'], body['progress'], body['reason']], ['pending', 'retrying', 'http_503'])
      await api.node.dispatch()
      assert.equal(receiver.calls.length, 3)
      for (const id of others) {
        assert.equal((await api.request('GET', `/events/deliveries/${id}`)).body['state'], 'delivered')
      }
      await api.request('POST', `/events/deliveries/${first}/retry`)
      await api.node.dispatch()
      assert.equal((await api.request('GET', `/events/deliveries/${first}`)).body['state'], 'delivered')
    })

    test('it is told as an event', async (t) => {
      const { deliveryIds } = await makeOrder(t, api, 1)
      await api.request('POST', pathOf(deliveryIds[0] ?? ''))
      await api.node.route()
      const query = { entity_type: 'delivery', entity_id: deliveryIds[0] ?? '' }
      const { body } = await api.request('GET', '/events', undefined, { query })
      assert.deepEqual(column(body, 'event_name'), ['daybook.delivery.skipped'])
    })
  })

  describe('404', () => {
    test('what does not exist, what is no id and what is of another company', async (t) => {
      const other = await api.newCompany('Other')
      const { deliveryIds } = await makeOrder(t, api)
      for (const [name, key] of [
        [newId(), api.key],
        ['nothing', api.key],
        [deliveryIds[0] ?? '', other.key],
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

    test('one that is in no order, by its subscription or because it was skipped already', async (t) => {
      const { deliveryId } = await makeDelivery(t, api)
      const { deliveryIds } = await makeOrder(t, api)
      await api.request('POST', pathOf(deliveryIds[0] ?? ''))
      for (const id of [deliveryId, deliveryIds[0] ?? '']) {
        assert.deepEqual(refusalOf(await api.request('POST', pathOf(id))), [409, 'delivery_not_ordered'])
      }
    })

    test('one that waits for an earlier one itself', async (t) => {
      const { deliveryIds } = await makeOrder(t, api)
      assert.deepEqual(refusalOf(await api.request('POST', pathOf(deliveryIds[1] ?? ''))), [409, 'delivery_blocked'])
    })

    test('one whose call is being made', async (t) => {
      const { deliveryIds, receiver } = await makeOrder(t, api)
      const answered = Promise.withResolvers<{ readonly status: number }>()
      receiver.answer(() => answered.promise)
      await api.node.dispatcher.round()
      await until('the call is being made', () => receiver.calls.length === 1)
      assert.deepEqual(refusalOf(await api.request('POST', pathOf(deliveryIds[0] ?? ''))), [409, 'delivery_in_flight'])
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
      const answer = await api.request('POST', `/events/deliveries/${newId(Date.now() - 2 * 86_400_000)}/skip`)
      assert.deepEqual(refusalOf(answer), [410, 'log_expired'])
      const missing = await api.request('POST', `/events/deliveries/${newId()}/skip`)
      assert.deepEqual(refusalOf(missing), [404, 'not_found'])
    })
  })
})
