import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

describe('GET /healthz', () => {
  describe('200', () => {
    test('anybody is told that the process is alive, and its version', async () => {
      const { body } = await api.request('GET', '/healthz', undefined, { key: null })
      assert.deepEqual(body, { status: 'ok', version: api.parts.version })
    })
  })
})
