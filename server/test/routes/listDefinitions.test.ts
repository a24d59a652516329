import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { column } from '../support/made-things.ts'
import { makeDefinition } from '../support/made-definitions.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()

describe('GET /events/schemas', () => {
  describe('200', () => {
    test('the twelve standard definitions are there, by name', async () => {
      const { body } = await api.request('GET', '/events/schemas')
      const names = column(body, 'event_name').map(String)
      assert.equal(names.length, 12)
      assert.deepEqual(
        names,
        names.toSorted((one, other) => (one < other ? -1 : 1)),
      )
      assert.ok(names.includes('appointment.created'))
    })

    test("the company's own stand among them, and another company's do not", async () => {
      const name = await makeDefinition(api, { title: 'Own' })
      const { key } = await api.newCompany('Neighbour')
      const seenBy = async (by: string) =>
        column((await api.request('GET', '/events/schemas', undefined, { key: by })).body, 'event_name')
      assert.ok((await seenBy(api.key)).includes(name))
      assert.ok(!(await seenBy(key)).includes(name))
    })

    test('filters are by source, status, tag and a part of name, title or description', async () => {
      const name = await makeDefinition(api, {
        tags: ['filtered'],
        title: 'Umbrella_100%',
        description: 'Sold in rain',
      })
      const draft = await makeDefinition(api, { tags: ['filtered'], status: 'draft' })
      const found = async (query: Record<string, string>) =>
        column((await api.request('GET', '/events/schemas', undefined, { query })).body, 'event_name')
      assert.deepEqual(await found({ tag: 'filtered' }), [name, draft].toSorted())
      assert.deepEqual(await found({ tag: 'filtered', status: 'draft' }), [draft])
      assert.deepEqual(await found({ tag: 'filtered', source: 'standard' }), [])
      for (const q of ['UMBRELLA_1', '100%', 'in rain', name.toUpperCase()])
        assert.deepEqual(await found({ q }), [name], q)
      const appointments = await found({ q: 'Appointment created', source: 'standard' })
      assert.ok(appointments.includes('appointment.created') && appointments.length < 12)
      assert.deepEqual(await found({ q: '\0' }), [])
    })

    test('pages follow one another without a gap, though a definition is made between them', async () => {
      const { key } = await api.newCompany('Pages')
      const own = [await makeDefinition(api, {}, key), await makeDefinition(api, {}, key)]
      const names: unknown[] = []
      for (let cursor: string | null = ''; cursor !== null;) {
        const query: Record<string, string> = { limit: '3', ...(cursor !== '' && { cursor }) }
        const { body } = await api.request('GET', '/events/schemas', undefined, { query, key })
        names.push(...column(body, 'event_name'))
        cursor = body['next_cursor'] as string | null
        await api.request('POST', '/events/schemas', { event_name: `a.n${names.length}`, schema: {} }, { key })
      }
      assert.equal(new Set(names).size, 14)
      assert.deepEqual(
        own.filter((name) => !names.includes(name)),
        [],
      )
    })
  })

  describe('400', () => {
    test('a member of the query that is not known', async () => {
      const answer = await api.request('GET', '/events/schemas', undefined, { query: { colour: 'red' } })
      assert.deepEqual(refusalOf(answer), [400, 'invalid_request', '/colour'])
    })

    test('a cursor that was not given out', async () => {
      for (const values of [['definitions', 'a b'], ['definitions', '\0'], ['definitions'], ['events', 'a.b']]) {
        const cursor = Buffer.from(JSON.stringify(values)).toString('base64url')
        const answer = await api.request('GET', '/events/schemas', undefined, { query: { cursor } })
        assert.deepEqual(refusalOf(answer), [400, 'invalid_cursor'])
      }
    })
  })
})
