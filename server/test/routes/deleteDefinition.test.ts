import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { makeDefinition } from '../support/made-definitions.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

const remove = async (name: string, headers?: Record<string, string>) =>
  await api.request('DELETE', `/events/schemas/${name}`, undefined, headers && { headers })

describe('DELETE /events/schemas/{event_name}', () => {
  describe('204', () => {
    test('a draft goes, and what never had an event', async () => {
      for (const status of ['draft', 'active']) {
        const name = await makeDefinition(api, { status })
        assert.equal((await remove(name)).status, 204)
        assert.equal((await api.request('GET', `/events/schemas/${name}`)).status, 404)
        const undeclared = await api.request('POST', '/events', { event_name: name, payload: 7 })
        assert.equal(undeclared.status, 201, 'nothing is judged by it any more')
      }
    })
  })

  describe('400', () => {
    test('a header that is too long is named', async () => {
      const name = await makeDefinition(api)
      const answer = await remove(name, { 'if-match': '"1",'.repeat(300) })
      assert.deepEqual(refusalOf(answer), [400, 'invalid_request', '/if-match'])
    })
  })

  describe('404', () => {
    test('a name without a definition, and one that is deleted already', async () => {
      const name = await makeDefinition(api)
      await remove(name)
      for (const gone of [name, 'never.defined', '%00']) {
        assert.deepEqual(refusalOf(await remove(gone)), [404, 'not_found'])
      }
    })
  })

  describe('409', () => {
    test('a standard definition stays', async () => {
      assert.deepEqual(refusalOf(await remove('call.completed')), [409, 'standard_definition'])
    })

    test('what had an event can only be archived', async () => {
      const name = await makeDefinition(api)
      await api.request('POST', '/events', { event_name: name, payload: { order_id: 'o-1' } })
      const answer = await remove(name)
      assert.deepEqual(refusalOf(answer), [409, 'definition_in_use'])
      assert.match(String(answer.body['detail']), /archive it/)
    })
  })

  describe('412', () => {
    test('what was changed since it was read stays', async () => {
      const name = await makeDefinition(api)
      assert.deepEqual(refusalOf(await remove(name, { 'if-match': '"0"' })), [412, 'precondition_failed'])
      assert.equal((await api.request('GET', `/events/schemas/${name}`)).status, 200)
    })
  })
})
