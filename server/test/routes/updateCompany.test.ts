import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'
import { until } from '../support/until.ts'

const api = await startRouteTest()
const pathOf = (id: string): string => `/companies/${id}`

describe('PATCH /companies/{id}', () => {
  describe('200', () => {
    test('what is given changes and what is absent stays', async () => {
      const { id } = await api.newCompany('Shop', { allow_undeclared_events: true, disable_after_failures: 5 })
      const { body } = await api.request('PATCH', pathOf(id), { settings: { disable_after_failures: 7 } })
      assert.partialDeepStrictEqual(body['settings'], { allow_undeclared_events: true, disable_after_failures: 7 })
      assert.deepEqual((await api.request('GET', pathOf(id))).body, body)
    })

    test('it is soon in force', async () => {
      const { id, key } = await api.newCompany('Shop', { allow_undeclared_events: true })
      const publish = async () => await api.request('POST', '/events', { event_name: 'a.b', payload: 1 }, { key })
      assert.equal((await publish()).status, 201)
      await api.request('PATCH', pathOf(id), { settings: { allow_undeclared_events: false } })
      await until('the name is refused', async () => (await publish()).status === 422)
    })
  })

  describe('400', () => {
    for (const [what, body, pointer] of [
      ['no settings', {}, '/settings'],
      ['another name', { settings: {}, name: 'x' }, '/name'],
      ['a setting of another type', { settings: { disable_after_failures: '7' } }, '/settings/disable_after_failures'],
    ] as const) {
      test(`${what} is refused`, async () => {
        const answer = await api.request('PATCH', pathOf(api.companyId), body)
        assert.deepEqual(refusalOf(answer), [400, 'invalid_request', pointer])
      })
    }
  })

  describe('404', () => {
    test('what does not exist and what is no id', async () => {
      for (const name of [newId(), 'nothing']) {
        const answer = await api.request('PATCH', pathOf(name), { settings: {} })
        assert.deepEqual(refusalOf(answer), [404, 'not_found'])
      }
    })
  })
})
