import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

describe('GET /readyz', () => {
  describe('200', () => {
    test('anybody is told that every check holds', async () => {
      const { body } = await api.request('GET', '/readyz', undefined, { key: null })
      assert.equal(body['status'], 'ready')
      const checks = Object.values(Object(body['checks']))
      assert.ok(checks.length >= 4 && checks.every((one) => one === 'ok'))
    })
  })
})
