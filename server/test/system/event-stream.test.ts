import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { Db } from '../../src/db/statement.ts'
import { newId } from '../../src/lib/ids.ts'
import { call, textOf } from '../support/api.ts'
import type { DaybookProcess } from '../support/daybook-process.ts'
import { API_KEY, startDaybook } from '../support/daybook-process.ts'
import { testDatabase } from '../support/database.ts'
import type { EventStream, StreamedEvent } from '../support/event-stream.ts'
import { openStream } from '../support/event-stream.ts'
import { sql, sqlValue } from '../support/sql.ts'
import { startStreamApp } from '../support/stream-app.ts'
import { until } from '../support/until.ts'

const ended = (stream: EventStream): boolean => stream.ended !== undefined

const idOf = ({ data }: StreamedEvent): unknown => Reflect.get(Object(JSON.parse(data)), 'id')

const idsInOrder = async (db: Db): Promise<readonly string[]> => {
  const rows = `select event_id from event_audit_trail where event_name = 'tick.happened' order by position`
  return (await sql<{ event_id: string }>(db, rows)).map(({ event_id }) => event_id)
}

test('[positions-dense] a client that comes back with the last id has every event once and in order, though the server is killed', async (t) => {
  const database = await testDatabase(t)
  const EVENTS = 1_000
  const KILLS = 4
  let server: DaybookProcess = await startDaybook(t, { DATABASE_URL: database.url })
  const published: string[] = []
  const publishAll = async (): Promise<void> => {
    while (published.length < EVENTS) {
      const ids = Array.from({ length: 10 }, () => newId())
      const events = ids.map((id) => ({ id, event_name: 'tick.happened', payload: {} }))
      await until('the batch is taken', async () => {
        const answer = await call(server.url, 'POST', '/events/batch', { events }).catch(() => undefined)
        return answer !== undefined && answer.status < 300
      })
      published.push(...ids)
    }
  }
  const seen: StreamedEvent[] = []
  const listen = async (): Promise<void> => {
    let lastId = '0'
    while (seen.length < EVENTS) {
      const stream = await openStream(t, server.url, {
        key: API_KEY,
        query: { event_names: 'tick.*' },
        headers: { 'last-event-id': lastId },
      }).catch(() => undefined)
      if (!stream) {
        await once(process, 'never', { signal: AbortSignal.timeout(20) }).catch(() => {})
        continue
      }
      await stream.until(
        'all is there, or it was cut',
        (one) => ended(one) || seen.length + one.events.length >= EVENTS,
      )
      seen.push(...stream.events)
      lastId = stream.lastId ?? lastId
      stream.close()
    }
  }
  const killAll = async (): Promise<void> => {
    for (let kill = 1; kill <= KILLS; kill++) {
      await until('some more were published', () => published.length >= (kill * EVENTS) / (KILLS + 1))
      server.kill('SIGKILL')
      await server.ended
      server = await startDaybook(t, { DATABASE_URL: database.url })
    }
  }
  await Promise.all([publishAll(), listen(), killAll()])
  const positions = seen.map(({ id }) => Number(id))
  assert.deepEqual(
    positions,
    [...new Set(positions)].toSorted((one, other) => one - other),
    'in order, each once',
  )
  assert.deepEqual(seen.map(idOf), await idsInOrder(database.pools.engine))
  assert.deepEqual(new Set(seen.map(idOf)), new Set(published))
})

test('a reader who takes nothing costs a page, holds nobody up, and misses nothing once it reads', async (t) => {
  const sockets: Socket[] = []
  const app = await startStreamApp(t)
  app.server.on('connection', (socket: Socket) => sockets.push(socket))
  const query = { event_names: 'tick.*' }
  const slow = await openStream(t, app.url, { key: app.key, query })
  slow.pause()
  const quick = await openStream(t, app.url, { key: app.key, query })
  const payload = JSON.stringify('x'.repeat(10_000))
  const ids: string[] = []
  let waitingMax = 0
  for (let n = 0; n < 15; n++) {
    ids.push(...(await app.publish(200, payload)))
    await quick.until('the quick one has all', ({ events }) => events.length === ids.length)
    waitingMax = Math.max(waitingMax, ...sockets.map((socket) => socket.writableLength))
  }
  assert.ok(waitingMax > 16_000, 'the slow one does not take everything')
  assert.ok(waitingMax < 256 * 1_024, `${waitingMax} bytes wait for one socket`)
  slow.resume()
  await slow.until('the slow one has all', ({ events }) => events.length >= ids.length)
  assert.deepEqual(slow.events.map(idOf), ids)
  assert.deepEqual(quick.events.map(idOf), ids)
})

test('the streams of a key end within five seconds of its revocation or expiry, and those of other keys go on', async (t) => {
  const app = await startStreamApp(t)
  const newKey = async (more: object): Promise<{ id: string; key: string }> => {
    const body = { name: 'Listener', scopes: ['events:read'], ...more }
    const made = await call(app.url, 'POST', '/api-keys', body, app.key)
    return { id: textOf(made, 'id'), key: textOf(made, 'key') }
  }
  const [revoked, expiring, kept] = [await newKey({}), await newKey({}), await newKey({})]
  const streams = await Promise.all(
    [revoked, expiring, kept].map(async ({ key }) => await openStream(t, app.url, { key })),
  )
  await call(app.url, 'DELETE', `/api-keys/${revoked.id}`, undefined, app.key)
  await sql(app.database.pools.owner, 'update api_keys set expires_at = now() where id = $1', [expiring.id])
  for (const stream of streams.slice(0, 2)) {
    await stream.until('it has ended', ended, 5_000)
    assert.deepEqual([stream.ended, stream.closedFor], ['cleanly', 'key_ended'])
  }
  const [id] = await app.publish(1)
  await streams[2]?.until('the other goes on', ({ events }) => events.map(idOf).includes(id))
})

test('a stop ends all streams at once, cleanly where they are read, and does not wait for who reads nothing', async (t) => {
  const database = await testDatabase(t)
  const server = await startDaybook(t, { DATABASE_URL: database.url })
  const streams = await Promise.all(
    Array.from({ length: 5 }, async () => await openStream(t, server.url, { key: API_KEY, query: { after: 0 } })),
  )
  const stuck = await openStream(t, server.url, { key: API_KEY, query: { event_names: 'tick.*' } })
  stuck.pause()
  const payload = 'x'.repeat(100_000)
  for (let n = 0; n < 100; n++) await call(server.url, 'POST', '/events', { event_name: 'tick.happened', payload })
  await streams[0]?.until(
    'all is routed',
    ({ events }) => events.filter(({ name }) => name === 'tick.happened').length === 100,
  )
  const stoppedAt = performance.now()
  assert.equal(await server.stop(), 0)
  assert.ok(performance.now() - stoppedAt < 5_000, 'within five seconds')
  for (const stream of streams) {
    await stream.until('it has ended', ended)
    assert.deepEqual([stream.ended, stream.closedFor], ['cleanly', 'shutting_down'])
  }
})

test('2,000 listeners, 1,500 of them of one company, are one reader of the database, and all get everything in order', async (t) => {
  const LISTENERS = 1_500
  const app = await startStreamApp(t)
  const counts = new Map<number, number>()
  let disordered = 0
  for (let from = 0; from < LISTENERS; from += 100) {
    await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        let last = 0
        const query = { event_names: 'tick.*', fields: index % 2 === 0 ? 'id,payload' : 'id,position' }
        await openStream(t, app.url, {
          key: app.key,
          query,
          onEvent: ({ id }) => {
            const position = Number(id)
            if (position <= last) disordered++
            last = position
            counts.set(position, (counts.get(position) ?? 0) + 1)
          },
        })
      }),
    )
  }
  for (let n = 0; n < 10; n++) {
    const made = await call(app.url, 'POST', '/companies', { name: `Other ${n}` }, app.operatorKey)
    const key = textOf(made, 'api_key')
    const open = async () => (await openStream(t, app.url, { key })).status
    assert.deepEqual(new Set(await Promise.all(Array.from({ length: 50 }, open))), new Set([200]))
  }
  await app.publish(1)
  const all = (events: number): boolean => counts.size === events && [...counts.values()].every((n) => n === LISTENERS)
  await until('all have the first', () => all(1))
  const isQuiet = (): boolean => {
    const since = app.statements.slice(app.statements.findLastIndex((name) => name.startsWith('trail.page')) + 1)
    return since.filter((name) => name === 'head.last_positions').length >= 3
  }
  await until('what the other companies began with is read', isQuiet)
  app.statements.length = 0
  await app.publish(30)
  await until('all have all', () => all(31))
  assert.equal(disordered, 0)
  const count = (name: string): number => app.statements.filter((one) => one === name).length
  const pages = count('trail.page_by_all_asc')
  assert.ok(pages >= 1 && pages <= 2, `${pages} pages were read`)
  assert.equal(count('trail.page_by_names_asc'), 0, 'nobody reads alone')
  assert.equal(count('head.last_position'), 0, 'no listener asks for itself')

  const refused = await call(app.url, 'GET', '/events/stream', undefined, app.key)
  assert.deepEqual([refused.status, refused.body['code']], [503, 'streams_full'])
})

test('fifty who come back after a restart, each some way behind, are served from three pages that are read once', async (t) => {
  const app = await startStreamApp(t)
  await app.publish(600)
  const head = 'select last_position from company_heads where company_id = $1'
  const last = Number(await sqlValue(app.database.pools.engine, head, [app.companyId]))
  app.statements.length = 0
  for (let behind = 0; behind < 50; behind++) {
    const stream = await openStream(t, app.url, { key: app.key, query: { after: last - behind } })
    await stream.until('it has what it missed', ({ events }) => events.length === behind)
  }
  const pages = app.statements.filter((name) => name.startsWith('trail.page')).length
  assert.ok(pages <= 3, `${pages} pages were read`)
})

test('requests that wait behind a stream on its connection take no place', async (t) => {
  const app = await startStreamApp(t, { listenersMax: 3 })
  const { hostname, port } = new URL(app.url)
  const socket = connect(Number(port), hostname)
  t.after(() => void socket.destroy())
  const one = `GET /api/v1/events/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${app.key}\r\n\r\n`
  socket.write(one.repeat(20))
  await once(socket, 'data')
  await call(app.url, 'GET', '/events', undefined, app.key) // all of them were read before this one
  for (let n = 0; n < 2; n++) assert.equal((await openStream(t, app.url, { key: app.key })).status, 200)
})

test('every stream that has ended is in the log with its reason, also where the client closed it', async (t) => {
  const app = await startStreamApp(t)
  const stream = await openStream(t, app.url, { key: app.key })
  stream.close()
  const done = await openStream(t, app.url, { key: app.key, query: { follow: false } })
  await done.until('it has ended', ended)
  const reasons = () =>
    app.lines
      .filter((line) => line.includes('stream closed'))
      .map((line) => Reflect.get(Object(JSON.parse(line)), 'reason'))
  await until('both are told', () => reasons().length === 2)
  assert.deepEqual(new Set(reasons()), new Set(['caught_up', 'gone']))
})

test('a company takes three quarters of a process, the rest is for companies with few streams; who leaves makes room', async (t) => {
  const app = await startStreamApp(t, { listenersMax: 4, listenersOfSmallMax: 2 })
  const other = await call(app.url, 'POST', '/companies', { name: 'Other' }, app.operatorKey)
  const open = async (key: string): Promise<EventStream> => await openStream(t, app.url, { key })
  const refusal = async (key: string): Promise<readonly unknown[]> => {
    const { status, body } = await call(app.url, 'GET', '/events/stream', undefined, key)
    return [status, body['code']]
  }
  const first = await open(app.key)
  await open(app.key)
  await open(app.key)
  assert.deepEqual(await refusal(app.key), [429, 'too_many_streams'])
  await open(textOf(other, 'api_key'))
  assert.deepEqual(await refusal(textOf(other, 'api_key')), [503, 'streams_full'])
  first.close()
  await until('there is room again', async () => (await open(textOf(other, 'api_key'))).status === 200)
})

test('a stream on which nothing happens shows that it lives, and how far it has come', async (t) => {
  const app = await startStreamApp(t, { heartbeatMs: 50 })
  const stream = await openStream(t, app.url, { key: app.key, query: { event_names: 'never.happens' } })
  const begun = Number(stream.lastId ?? 0)
  await app.publish(3)
  await stream.until('it has moved on without an event', ({ lastId }) => Number(lastId) >= begun + 3)
  assert.deepEqual(stream.events, [])
  assert.match(stream.text, /\n\n:\nid: \d+\n\n/)
})

test('a company whose events cannot be read has its streams ended and the reason logged; others go on', async (t) => {
  const app = await startStreamApp(t)
  const made = await call(app.url, 'POST', '/companies', { name: 'Other' }, app.operatorKey)
  const other = await openStream(t, app.url, { key: textOf(made, 'api_key') })
  const stream = await openStream(t, app.url, { key: app.key })
  const spoil = `update event_logs set occurred_at = 'infinity' where company_id = $1 and event_name = 'tick.happened'`
  await call(app.url, 'POST', '/events', '{"event_name":"tick.happened","payload":{}}', app.key)
  await sql(app.database.pools.owner, spoil, [app.companyId])
  await app.node.route()
  await stream.until('it has ended', ended)
  assert.equal(stream.closedFor, 'internal_error')
  assert.ok(app.lines.some((line) => line.includes('events could not be read for streams')))
  assert.equal(other.ended, undefined)
})

test('a log that was put back to an older state ends its streams, and says so to whoever comes back', async (t) => {
  const app = await startStreamApp(t)
  await app.publish(10)
  const stream = await openStream(t, app.url, { key: app.key })
  const { owner } = app.database.pools
  await sql(owner, 'update company_heads set last_position = 5 where company_id = $1', [app.companyId])
  await stream.until('it has ended', ended)
  assert.equal(stream.closedFor, 'position_ahead')
  const again = await fetch(`${app.url}/api/v1/events/stream`, {
    headers: { authorization: `Bearer ${app.key}`, 'last-event-id': stream.lastId ?? '' },
  })
  assert.deepEqual([again.status, Reflect.get(Object(await again.json()), 'code')], [422, 'position_ahead'])
})

test('what comes while the database is away is there when it is back, on the same connection', async (t) => {
  const database = await testDatabase(t)
  const server = await startDaybook(t, { DATABASE_URL: database.url })
  const stream = await openStream(t, server.url, { key: API_KEY, query: { event_names: 'tick.*' } })
  const cut = `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and application_name like 'daybook_%'`
  for (let n = 1; n <= 10; n++) {
    await sql(database.pools.owner, cut).catch(() => {})
    const body = { id: newId(), event_name: 'tick.happened', payload: n }
    // A refusal may close the connection just when the next request takes it.
    const publish = async () => await call(server.url, 'POST', '/events', body).catch(() => undefined)
    await until('it is taken', async () => ((await publish())?.status ?? 503) < 300)
  }
  await stream.until('all are there', ({ events }) => events.length >= 10)
  assert.deepEqual(
    stream.events.map(({ data }) => Reflect.get(Object(JSON.parse(data)), 'payload')),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  )
  assert.equal(stream.ended, undefined)
})
