import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { makeSubscription } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

describe('GET /events/subscriptions/{id}', () => {
  describe('200', () => {
    test('it is shown as its making was answered, without its secret and what was said about its making', async () => {
      const body = { webhook_url: 'https://example.com/webhook', event_names: ['order.*'], description: 'Orders' }
      const { secret, warnings: _warnings, ...made } = (await api.request('POST', '/events/subscriptions', body)).body
      const shown = await api.request('GET', `/events/subscriptions/${String(made['id'])}`)
      assert.deepEqual(shown.body, made)
      assert.ok(!shown.text.includes(String(secret)) && !('secret' in shown.body))
    })

    test('an id is the same in capitals', async () => {
      const id = await makeSubscription(api)
      assert.equal((await api.request('GET', `/events/subscriptions/${id.toUpperCase()}`)).body['id'], id)
    })
  })

  describe('404', () => {
    test('what does not exist, what is no id and what is of another company are answered alike', async () => {
      const other = await api.newCompany('Other')
      const id = await makeSubscription(api)
      for (const [name, key] of [
        [newId(), api.key],
        ['nothing', api.key],
        [id, other.key],
      ] as const) {
        const answer = await api.request('GET', `/events/subscriptions/${name}`, undefined, { key })
        assert.deepEqual([...refusalOf(answer), answer.body['detail']], [404, 'not_found', `No subscription ${name}`])
      }
    })
  })
})
