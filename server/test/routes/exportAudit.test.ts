import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { column, makeEvent, newEventName, rowsIn } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const path = '/audit/export'

describe('GET /audit/export', () => {
  describe('200', () => {
    test('every entry of the filter, the oldest first, as the list has it', async () => {
      const event_names = newEventName()
      for (const before of [1, 2, 3]) await makeEvent(api, { event_name: event_names, payload: { before } })
      await api.node.route()
      const answer = await api.request('GET', path, undefined, { query: { event_names } })
      const lines = answer.text.trimEnd().split('\n')
      const { body } = await api.request('GET', '/audit', undefined, { query: { event_names, order: 'asc' } })
      assert.deepEqual(
        lines.map((line) => JSON.parse(line) as unknown),
        rowsIn(body),
      )
    })

    test('CSV has a column for each member, and no formula', async () => {
      const event_names = newEventName()
      await makeEvent(api, { event_name: event_names, payload: { reason: '=1+1', after: [1] } })
      await api.node.route()
      const { text } = await api.request('GET', path, undefined, { query: { event_names, format: 'csv' } })
      const [head = '', line = ''] = text.split('\r\n')
      assert.ok(head.startsWith('position,event_id,event_name,actor_type,'))
      assert.ok(line.includes(`,'=1+1,`) && line.endsWith(',,[1]'), line)
    })

    test('that it was exported, by whom and what, stands in the trail', async () => {
      const event_names = newEventName()
      await api.request('GET', path, undefined, { query: { event_names, format: 'csv' } })
      await api.node.route()
      const query = { event_names: 'daybook.audit.exported', limit: 1 }
      const { body } = await api.request('GET', '/events', undefined, { query })
      assert.deepEqual(column(body, 'payload'), [{ query: { event_names: [event_names], format: 'csv' } }])
    })
  })

  describe('400', () => {
    test('a format that is none', async () => {
      const answer = await api.request('GET', path, undefined, { query: { format: 'xlsx' } })
      assert.deepEqual(refusalOf(answer), [400, 'invalid_request', '/format'])
    })
  })

  describe('422', () => {
    test('a refused request is not told in the trail', async () => {
      const answer = await api.request('GET', path, undefined, { query: { event_names: '*.x' } })
      assert.deepEqual(refusalOf(answer).slice(0, 2), [422, 'invalid_event_name'])
      await api.node.route()
      const query = { event_names: 'daybook.audit.exported' }
      assert.ok(!(await api.request('GET', '/events', undefined, { query })).text.includes('*.x'))
    })
  })
})
