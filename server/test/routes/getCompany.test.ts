import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

describe('GET /companies/{id}', () => {
  describe('200', () => {
    test('it is shown as its making was answered, without its key', async () => {
      const { api_key, ...made } = (await api.request('POST', '/companies', { name: 'Shop' })).body
      const { body, text } = await api.request('GET', `/companies/${String(made['id'])}`)
      assert.deepEqual(body, made)
      assert.ok(!text.includes(String(api_key)))
    })
  })

  describe('404', () => {
    test('what does not exist and what is no id', async () => {
      for (const name of [newId(), 'nothing']) {
        assert.deepEqual(refusalOf(await api.request('GET', `/companies/${name}`)), [404, 'not_found'])
      }
    })
  })
})
