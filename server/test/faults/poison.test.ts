import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { call, textOf } from '../support/api.ts'
import { startDaybook } from '../support/daybook-process.ts'
import { sql, sqlValue } from '../support/sql.ts'
import { until } from '../support/until.ts'
import { listenRaw } from '../support/raw-receiver.ts'
import { beginRun, publish, settled, subscribe } from './fault-run.ts'

/** A poison message is set aside with a reason; its neighbours do not notice. */
suite('poison', { concurrency: 3 }, () => {
  test('an answer that is no text, and one that is no HTTP, are recorded and hold nobody up (F26)', async (t) => {
    const run = await beginRun(t)
    const server = await startDaybook(t, { DATABASE_URL: run.databaseUrl, DAYBOOK_RETRY_SCHEDULE: '0' })
    const head = Buffer.from('HTTP/1.1 200 OK\r\nx-odd: \xff\xfe\u0001\r\ncontent-length: 3\r\n\r\n', 'latin1')
    const raw = await listenRaw(t, {
      onRequest: (socket, { body }) => {
        const isOdd = JSON.parse(body).data.n % 2 === 1
        socket.end(isOdd ? Buffer.from('\0\0not http at all') : Buffer.concat([head, Buffer.from([0, 0xff, 0])]))
      },
    })
    await subscribe(run, server.url, '/c1/s1')
    run.receivers.behave('/c1/s1', 'garbage')
    const poisoned = { webhook_url: `http://127.0.0.1:${raw.port}/x`, event_names: ['*'], timeout_ms: 1_000 }
    const id = textOf(await call(server.url, 'POST', '/events/subscriptions', poisoned), 'id')
    await publish(run, server.url, 8)
    await settled(run)
    const endings = await sql<{ reason: string; n: number }>(
      run.owner,
      `select reason, count(*) as n from webhook_logs where subscription_id = $1 and outcome in ('failed', 'delivered')
        group by reason order by reason`,
      [id],
    )
    assert.equal(
      endings.reduce((sum, { n }) => sum + n, 0),
      8,
      JSON.stringify(endings),
    )
    assert.equal(run.receivers.arrivals.length, 8, 'the neighbour was called once for each')
    const shown = await call(server.url, 'GET', `/events/webhook-logs?subscription_id=${id}`)
    assert.equal(shown.status, 200)
  })

  test('an event whose payload is gone ends its delivery with that reason, and the others arrive (F26)', async (t) => {
    const run = await beginRun(t)
    const router = await startDaybook(t, { DATABASE_URL: run.databaseUrl, DAYBOOK_ROLES: 'api,router' })
    await subscribe(run, router.url, '/c1/s1')
    await publish(run, router.url, 10)
    await until(
      'all are routed',
      async () => (await sqlValue(run.owner, 'select count(*) from webhook_deliveries')) === 10,
    )
    const [gone] = run.publishes.keys()
    await sql(run.owner, 'delete from event_logs where id = $1', [gone])
    run.publishes.delete(gone ?? '')
    await startDaybook(t, { DATABASE_URL: run.databaseUrl, DAYBOOK_ROLES: 'api,dispatcher' })
    await settled(run)
    const ending = 'select outcome, reason, attempt_no from webhook_logs where event_id = $1'
    assert.deepEqual(
      (await sql<object>(run.owner, ending, [gone])).map((row) => ({ ...row })),
      [{ outcome: 'failed', reason: 'payload_gone', attempt_no: 0 }],
    )
    assert.deepEqual(new Set(run.receivers.arrivals.map(({ id }) => id)), new Set(run.publishes.keys()))
  })

  test('what always fails is tried as often as its schedule says and not more often (F26)', async (t) => {
    const run = await beginRun(t)
    const server = await startDaybook(t, { DATABASE_URL: run.databaseUrl, DAYBOOK_RETRY_SCHEDULE: '0.5,0.5,0.5' })
    const raw = await listenRaw(t, { onSocket: (socket) => socket.resetAndDestroy() })
    const input = { webhook_url: `http://127.0.0.1:${raw.port}/x`, event_names: ['*'], timeout_ms: 1_000 }
    await call(server.url, 'POST', '/events/subscriptions', input)
    await subscribe(run, server.url, '/c1/s1')
    await publish(run, server.url, 3)
    await settled(run)
    assert.equal(raw.accepted.length, 3 * 4)
    assert.equal(run.receivers.arrivals.length, 3)
    const ends = `select outcome, reason in ('reset', 'connect_failed') as is_told, count(*) as n from webhook_logs
                   where outcome = 'failed' group by 1, 2`
    assert.deepEqual(
      (await sql<object>(run.owner, ends)).map((row) => ({ ...row })),
      [{ outcome: 'failed', is_told: true, n: 3 }],
    )
  })
})
