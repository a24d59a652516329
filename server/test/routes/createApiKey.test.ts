import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const path = '/api-keys'

describe('POST /api-keys', () => {
  describe('201', () => {
    test('the key opens what its scopes name and nothing else', async () => {
      const { status, body } = await api.request('POST', path, { name: 'Reader', scopes: ['events:read'] })
      assert.deepEqual([status, body['expires_at'], body['revoked_at']], [201, null, null])
      const key = String(body['key'])
      assert.equal((await api.request('GET', '/events', undefined, { key })).status, 200)
      assert.deepEqual(refusalOf(await api.request('GET', path, undefined, { key })), [403, 'forbidden'])
    })

    test('its hint does not give the key away', async () => {
      const { body } = await api.request('POST', path, { name: 'Hinted', scopes: ['*'] })
      assert.ok(String(body['hint']).length < String(body['key']).length / 2)
    })

    test('an end is kept in UTC', async () => {
      const given = { name: 'Ends', scopes: ['*'], expires_at: '2999-01-01T01:00:00+01:00' }
      assert.equal((await api.request('POST', path, given)).body['expires_at'], '2999-01-01T00:00:00.000Z')
    })
  })

  describe('400', () => {
    for (const [what, body, pointer] of [
      ['no scope', { name: 'x', scopes: [] }, '/scopes'],
      ['a scope that is none', { name: 'x', scopes: ['events:fly'] }, '/scopes/0'],
      ['a scope twice', { name: 'x', scopes: ['*', '*'] }, '/scopes'],
      ['an empty name', { name: '', scopes: ['*'] }, '/name'],
      ['a key of its own choice', { name: 'x', scopes: ['*'], key: 'k' }, '/key'],
    ] as const) {
      test(`${what} is refused`, async () => {
        assert.deepEqual(refusalOf(await api.request('POST', path, body)), [400, 'invalid_request', pointer])
      })
    }
  })

  describe('422', () => {
    test('an end that is past or no time is refused', async () => {
      for (const expires_at of ['2020-01-01T00:00:00Z', 'tomorrow', '2999-01-01']) {
        const answer = await api.request('POST', path, { name: 'x', scopes: ['*'], expires_at })
        assert.deepEqual(refusalOf(answer), [422, 'invalid_time', '/expires_at'])
      }
    })
  })

  describe('403', () => {
    test('a key can give no scope that it lacks itself, and each is named', async () => {
      const key = await api.keyWith('keys:write', 'events:read')
      const body = { name: 'More', scopes: ['events:read', 'events:write', '*'] }
      const answer = await api.request('POST', path, body, { key })
      assert.deepEqual(refusalOf(answer), [403, 'forbidden', '/scopes/1', '/scopes/2'])
    })
  })
})
