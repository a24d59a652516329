import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { column, makeEvent, newEventName } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'
import { sql } from '../support/sql.ts'

const api = await startRouteTest()
const path = '/events/export'

describe('GET /events/export', () => {
  describe('200', () => {
    test('every event of the filter once, over many pages, the oldest first, payloads byte for byte', async () => {
      const event_name = newEventName()
      const payloads = Array.from({ length: 450 }, (_, n) => `{ "n": ${n}.0 }`)
      for (let n = 0; n < payloads.length; n += 150) {
        const events = payloads.slice(n, n + 150).map((text) => `{"event_name":"${event_name}","payload":${text}}`)
        const { body } = await api.request('POST', '/events/batch', `{"events":[${events.join(',')}]}`)
        assert.equal((body['data'] as readonly unknown[]).length, events.length)
      }
      await api.node.route()
      for (const order of ['asc', 'desc']) {
        const answer = await api.request('GET', path, undefined, { query: { event_names: event_name, order } })
        assert.equal(answer.headers.get('content-type'), 'application/x-ndjson')
        const lines = answer.text.split('\n').slice(0, -1)
        const found = lines.map((line) => line.slice(line.indexOf('"payload":') + 10, -1))
        assert.deepEqual(order === 'asc' ? found : found.toReversed(), payloads)
      }
    })

    test('a payload in several lines is one line of NDJSON', async () => {
      const event_name = newEventName()
      const text = '{\n  "text": "one\\ntwo",\r\n  "n": 1.50\n}'
      await api.request('POST', '/events', `{"event_name":"${event_name}","payload":${text}}`)
      await api.node.route()
      const query = { event_names: event_name, fields: 'payload' }
      const answer = await api.request('GET', path, undefined, { query })
      assert.equal(answer.text, `{"payload":${text.replaceAll(/[\r\n]/g, ' ')}}\n`)
    })

    test('CSV with the chosen columns, in which nothing is a formula', async () => {
      const event_name = newEventName()
      await makeEvent(api, { event_name, source: '=cmd|x', actor: { type: 'user', id: '+49', name: 'Ann, "A"' } })
      await api.node.route()
      const query = { event_names: event_name, format: 'csv', fields: 'payload,actor,source' }
      const answer = await api.request('GET', path, undefined, { query })
      assert.equal(
        answer.text,
        `actor_type,actor_id,actor_name,source,payload\r\nuser,'+49,"Ann, ""A""",'=cmd|x,"{""n"":1}"\r\n`,
      )
      assert.match(answer.headers.get('content-disposition') ?? '', /attachment; filename="events\.csv"/)
    })

    test('of no events: no line, or the line of the columns', async () => {
      const query = { event_names: newEventName(), fields: 'id' }
      assert.equal((await api.request('GET', path, undefined, { query })).text, '')
      assert.equal((await api.request('GET', path, undefined, { query: { ...query, format: 'csv' } })).text, 'id\r\n')
    })

    test('what fails on the way is cut off, and never looks whole', async () => {
      const event_name = newEventName()
      const events = Array.from({ length: 250 }, (_, payload) => ({ event_name, payload }))
      const { body } = await api.request('POST', '/events/batch', { events })
      await api.node.route()
      const url = `${api.url}/api/v1${path}?event_names=${event_name}`
      const fetchAll = async () => await (await fetch(url, { headers: { authorization: `Bearer ${api.key}` } })).text()
      assert.equal((await fetchAll()).split('\n').length, 251)
      const last = column(body, 'id').at(-1)
      const spoil = `update event_logs set occurred_at = 'infinity' where id = $1`
      await sql(api.database.pools.owner, spoil, [last])
      await assert.rejects(fetchAll(), { message: 'terminated' })
    })
  })

  describe('400', () => {
    test('a format or a member of events that is none', async () => {
      for (const [query, pointer] of [
        [{ format: 'xlsx' }, '/format'],
        [{ fields: 'id,colour' }, '/fields'],
        [{ cursor: 'x' }, '/cursor'],
      ] as const) {
        const answer = await api.request('GET', path, undefined, { query })
        assert.deepEqual(refusalOf(answer), [400, 'invalid_request', pointer])
      }
    })
  })

  describe('422', () => {
    test('a filter that is none is refused before anything is sent', async () => {
      for (const [filter, pointer] of [
        ['{', '/filter'],
        ['{"price":{"$near":1}}', '/filter/price/$near'],
      ] as const) {
        const answer = await api.request('GET', path, undefined, { query: { filter } })
        assert.deepEqual(refusalOf(answer), [422, 'invalid_filter', pointer])
      }
    })
  })
})
