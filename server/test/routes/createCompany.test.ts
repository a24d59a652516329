import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const path = '/companies'

describe('POST /companies', () => {
  describe('201', () => {
    test('it comes with a key that may do everything within it', async () => {
      const { status, body } = await api.request('POST', path, { name: 'Shop' })
      assert.deepEqual([status, body['name']], [201, 'Shop'])
      const key = String(body['api_key'])
      for (const list of ['/events', '/events/subscriptions', '/api-keys']) {
        assert.equal((await api.request('GET', list, undefined, { key })).status, 200)
      }
    })

    test('by default it takes declared events only, and ten failures in a row disable a subscription', async () => {
      const { settings } = (await api.request('POST', path, { name: 'Shop' })).body
      assert.partialDeepStrictEqual(settings, { allow_undeclared_events: false, disable_after_failures: 10 })
    })

    test('settings that are given are kept, the others have their defaults', async () => {
      const given = { name: 'Shop', settings: { disable_after_failures: 3 } }
      const { settings } = (await api.request('POST', path, given)).body
      assert.partialDeepStrictEqual(settings, { allow_undeclared_events: false, disable_after_failures: 3 })
    })
  })

  describe('400', () => {
    for (const [what, body, pointer] of [
      ['no name', {}, '/name'],
      ['a name of more than 200 characters', { name: 'x'.repeat(201) }, '/name'],
      ['a setting that is not known', { name: 'x', settings: { colour: 'red' } }, '/settings/colour'],
      ['no failure at all', { name: 'x', settings: { disable_after_failures: 0 } }, '/settings/disable_after_failures'],
    ] as const) {
      test(`${what} is refused`, async () => {
        assert.deepEqual(refusalOf(await api.request('POST', path, body)), [400, 'invalid_request', pointer])
      })
    }
  })
})
