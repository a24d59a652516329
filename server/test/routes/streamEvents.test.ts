import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { EventStream, StreamRequest } from '../support/event-stream.ts'
import { openStream } from '../support/event-stream.ts'
import { makeEvent, newEventName } from '../support/made-things.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'
import { sqlValue } from '../support/sql.ts'

const api = await startRouteTest()
const path = '/events/stream'

const open = async (options: Partial<StreamRequest> = {}): Promise<EventStream> =>
  await openStream({ after }, api.url, { key: api.key, ...options })

/** Everything up to now, by a stream that ends by itself. */
async function readAll(query: StreamRequest['query'], headers: StreamRequest['headers'] = {}): Promise<EventStream> {
  const stream = await open({ query: { after: 0, follow: false, ...query }, headers })
  await stream.until('the stream has ended', ({ ended }) => ended !== undefined)
  assert.deepEqual([stream.ended, stream.closedFor], ['cleanly', 'caught_up'])
  return stream
}

const idsOf = ({ events }: EventStream) => events.map(({ data }) => Reflect.get(Object(JSON.parse(data)), 'id'))

const head = async (): Promise<number> =>
  await sqlValue(api.database.pools.engine, 'select last_position from company_heads where company_id = $1', [
    api.companyId,
  ])

describe('GET /events/stream', () => {
  describe('200', () => {
    test('what comes from now on, as GET /events shows it, named, and numbered by position', async () => {
      const event_name = newEventName()
      await makeEvent(api, { event_name })
      await api.node.route()
      const stream = await open({ query: { event_names: event_name } })
      assert.equal(stream.status, 200)
      assert.equal(stream.headers['content-type'], 'text/event-stream')
      assert.equal(stream.headers['cache-control'], 'no-store')
      assert.equal(stream.headers['x-accel-buffering'], 'no')
      assert.equal(stream.headers['content-encoding'], undefined)
      const before = await head()
      await stream.until('it says where it begins', ({ lastId }) => lastId === String(before))
      assert.match(stream.text, /^retry: [2-5]\d{3}\n\n/)
      const id = await makeEvent(api, { event_name, payload: { text: 'a\nb' }, entity_type: 'call', entity_id: 7 })
      await api.node.route()
      await stream.until('the event', ({ events }) => events.length === 1)
      const { body } = await api.request('GET', '/events', undefined, { query: { event_names: event_name, limit: 1 } })
      const [shown] = body['data'] as readonly Record<string, unknown>[]
      const [event] = stream.events
      assert.deepEqual(JSON.parse(event?.data ?? ''), shown)
      assert.deepEqual([event?.name, event?.id, shown?.['id']], [event_name, String(shown?.['position']), id])
      stream.close()
    })

    test('a payload in many lines is one line of the stream, and the same JSON', async () => {
      const event_name = newEventName()
      const payload = '{\r\n  "text": "a\\nb",\n  "n": 1.0\r}'
      await api.request('POST', '/events', `{"event_name":"${event_name}","payload":${payload}}`)
      await api.node.route()
      const [event] = (await readAll({ event_names: event_name })).events
      assert.ok(event?.data.endsWith(`,"payload":${payload.replaceAll(/[\r\n]/g, ' ')}}`), event?.data)
    })

    test('behind a position, or behind the last one that was seen; that goes before', async () => {
      const event_name = newEventName()
      const made: string[] = []
      for (let n = 0; n < 4; n++) made.push(await makeEvent(api, { event_name }))
      await api.node.route()
      const all = await readAll({ event_names: event_name })
      assert.deepEqual(idsOf(all), made)
      const [first, second] = all.positions()
      const after = first ?? 0
      assert.deepEqual(idsOf(await readAll({ event_names: event_name, after })), made.slice(1))
      const again = await readAll({ event_names: event_name, after }, { 'last-event-id': String(second) })
      assert.deepEqual(idsOf(again), made.slice(2))
    })

    test('by names, entity, related ones, actor, source, correlation and filter, alike of the past and live', async () => {
      const name = newEventName()
      const [thing, other] = [newEventName(), newEventName()]
      const queries: readonly [NonNullable<StreamRequest['query']>, readonly number[]][] = [
        [{ event_names: `${name}.*` }, [0, 1, 2, 3]],
        [{ event_names: `${name}.a,${name}.b` }, [0, 1]],
        [{ entity_type: 'thing', entity_id: thing }, [0]],
        [{ entity_type: 'thing', entity_id: thing, include_related: true }, [0, 1]],
        [{ related_type: 'thing', related_id: thing }, [1]],
        [{ actor_type: 'user', actor_id: other }, [2]],
        [{ source: other }, [3]],
        [{ correlation_id: other }, [3]],
        [{ event_names: `${name}.*`, filter: '{"price":{"$gt":10}}' }, [1, 3]],
      ]
      const live = await Promise.all(queries.map(async ([query]) => await open({ query })))
      const made = [
        await makeEvent(api, { event_name: `${name}.a`, entity_type: 'thing', entity_id: thing }),
        await makeEvent(api, {
          event_name: `${name}.b`,
          related: [{ type: 'thing', id: thing }],
          payload: { price: 11 },
        }),
        await makeEvent(api, { event_name: `${name}.c`, actor: { type: 'user', id: other } }),
        await makeEvent(api, { event_name: `${name}.d`, source: other, correlation_id: other, payload: { price: 12 } }),
      ]
      await api.node.route()
      const end = await makeEvent(api, { event_name: `${name}.d`, source: 'end' })
      await api.node.route()
      for (const [index, [query, wanted]] of queries.entries()) {
        const ids = wanted.map((n) => made[n])
        const isWanted = (id: unknown): boolean => id !== end
        assert.deepEqual(idsOf(await readAll(query)).filter(isWanted), ids, JSON.stringify(query))
        await live[index]?.until(JSON.stringify(query), (stream) => idsOf(stream).length >= ids.length)
        assert.deepEqual(idsOf(live[index] as EventStream).filter(isWanted), ids, JSON.stringify(query))
        live[index]?.close()
      }
    })

    test('* is every business event; those of Daybook have to be named', async () => {
      const stream = await readAll({ event_names: '*' })
      assert.ok(stream.events.length > 0 && stream.events.every(({ name }) => !name.startsWith('daybook.')))
      const own = await readAll({ event_names: 'daybook.*' })
      assert.ok(own.events.length > 0 && own.events.every(({ name }) => name.startsWith('daybook.')))
    })

    test('only the members that were chosen', async () => {
      const event_name = newEventName()
      const id = await makeEvent(api, { event_name })
      await api.node.route()
      const { events } = await readAll({ event_names: event_name, fields: 'id,payload' })
      assert.deepEqual(
        events.map(({ data }) => data),
        [`{"id":"${id}","payload":{"n":1}}`],
      )
    })

    test('HEAD tells the type and ends', async () => {
      const sent = httpRequest(`${api.url}/api/v1${path}`, {
        method: 'HEAD',
        headers: { authorization: `Bearer ${api.key}` },
        agent: false,
      }).end()
      const [response] = (await once(sent, 'response')) as [IncomingMessage]
      response.resume()
      await once(response, 'end')
      assert.deepEqual([response.statusCode, response.headers['content-type']], [200, 'text/event-stream'])
    })
  })

  describe('400', () => {
    test('a position that is none, a member that is none', async () => {
      for (const [query, pointer] of [
        [{ after: -1 }, '/after'],
        [{ after: 'x' }, '/after'],
        [{ follow: 'perhaps' }, '/follow'],
        [{ fields: 'colour' }, '/fields'],
        [{ from: '-1h' }, '/from'],
        [{ delivery: 'failed' }, '/delivery'],
        [{ event_names: Array.from({ length: 101 }, (_, n) => `a.b${n}`).join(',') }, '/event_names'],
      ] as const) {
        const answer = await api.request('GET', path, undefined, { query })
        assert.deepEqual(refusalOf(answer), [400, 'invalid_request', pointer])
      }
      const answer = await api.request('GET', path, undefined, { headers: { 'last-event-id': 'abc' } })
      assert.deepEqual(refusalOf(answer), [400, 'invalid_request', '/last-event-id'])
    })
  })

  describe('406', () => {
    test('whoever does not take text/event-stream is told so', async () => {
      for (const accept of ['application/json', 'text/event-stream;q=0', 'text/html, */*;q=0']) {
        const answer = await api.request('GET', path, undefined, { headers: { accept } })
        assert.deepEqual(refusalOf(answer), [406, 'not_acceptable'], accept)
      }
      for (const accept of ['text/event-stream', 'text/*', 'application/json, */*;q=0.1']) {
        assert.equal((await readAll({}, { accept })).status, 200, accept)
      }
    })
  })

  describe('422', () => {
    test('a position that the log has not come to: the log is another one than the caller knew', async () => {
      const next = (await head()) + 1
      const answer = await api.request('GET', path, undefined, { query: { after: next } })
      assert.deepEqual(refusalOf(answer), [422, 'position_ahead'])
      const again = await api.request('GET', path, undefined, { headers: { 'last-event-id': '9999999999999999' } })
      assert.deepEqual(refusalOf(again), [422, 'position_ahead'])
    })

    test('names, entities and filters that are none', async () => {
      for (const [query, refusal] of [
        [{ event_names: 'A b' }, ['invalid_event_name']],
        [{ entity_type: 'call' }, ['invalid_entity', '/entity_id']],
        [{ filter: '{' }, ['invalid_filter', '/filter']],
      ] as const) {
        const answer = await api.request('GET', path, undefined, { query })
        assert.deepEqual(refusalOf(answer), [422, ...refusal])
      }
    })
  })
})
