import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { makeSubscription, unknownSubscriptions } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const pathOf = (id: string): string => `/events/subscriptions/${id}`
const settings = { webhook_url: 'https://example.com/webhook', event_names: ['order.*'] }

describe('PUT /events/subscriptions/{id}', () => {
  describe('200', () => {
    test('what is absent takes its default; credentials and the status stay', async () => {
      const auth = { type: 'basic', username: 'daybook', password: 'canary' }
      const id = await makeSubscription(api, {
        ...settings,
        auth,
        description: 'Before',
        concurrency: 3,
        active: false,
      })
      const { body, text } = await api.request('PUT', pathOf(id), { ...settings, filter: { branch_id: 'berlin' } })
      assert.deepEqual([body['description'], body['concurrency'], body['status']], [null, 64, 'inactive'])
      assert.deepEqual(body['filter'], { branch_id: 'berlin' })
      assert.deepEqual(body['auth'], { type: 'basic', username: 'daybook' })
      assert.ok(!text.includes('canary'))
    })

    test('what a GET gives can be put back, and changes nothing but the version', async () => {
      const id = await makeSubscription(api, { headers: { 'x-a': '1' }, retry_schedule: [5, 10], ordering: 'entity' })
      const { webhook_url, event_names, description, concurrency, timeout_ms, rate_limit, filter, ...rest } = (
        await api.request('GET', pathOf(id))
      ).body
      const { headers, format, ordering, retry_schedule } = rest
      const own = { webhook_url, event_names, description, concurrency, timeout_ms, rate_limit, filter }
      const { body } = await api.request('PUT', pathOf(id), { ...own, headers, format, ordering, retry_schedule })
      const { warnings: _, ...after } = body
      assert.deepEqual({ ...after, updated_at: '' }, { ...own, ...rest, updated_at: '' })
    })

    test('with the tag of what was read, and a new tag in the answer', async () => {
      const id = await makeSubscription(api)
      const tag = (await api.request('GET', pathOf(id))).headers.get('etag') ?? ''
      const { headers } = await api.request('PUT', pathOf(id), settings, { headers: { 'if-match': tag } })
      assert.notEqual(headers.get('etag'), tag)
    })
  })

  describe('400', () => {
    test('a URL or names that are absent, and an unknown member, are refused', async () => {
      const id = await makeSubscription(api)
      for (const [body, pointer] of [
        [{ event_names: ['a'] }, '/webhook_url'],
        [{ webhook_url: 'https://example.com' }, '/event_names'],
        [{ ...settings, colour: 'red' }, '/colour'],
      ] as const) {
        assert.deepEqual(refusalOf(await api.request('PUT', pathOf(id), body)), [400, 'invalid_request', pointer])
      }
    })
  })

  describe('404', () => {
    test('one that is not, was deleted or is of another company', async () => {
      for (const { id, key } of await unknownSubscriptions(api)) {
        assert.deepEqual(refusalOf(await api.request('PUT', pathOf(id), settings, { key })), [404, 'not_found'])
      }
    })
  })

  describe('409', () => {
    test('half of the credentials cannot be changed where the other half cannot be opened', async () => {
      const id = await makeSubscription(api, { ...settings, auth: { type: 'bearer', token: 'canary' } })
      await api.database.pools.owner.query({
        name: '',
        text: `update subscription_credentials set sealed = sealed || '\\x00' where subscription_id = $1`,
        values: [id],
      })
      const answer = await api.request('PUT', pathOf(id), { ...settings, tls: null })
      assert.deepEqual(refusalOf(answer), [409, 'secret_unreadable'])
    })
  })

  describe('412', () => {
    test('a change that somebody else was faster with is refused, and nothing changes', async () => {
      const id = await makeSubscription(api)
      const tag = (await api.request('GET', pathOf(id))).headers.get('etag') ?? ''
      await api.request('PATCH', pathOf(id), { description: 'theirs' })
      const answer = await api.request('PUT', pathOf(id), settings, { headers: { 'if-match': tag } })
      assert.deepEqual(refusalOf(answer), [412, 'precondition_failed'])
      assert.equal((await api.request('GET', pathOf(id))).body['description'], 'theirs')
    })
  })

  describe('422', () => {
    test('every setting that cannot be used is told with its place', async () => {
      const id = await makeSubscription(api)
      const answer = await api.request('PUT', pathOf(id), {
        webhook_url: 'https://10.0.0.1/',
        event_names: [],
        filter: { $or: [] },
        headers: { host: 'x' },
        retry_schedule: Array(20).fill(604_800),
      })
      assert.deepEqual(refusalOf(answer), [
        422,
        'invalid_url',
        '/webhook_url',
        '/event_names',
        '/filter/$or',
        '/headers/host',
        '/retry_schedule',
      ])
    })

    test('credentials do not follow a URL to another place by themselves', async () => {
      const id = await makeSubscription(api, { ...settings, auth: { type: 'bearer', token: 'canary' } })
      const elsewhere = { ...settings, webhook_url: 'https://example.org/webhook' }
      assert.deepEqual(refusalOf(await api.request('PUT', pathOf(id), elsewhere)), [
        422,
        'invalid_credentials',
        '/auth',
      ])
      assert.equal((await api.request('PUT', pathOf(id), { ...elsewhere, auth: null })).status, 200)
    })
  })
})
