import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { makeSubscription } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const pathOf = (id: string): string => `/events/subscriptions/${id}`

describe('PATCH /events/subscriptions/{id}', () => {
  describe('200', () => {
    test('what is given changes and what is absent stays', async () => {
      const id = await makeSubscription(api, { description: 'Before', concurrency: 3 })
      const before = (await api.request('GET', pathOf(id))).body
      const change = { webhook_url: 'https://example.com/other', rate_limit: 7 }
      const { warnings, ...after } = (await api.request('PATCH', pathOf(id), change)).body
      assert.equal((warnings as readonly unknown[]).length, 1)
      assert.deepEqual({ ...after, updated_at: '' }, { ...before, ...change, updated_at: '' })
    })

    test('null takes a description and a rate limit away', async () => {
      const id = await makeSubscription(api, { description: 'Before', rate_limit: 3 })
      const { body } = await api.request('PATCH', pathOf(id), { description: null, rate_limit: null })
      assert.deepEqual([body['description'], body['rate_limit']], [null, null])
    })

    test('active: false stops it and says what it misses from then on; active: true forgets that', async () => {
      const id = await makeSubscription(api)
      const stopped = (await api.request('PATCH', pathOf(id), { active: false })).body
      assert.deepEqual([stopped['status'], typeof stopped['held_from_position']], ['inactive', 'number'])
      const again = (await api.request('PATCH', pathOf(id), { active: true })).body
      assert.deepEqual([again['status'], again['held_from_position']], ['active', null])
    })
  })

  describe('400', () => {
    test('a change of nothing, a secret and an unknown member are refused', async () => {
      const id = await makeSubscription(api)
      assert.deepEqual(refusalOf(await api.request('PATCH', pathOf(id), {})), [400, 'invalid_request', ''])
      for (const name of ['secret', 'colour', 'id']) {
        const answer = await api.request('PATCH', pathOf(id), { [name]: 'x' })
        assert.deepEqual(refusalOf(answer), [400, 'invalid_request', `/${name}`])
      }
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
        [await makeSubscription(api), other.key],
      ] as const) {
        const answer = await api.request('PATCH', pathOf(id), { description: 'x' }, { key })
        assert.deepEqual(refusalOf(answer), [404, 'not_found'])
      }
    })
  })

  describe('409', () => {
    test('half of the credentials cannot be changed where the other half cannot be opened', async () => {
      const id = await makeSubscription(api, { auth: { type: 'bearer', token: 'canary' } })
      await api.database.pools.owner.query({
        name: '',
        text: `update subscription_credentials set sealed = sealed || '\\x00' where subscription_id = $1`,
        values: [id],
      })
      assert.deepEqual(refusalOf(await api.request('PATCH', pathOf(id), { tls: null })), [409, 'secret_unreadable'])
      assert.equal((await api.request('PATCH', pathOf(id), { tls: null, auth: null })).status, 200)
    })
  })

  describe('412', () => {
    test('a change that somebody else was faster with is refused; `*` and one of several tags are not', async () => {
      const id = await makeSubscription(api)
      const tag = (await api.request('GET', pathOf(id))).headers.get('etag') ?? ''
      const change = async (ifMatch: string) =>
        await api.request('PATCH', pathOf(id), { concurrency: 2 }, { headers: { 'if-match': ifMatch } })
      const next = (await change(`"0", ${tag}`)).headers.get('etag') ?? ''
      assert.deepEqual(refusalOf(await change(tag)), [412, 'precondition_failed'])
      assert.deepEqual(refusalOf(await change(`W/${next}`)), [412, 'precondition_failed'])
      assert.equal((await change('*')).status, 200)
    })
  })

  describe('422', () => {
    test('a URL or name that cannot be used is refused, and nothing changes', async () => {
      const id = await makeSubscription(api)
      const before = (await api.request('GET', pathOf(id))).body
      const url = await api.request('PATCH', pathOf(id), { description: 'x', webhook_url: 'https://10.0.0.1/' })
      assert.deepEqual(refusalOf(url), [422, 'invalid_url', '/webhook_url'])
      const name = await api.request('PATCH', pathOf(id), { description: 'x', event_names: ['Order'] })
      assert.deepEqual(refusalOf(name), [422, 'invalid_event_name', '/event_names/0'])
      assert.deepEqual((await api.request('GET', pathOf(id))).body, before)
    })
  })
})
