import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { makeEvent, makeSubscription, newEventName } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const pathOf = (id: string): string => `/events/subscriptions/${id}`

describe('POST /events/subscriptions/{id}/enable', () => {
  describe('200', () => {
    test('the answer counts the events that passed it by', async () => {
      const event_name = newEventName()
      const id = await makeSubscription(api, { event_names: [event_name], active: false })
      for (let n = 0; n < 3; n++) await makeEvent(api, { event_name })
      await makeEvent(api)
      await api.node.route()
      const { body } = await api.request('POST', `${pathOf(id)}/enable`)
      assert.deepEqual([body['status'], body['held_from_position']], ['active', null])
      const held = body['held'] as Readonly<Record<string, number>>
      assert.equal(held['count'], 3)
      assert.ok(Number(held['to_position']) - Number(held['from_position']) >= 3)
    })

    test('one that is active already stays so, and nothing was held', async () => {
      const id = await makeSubscription(api)
      const { body } = await api.request('POST', `${pathOf(id)}/enable`)
      assert.deepEqual([body['status'], body['held']], ['active', null])
    })

    test('with recover a job sends what passed it by; an ordered one becomes active by it', async () => {
      for (const ordering of ['none', 'entity']) {
        const event_name = newEventName()
        const id = await makeSubscription(api, { event_names: [event_name], active: false, ordering })
        await makeEvent(api, { event_name })
        await api.node.route()
        const { body } = await api.request('POST', `${pathOf(id)}/enable`, { recover: true })
        const job = body['job'] as Readonly<Record<string, unknown>>
        assert.deepEqual([job['kind'], job['total']], ['recover_events', 1])
        assert.equal(body['status'], ordering === 'none' ? 'active' : 'inactive')
      }
    })
  })

  describe('400', () => {
    test('an unknown member is refused', async () => {
      const answer = await api.request('POST', `${pathOf(await makeSubscription(api))}/enable`, { colour: 'red' })
      assert.deepEqual(refusalOf(answer), [400, 'invalid_request', '/colour'])
    })
  })

  describe('404', () => {
    test('one that is not, was deleted or is of another company', async () => {
      const deleted = await makeSubscription(api)
      await api.request('DELETE', pathOf(deleted))
      const other = await api.newCompany('Other')
      for (const [id, key] of [
        [newId(), api.key],
        [deleted, api.key],
        [await makeSubscription(api, { active: false }), other.key],
      ] as const) {
        const answer = await api.request('POST', `${pathOf(id)}/enable`, undefined, { key })
        assert.deepEqual(refusalOf(answer), [404, 'not_found'])
      }
    })
  })

  describe('409', () => {
    test('a count that is not right changes nothing', async () => {
      const event_name = newEventName()
      const id = await makeSubscription(api, { event_names: [event_name], active: false })
      await makeEvent(api, { event_name })
      await api.node.route()
      const answer = await api.request('POST', `${pathOf(id)}/enable`, { recover: true, expected_count: 7 })
      assert.deepEqual(refusalOf(answer).slice(0, 2), [409, 'count_changed'])
      assert.equal((await api.request('GET', pathOf(id))).body['status'], 'inactive')
    })
  })

  describe('412', () => {
    test('one that was changed since stays as it is; the present tag and * are taken', async () => {
      for (const present of [true, false]) {
        const id = await makeSubscription(api, { active: false })
        const get = async () => await api.request('GET', `/events/subscriptions/${id}`)
        const tag = (await get()).headers.get('etag') ?? ''
        const refused = await api.request('POST', `${pathOf(id)}/enable`, undefined, {
          headers: { 'if-match': '"999"' },
        })
        assert.deepEqual(refusalOf(refused), [412, 'precondition_failed'])
        assert.equal((await get()).headers.get('etag'), tag)
        const headers = { 'if-match': present ? tag : '*' }
        const answer = await api.request('POST', `${pathOf(id)}/enable`, undefined, { headers })
        assert.equal(answer.status, 200)
        assert.deepEqual(
          [answer.headers.get('etag') === tag, answer.headers.get('etag')],
          [false, (await get()).headers.get('etag')],
        )
      }
    })
  })

  describe('422', () => {
    test('more than a thousand have to be confirmed', async () => {
      const event_name = newEventName()
      const id = await makeSubscription(api, { event_names: [event_name], active: false })
      for (let batch = 0; batch < 2; batch++) {
        const events = Array.from({ length: 501 }, () => ({ event_name, payload: {} }))
        await api.request('POST', '/events/batch', { events })
      }
      await api.node.route()
      const answer = await api.request('POST', `${pathOf(id)}/enable`, { recover: true })
      assert.deepEqual(refusalOf(answer).slice(0, 2), [422, 'count_required'])
    })
  })
})
