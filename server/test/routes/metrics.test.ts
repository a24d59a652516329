import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

describe('GET /metrics', () => {
  describe('200', () => {
    test('the text format of Prometheus, and it is kept in no cache', async () => {
      const { headers } = await api.request('GET', '/metrics', undefined, { key: null })
      assert.match(headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
      assert.equal(headers.get('cache-control'), 'no-store')
    })
  })
})
