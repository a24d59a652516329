import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { makeSubscription, unknownSubscriptions } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const pathOf = (id: string): string => `/events/subscriptions/${id}/reveal-secrets`

describe('POST /events/subscriptions/{id}/reveal-secrets', () => {
  describe('200', () => {
    test('signing secrets and credentials are given, and an event tells who asked', async () => {
      const auth = { type: 'api_key', header: 'x-key', value: 'the value' }
      const id = await makeSubscription(api, { auth })
      const rotated = await api.request('POST', `/events/subscriptions/${id}/rotate-secret`)
      const { body } = await api.request('POST', pathOf(id))
      const secrets = body['secrets'] as readonly Readonly<Record<string, unknown>>[]
      assert.deepEqual(
        [secrets.length, secrets[0]?.['secret'], secrets[0]?.['expires_at']],
        [2, rotated.body['secret'], null],
      )
      assert.deepEqual([body['auth'], body['tls']], [auth, null])
      await api.node.route()
      const query = { event_names: 'daybook.subscription.secrets_revealed', entity_type: 'subscription', entity_id: id }
      const told = await api.request('GET', '/events', undefined, { query })
      assert.equal((told.body['data'] as readonly unknown[]).length, 1)
    })
  })

  describe('404', () => {
    test('one that is not, was deleted or is of another company', async () => {
      for (const { id, key } of await unknownSubscriptions(api)) {
        assert.deepEqual(refusalOf(await api.request('POST', pathOf(id), undefined, { key })), [404, 'not_found'])
      }
    })
  })

  describe('409', () => {
    test('a secret that cannot be opened', async () => {
      const id = await makeSubscription(api)
      await api.database.pools.owner.query({
        name: '',
        text: `update subscription_secrets set sealed = sealed || '\\x00' where subscription_id = $1`,
        values: [id],
      })
      assert.deepEqual(refusalOf(await api.request('POST', pathOf(id))), [409, 'secret_unreadable'])
    })
  })
})
