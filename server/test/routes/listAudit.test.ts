import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { column, makeEvent, makeSubscription, newEventName, rowsIn } from '../support/made-things.ts'
import type { RouteAnswer } from '../support/route-test.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

type Query = NonNullable<NonNullable<Parameters<typeof api.request>[3]>['query']>

const list = async (query: Query): Promise<RouteAnswer> => await api.request('GET', '/audit', undefined, { query })

describe('GET /audit', () => {
  describe('200', () => {
    test('who changed what, with the values before and after', async () => {
      const id = await makeSubscription(api, { description: 'old' })
      await api.request('PATCH', `/events/subscriptions/${id}`, { description: 'new' })
      await api.node.route()
      const { body } = await list({ entity_type: 'subscription', entity_id: id })
      const [updated, created] = rowsIn(body)
      assert.deepEqual(column(body, 'event_name'), ['daybook.subscription.updated', 'daybook.subscription.created'])
      assert.deepEqual(updated?.['entity'], { type: 'subscription', id })
      assert.equal((updated?.['actor'] as { readonly type: string } | undefined)?.type, 'api_key')
      const described = (value: unknown) => (value as { readonly description: string } | null)?.description
      assert.deepEqual([described(updated?.['before']), described(updated?.['after'])], ['old', 'new'])
      assert.deepEqual([created?.['before'], described(created?.['after'])], [null, 'old'])
      const none = await list({ entity_type: 'subscription', entity_id: id, to: '-1h' })
      assert.deepEqual(rowsIn(none.body), [])
    })

    test('business events too: from where and why, by actor, source and correlation, page by page', async () => {
      const [event_name, correlation_id] = [newEventName(), newEventName()]
      const context = { event_name, actor: { type: 'user', id: 'ann' }, source: 'till', correlation_id }
      const first = await makeEvent(api, { ...context, payload: { reason: 'asked on the phone', before: 1.5 } })
      const second = await makeEvent(api, { ...context, payload: { reason: { code: 7 } }, causation_id: first })
      await makeEvent(api, { event_name })
      await api.node.route()
      const query = { event_names: event_name, actor_type: 'user', actor_id: 'ann', source: 'till', correlation_id }
      const newest = await list({ ...query, limit: 1 })
      assert.deepEqual(column(newest.body, 'event_id'), [second])
      const [entry] = rowsIn(newest.body)
      assert.deepEqual([entry?.['reason'], entry?.['causation_id'], entry?.['source']], [null, first, 'till'])
      const next = await list({ ...query, limit: 1, cursor: String(newest.body['next_cursor']) })
      const [oldest] = rowsIn(next.body)
      assert.deepEqual(
        [oldest?.['event_id'], oldest?.['reason'], oldest?.['before']],
        [first, 'asked on the phone', 1.5],
      )
      assert.equal(next.body['next_cursor'], null)
    })
  })

  describe('400', () => {
    test('a member that is not known, a cursor of another list', async () => {
      assert.deepEqual(refusalOf(await list({ colour: 'red' })), [400, 'invalid_request', '/colour'])
      await makeEvent(api)
      await api.node.route()
      const events = await api.request('GET', '/events', undefined, { query: { limit: 1 } })
      const cursor = String(events.body['next_cursor'])
      assert.deepEqual(refusalOf(await list({ cursor })), [400, 'invalid_cursor'])
    })
  })

  describe('422', () => {
    test('half an actor, a time that is none', async () => {
      assert.deepEqual(refusalOf(await list({ actor_id: 'ann' })), [422, 'invalid_entity', '/actor_type'])
      assert.deepEqual(refusalOf(await list({ from: 'yesterday' })), [422, 'invalid_time', '/from'])
    })
  })
})
