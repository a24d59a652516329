import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { column, idsByPage, makeAttempt } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const path = '/events/webhook-logs'

describe('GET /events/webhook-logs', () => {
  describe('200', () => {
    test('every attempt once, the newest first, page by page', async (t) => {
      const made: string[] = []
      for (let n = 0; n < 3; n++) made.push((await makeAttempt(t, api)).logId)
      assert.deepEqual(await idsByPage(api, path, { limit: 2 }), [made.slice(1).toReversed(), made.slice(0, 1)])
    })

    test('by subscription, event, delivery, outcome and time', async (t) => {
      const { logId, subscriptionId, eventId, deliveryId } = await makeAttempt(t, api, { status: 410 })
      await makeAttempt(t, api)
      for (const query of [
        { subscription_id: subscriptionId },
        { event_id: eventId },
        { delivery_id: deliveryId },
        { outcome: 'failed' },
        { event_id: eventId, from: '-1h' },
      ]) {
        assert.deepEqual(column((await api.request('GET', path, undefined, { query })).body, 'id'), [logId])
      }
      const { body } = await api.request('GET', path, undefined, { query: { event_id: eventId, to: '-1h' } })
      assert.deepEqual(body['data'], [])
    })

    test('tests, all others, or both', async (t) => {
      const { logId, subscriptionId } = await makeAttempt(t, api)
      const { body } = await api.request('POST', `/events/subscriptions/${subscriptionId}/test`, {})
      const testId = String(body['webhook_log_id'])
      for (const [query, ids] of [
        [{}, [testId, logId]],
        [{ is_test: true }, [testId]],
        [{ is_test: false }, [logId]],
      ] as const) {
        const answer = await api.request('GET', path, undefined, {
          query: { subscription_id: subscriptionId, ...query },
        })
        assert.deepEqual(column(answer.body, 'id'), ids)
      }
    })

    test('by event name, status of the response, its class, and reason', async (t) => {
      const { logId, subscriptionId, eventName } = await makeAttempt(t, api, { status: 404 })
      const ofSubscription = { subscription_id: subscriptionId }
      for (const query of [
        { event_name: eventName },
        { event_name: 'thing.*' },
        { event_name: '*' },
        { status_class: '4xx' },
        { response_status: 404 },
        { response_status: 404, status_class: '4xx' },
        { reason: 'http_404' },
      ]) {
        const answer = await api.request('GET', path, undefined, { query: { ...ofSubscription, ...query } })
        assert.deepEqual(column(answer.body, 'id'), [logId], JSON.stringify(query))
      }
      for (const query of [
        { event_name: 'thing.other' },
        { event_name: 'things.*' },
        { status_class: '5xx' },
        { status_class: 'none' },
        { response_status: 405 },
        { response_status: 404, status_class: '2xx' },
        { reason: 'http_40' },
      ]) {
        const { body } = await api.request('GET', path, undefined, { query: { ...ofSubscription, ...query } })
        assert.deepEqual([body['data'], body['next_cursor']], [[], null], JSON.stringify(query))
      }
    })
  })

  describe('400', () => {
    test('an outcome that is none, an id that is none, a cursor that was not given out', async () => {
      for (const [query, ...refusal] of [
        [{ outcome: 'lost' }, 'invalid_request', '/outcome'],
        [{ subscription_id: 'x' }, 'invalid_request', '/subscription_id'],
        [{ delivery_id: 'x' }, 'invalid_request', '/delivery_id'],
        [{ status_class: '6xx' }, 'invalid_request', '/status_class'],
        [{ response_status: 99 }, 'invalid_request', '/response_status'],
        [{ cursor: 'x' }, 'invalid_cursor'],
      ] as const) {
        assert.deepEqual(refusalOf(await api.request('GET', path, undefined, { query })), [400, ...refusal])
      }
    })
  })

  describe('422', () => {
    test('an event name that is none', async () => {
      const answer = await api.request('GET', path, undefined, { query: { event_name: 'No Name' } })
      assert.deepEqual(refusalOf(answer), [422, 'invalid_event_name'])
    })

    test('a time that is none is named', async () => {
      for (const name of ['from', 'to']) {
        const answer = await api.request('GET', path, undefined, { query: { [name]: 'yesterday' } })
        assert.deepEqual(refusalOf(answer), [422, 'invalid_time', `/${name}`])
      }
    })
  })
})
