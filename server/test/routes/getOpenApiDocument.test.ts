import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openApiDocument } from '../../src/http/openapi.ts'
import { startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

describe('GET /openapi.json', () => {
  describe('200', () => {
    test('anybody is given the document that the routes make', async () => {
      const { body } = await api.request('GET', '/openapi.json', undefined, { key: null })
      assert.equal(body['openapi'], '3.1.0')
      const made: unknown = JSON.parse(JSON.stringify(await openApiDocument()))
      assert.deepEqual(body['paths'], Reflect.get(Object(made), 'paths'))
    })
  })
})
