import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verifyWebhook } from '@daybook/sdk'
import * as fc from 'fast-check'
import { ledgerOf, makeAllDue } from '../../test/support/ledger.ts'
import { testDatabase } from '../../test/support/database.ts'
import { testVault } from '../../test/support/master-key.ts'
import { newEvent, newEvents } from '../../test/support/new-event.ts'
import type { Call } from '../../test/support/scripted-receiver.ts'
import { scriptedReceiver } from '../../test/support/scripted-receiver.ts'
import { sql, sqlValue } from '../../test/support/sql.ts'
import type { TestNode } from '../../test/support/test-node.ts'
import { allow, countDeadlocks, newCompany, now, subscribe, testNode } from '../../test/support/test-node.ts'
import { turnedClock } from '../../test/support/turned-clock.ts'
import { until } from '../../test/support/until.ts'
import { asCompany } from '../db/transaction.ts'
import { enableSubscription } from './enable-subscription.ts'
import { deleteSubscription, disableSubscription, rotateSecret, updateSubscription } from './subscriptions.ts'

const MINUTE_MS = 60_000

/** Has both nodes dispatch and the first one route while `work` is done, and until all results are written. */
async function whileRunning(nodes: readonly [TestNode, TestNode], work: () => Promise<void>): Promise<void> {
  let isDone = false
  const loops = nodes.map(async (node) => {
    while (!isDone) {
      await node.dispatcher.round()
      if (node === nodes[0]) await node.router.round()
    }
  })
  await work().finally(() => {
    isDone = true
  })
  await Promise.all(loops)
  for (const node of nodes) await node.dispatch()
}

test('a fresh event is delivered once, signed, with the exact bytes of its payload', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const node = testNode(database)
  const { pools } = node
  const companyId = await newCompany(pools)
  const { id, secret } = await subscribe(pools, companyId, { webhook_url: `${receiver.url}/a?b=c` })
  const texts = [
    '{"n":1.0,"e":1E+2,"big":12345678901234567890,"neg":-0}',
    '{ "u" : "\\u00e4\\ud83d\\ude00 ä\\/ \\u2028" ,\n"list":[ ] }',
    '"just text"',
    'null',
    `{"long":"${'é'.repeat(50_000)}"}`,
  ]
  const events = texts.map((text) =>
    newEvent(companyId, { entity_type: 'thing', entity_id: 1, related: [{ type: 'other', id: 'ä"' }] }, text),
  )
  await node.publisher.publish(events)
  await node.route()
  await node.dispatch()
  assert.deepEqual(receiver.calls.map((call) => call.id).toSorted(), events.map((event) => event.id).toSorted())
  for (const { id, headers, body, path } of receiver.calls) {
    assert.equal(path, '/a?b=c')
    await verifyWebhook({ headers, body, secrets: [secret] })
    const index = events.findIndex((event) => event.id === id)
    const head = `{"id":"${id}","type":"thing.happened","timestamp":"${events[index]?.occurredAt}","position":${index + 3},`
    const entities = '"entity":{"type":"thing","id":"1"},"related":[{"type":"other","id":"ä\\""}]'
    assert.equal(body.toString(), `${head}${entities},"data":${texts[index]}}`)
  }
  const ledger = await ledgerOf(pools.engine, id)
  assert.deepEqual(
    ledger.map(({ attempt_no, outcome, reason }) => [attempt_no, outcome, reason]),
    texts.map(() => [1, 'delivered', 'http_204']),
  )
  assert.equal(await sqlValue(pools.engine, 'select count(*) from webhook_deliveries'), 0)
})

test('[bytes-arrive] any JSON text arrives byte for byte, from memory and again from the log', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const first = testNode(database)
  const other = testNode(database)
  const { pools } = first
  const companyId = await newCompany(pools)
  const { id, secret } = await subscribe(pools, companyId, { webhook_url: receiver.url })
  const text = fc.oneof(
    fc.json(),
    fc.json({ stringUnit: 'binary' }).filter((one) => !one.includes('\\u0000') && !one.includes('\\ud')),
  )
  const related = fc.array(
    fc.record({ type: fc.constantFrom('a', 'b'), id: fc.string({ minLength: 1, unit: 'grapheme' }) }),
    {
      maxLength: 3,
    },
  )
  const property = fc.asyncProperty(text, related, async (text, related) => {
    const event = newEvent(companyId, { related }, text)
    const from = receiver.calls.length
    receiver.answer(() => ({ status: receiver.calls.length === from + 1 ? 500 : 200 }))
    await first.publisher.publish([event])
    await first.route()
    await first.dispatch()
    await makeAllDue(pools.engine, id)
    await other.dispatch()
    const [one, two] = receiver.calls.slice(from)
    assert.ok(one && two)
    assert.ok(one.body.toString().endsWith(`,"data":${text}}`))
    assert.deepEqual(two.body, one.body)
    for (const { headers, body } of [one, two]) await verifyWebhook({ headers, body, secrets: [secret] })
  })
  await fc.assert(property, { numRuns: 40 })
})

test('what fails is tried again after 1, 5 and 15 minutes, a tenth more or less, and then has failed', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  receiver.answer(() => ({ status: 503, body: 'busy' }))
  const node = testNode(database)
  const { pools } = node
  const companyId = await newCompany(pools)
  const { id } = await subscribe(pools, companyId, { webhook_url: receiver.url })
  await node.publisher.publish(newEvents(companyId, 30))
  await node.route()
  for (const minutes of [1, 5, 15]) {
    await node.dispatch()
    const ledger = (await ledgerOf(pools.engine, id)).slice(-30)
    const delays = ledger.map(({ delay_ms }) => (delay_ms ?? 0) / MINUTE_MS / minutes)
    assert.ok(
      delays.every((share) => share >= 0.9 && share <= 1.1),
      delays.join(),
    )
    assert.ok(Math.max(...delays) - Math.min(...delays) > 0.05, 'they are spread')
    assert.ok(ledger.every(({ outcome, reason }) => outcome === 'will_retry' && reason === 'http_503'))
    const due = `select count(*) from webhook_deliveries d join webhook_logs l on l.delivery_id = d.id
        where d.attempts = l.attempt_no and d.due_at = l.next_attempt_at and d.lease_token is null`
    assert.equal(await sqlValue(pools.engine, due), 30)
    await makeAllDue(pools.engine, id)
  }
  await node.dispatch()
  const ledger = await ledgerOf(pools.engine, id)
  assert.equal(receiver.calls.length, 120)
  for (const [, own] of Map.groupBy(ledger, (row) => row.delivery_id)) {
    assert.deepEqual(
      own.map(({ attempt_no }) => attempt_no),
      [1, 2, 3, 4],
    )
    assert.deepEqual([own[3]?.outcome, own[3]?.reason, own[3]?.delay_ms], ['failed', 'http_503', null])
  }
  assert.equal(await sqlValue(pools.engine, 'select count(*) from webhook_deliveries'), 0)
})

test('a redirect is a failed attempt and is not followed', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  receiver.answer(() => ({ status: 307, headers: { location: `${receiver.url}/elsewhere` } }))
  const node = testNode(database)
  const { pools } = node
  const companyId = await newCompany(pools)
  const { id } = await subscribe(pools, companyId, { webhook_url: `${receiver.url}/here` })
  await node.publisher.publish(newEvents(companyId, 1))
  await node.route()
  await node.dispatch()
  assert.deepEqual(
    receiver.calls.map(({ path }) => path),
    ['/here'],
  )
  assert.deepEqual(
    (await ledgerOf(pools.engine, id)).map(({ outcome, reason }) => [outcome, reason]),
    [['will_retry', 'http_307']],
  )
})

test('over two dispatchers a subscription never has more calls at once than it allows', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const nodes = [testNode(database), testNode(database)] as const
  const { pools } = nodes[0]
  const companyId = await newCompany(pools)
  const limits = [1, 3, 8]
  for (const concurrency of limits) {
    await subscribe(pools, companyId, { webhook_url: `${receiver.url}/${concurrency}`, concurrency })
  }
  // An answer comes when as many calls as may be are open, or a moment later: enough for a call too many to show.
  receiver.answer(async ({ path }) => {
    const limit = Number(path.slice(1))
    await until('more calls', () => receiver.openAt(path) > limit, 15).catch(() => undefined)
    return { status: 200 }
  })
  await whileRunning(nodes, async () => {
    for (let turn = 0; turn < 20; turn++) await nodes[1].publisher.publish(newEvents(companyId, 4))
    await until('all are delivered', () => receiver.calls.length >= 240)
  })
  assert.deepEqual(
    limits.map((limit) => receiver.openMaxAt(`/${limit}`)),
    limits,
  )
  assert.equal(new Set(receiver.calls.map(({ id, path }) => id + path)).size, 240)
  assert.equal(receiver.calls.length, 240)
  assert.deepEqual(
    nodes.flatMap(({ errors }) => errors),
    [],
  )
})

test('fresh deliveries are handed over only as far as the calls of other processes leave room', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  receiver.answer(() => 'hang')
  const nodes = [testNode(database), testNode(database)] as const
  const { pools } = nodes[0]
  const companyId = await newCompany(pools)
  await subscribe(pools, companyId, { webhook_url: receiver.url, concurrency: 3 })
  await nodes[1].publisher.publish(newEvents(companyId, 2))
  await nodes[1].route()
  await until('two calls', () => receiver.openAt('/') === 2)
  await nodes[1].leadership.release()
  await nodes[0].publisher.publish(newEvents(companyId, 4))
  await nodes[0].route()
  await until('a third call', () => receiver.openAt('/') === 3)
  const leased = 'select count(*) from webhook_deliveries where lease_token is not null'
  assert.equal(await sqlValue(pools.engine, leased), 3)
})

test('fresh deliveries wait behind what is due already', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const nodes = [testNode(database), testNode(database, { handsOver: false })] as const
  const { pools } = nodes[0]
  const companyId = await newCompany(pools)
  await subscribe(pools, companyId, { webhook_url: receiver.url })
  await nodes[1].publisher.publish(newEvents(companyId, 2))
  await nodes[1].route()
  await nodes[1].leadership.release()
  await nodes[0].publisher.publish(newEvents(companyId, 1))
  await nodes[0].route()
  const leased = 'select count(*) from webhook_deliveries where lease_token is not null'
  assert.equal(await sqlValue(pools.engine, leased), 0)
  await nodes[0].dispatch()
  assert.equal(receiver.calls.length, 3)
})

test('two dispatchers that write results of many subscriptions at once never deadlock and count every failure', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const nodes = [testNode(database, { schedule: [] }), testNode(database, { schedule: [] })] as const
  const { pools } = nodes[0]
  const companyIds = [await newCompany(pools, { disable_after_failures: 10_000 }), await newCompany(pools)]
  const subscriptions: string[] = []
  for (const companyId of companyIds) {
    for (let turn = 0; turn < 6; turn++) {
      const path = `/${companyId === companyIds[0] ? turn : 'ok'}`
      subscriptions.push((await subscribe(pools, companyId, { webhook_url: receiver.url + path })).id)
    }
  }
  // The first of company one always fails, the others now and then.
  receiver.answer(({ path }) => ({ status: path === '/0' || (path !== '/ok' && Math.random() < 0.3) ? 500 : 200 }))
  await whileRunning(nodes, async () => {
    for (let turn = 0; turn < 30; turn++) {
      await nodes[1].publisher.publish(companyIds.flatMap((companyId) => newEvents(companyId, 5)))
    }
    await until('all are called', () => receiver.calls.length === 30 * 5 * 12)
  })
  const inRow = 'select failures_in_row from subscription_health where subscription_id = $1'
  assert.equal(await sqlValue(pools.engine, inRow, [subscriptions[0]]), 150)
  assert.deepEqual(
    nodes.flatMap(({ errors }) => errors),
    [],
  )
  await Promise.all(nodes.map(async (node) => await node.close()))
  assert.equal(await countDeadlocks(database), 0)
})

test('the waiting deliveries of a deleted subscription end as cancelled, with the reason', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  receiver.answer(() => ({ status: 500 }))
  const node = testNode(database)
  const { pools } = node
  const companyId = await newCompany(pools)
  const { id } = await subscribe(pools, companyId, { webhook_url: receiver.url })
  await node.publisher.publish(newEvents(companyId, 3))
  await node.route()
  await node.dispatch()
  await asCompany(pools.api, companyId, async (db) => await deleteSubscription(db, now(), companyId, id))
  await makeAllDue(pools.engine, id)
  await node.dispatch()
  assert.equal(receiver.calls.length, 3)
  const endings = (await ledgerOf(pools.engine, id)).slice(3)
  assert.deepEqual(
    endings.map(({ attempt_no, outcome, reason }) => [attempt_no, outcome, reason]),
    [
      [0, 'cancelled', 'subscription_deleted'],
      [0, 'cancelled', 'subscription_deleted'],
      [0, 'cancelled', 'subscription_deleted'],
    ],
  )
  assert.equal(await sqlValue(pools.engine, 'select count(*) from webhook_deliveries'), 0)
})

test('an inactive subscription keeps its waiting deliveries, and enabling it sends them', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  receiver.answer(() => ({ status: 500 }))
  const node = testNode(database)
  const { pools } = node
  const companyId = await newCompany(pools)
  const { id } = await subscribe(pools, companyId, { webhook_url: receiver.url })
  await node.publisher.publish(newEvents(companyId, 3))
  await node.route()
  await node.dispatch()
  await asCompany(pools.api, companyId, async (db) => await disableSubscription(db, now(), companyId, id))
  await makeAllDue(pools.engine, id)
  await node.dispatch()
  assert.equal(receiver.calls.length, 3, 'nothing is sent while it is inactive')

  receiver.answer(() => ({ status: 200 }))
  await asCompany(pools.api, companyId, async (db) => await enableSubscription(db, now(), companyId, id))
  await node.dispatch()
  assert.equal(receiver.calls.length, 6)
  assert.equal(await sqlValue(pools.engine, 'select count(*) from webhook_deliveries'), 0)
})

test('a late result of an attempt whose delivery was taken over changes nothing', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const nodes = [testNode(database), testNode(database)] as const
  const { pools } = nodes[0]
  const companyId = await newCompany(pools)
  const { id } = await subscribe(pools, companyId, { webhook_url: receiver.url })
  const late = Promise.withResolvers<{ status: number }>()
  receiver.answer(() => (receiver.calls.length === 1 ? late.promise : { status: 500 }))
  await nodes[0].publisher.publish(newEvents(companyId, 1))
  await nodes[0].route()
  await until('the first call', () => receiver.calls.length === 1)
  await makeAllDue(pools.engine, id)
  await nodes[1].dispatch()
  const state = 'select id, attempts, lease_token, due_at from webhook_deliveries'
  const before = await sql(pools.engine, state)
  late.resolve({ status: 200 })
  await until('the late result is refused', () => nodes[0].fenced === 1)
  assert.deepEqual(await sql(pools.engine, state), before)
  const ledger = await ledgerOf(pools.engine, id)
  assert.deepEqual(
    ledger.map(({ attempt_no, outcome }) => [attempt_no, outcome]),
    [
      [1, 'unknown'],
      [2, 'will_retry'],
    ],
  )
})

test('after a stall of its own process an older attempt cannot speak for the newer one', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const node = testNode(database, { slotsMax: 4 })
  const { pools } = node
  const companyId = await newCompany(pools)
  const { id } = await subscribe(pools, companyId, { webhook_url: receiver.url })
  const answers = [Promise.withResolvers<{ status: number }>(), Promise.withResolvers<{ status: number }>()] as const
  receiver.answer(() => answers[receiver.calls.length === 1 ? 0 : 1].promise)
  await node.publisher.publish(newEvents(companyId, 1))
  await node.route()
  await until('the first call', () => receiver.calls.length === 1)
  await makeAllDue(pools.engine, id) // its lease runs out while it is still under way here
  await until('the second call', async () => {
    await node.dispatcher.round()
    return receiver.calls.length === 2
  })
  answers[0].resolve({ status: 200 })
  await until('the older result is refused', () => node.fenced === 1)
  assert.equal(await sqlValue(pools.engine, 'select count(*) from webhook_deliveries where lease_token is not null'), 1)
  answers[1].resolve({ status: 503 })
  await node.dispatch()
  const ledger = await ledgerOf(pools.engine, id)
  assert.deepEqual(
    ledger.map(({ attempt_no, outcome, reason }) => [attempt_no, outcome, reason]),
    [
      [1, 'unknown', 'lease_expired'],
      [2, 'will_retry', 'http_503'],
    ],
  )
  // No slot was lost: as many calls as before fit at once.
  receiver.answer(() => 'hang')
  await node.publisher.publish(newEvents(companyId, 5))
  await node.route()
  await until('all slots are used', async () => {
    await node.dispatcher.round()
    return receiver.openAt('/') === 3
  })
})

test('while secrets overlap a call is signed with both, afterwards with the new one alone', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const clock = turnedClock()
  const node = testNode(database, { clock })
  const { pools } = node
  const companyId = await newCompany(pools)
  const old = await subscribe(pools, companyId, { webhook_url: receiver.url })
  const rotated = await asCompany(
    pools.api,
    companyId,
    async (db) => await rotateSecret(db, testVault(pools), now(), companyId, old.id, { overlapSeconds: 3_600 }),
  )
  const newSecret = rotated.secret.reveal()
  const send = async (): Promise<Call> => {
    await node.publisher.publish(newEvents(companyId, 1))
    await node.route()
    await node.dispatch()
    const call = receiver.calls.at(-1)
    assert.ok(call)
    return call
  }
  const verifies = async ({ headers, body }: Call, secret: string): Promise<boolean> =>
    await verifyWebhook({ headers, body, secrets: [secret], now: new Date(clock.now()) }).then(
      () => true,
      () => false,
    )
  const during = await send()
  assert.deepEqual([await verifies(during, old.secret), await verifies(during, newSecret)], [true, true])
  assert.equal(String(during.headers['webhook-signature']).split(' ').length, 2)
  clock.turn(3_601_000)
  const after = await send()
  assert.deepEqual([await verifies(after, old.secret), await verifies(after, newSecret)], [false, true])
  assert.equal(String(after.headers['webhook-signature']).split(' ').length, 1)
})

test('whatever a receiver answers with is stored', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const node = testNode(database)
  const { pools } = node
  const companyId = await newCompany(pools)
  const { id } = await subscribe(pools, companyId, { webhook_url: receiver.url })
  const bodies = [
    Buffer.from('a\u0000b'),
    Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0xed, 0xa0, 0x80]),
    Buffer.alloc(20_480, 'x'),
    Buffer.alloc(0),
  ]
  const odd = { 'x-latin': 'Zo\u00eb \u00ff', 'x-json': '"\\u0000" \\ud800' }
  receiver.answer(() => ({ status: 200, headers: odd, body: bodies[receiver.calls.length - 1] ?? '' }))
  for (let turn = 0; turn < bodies.length; turn++) {
    await node.publisher.publish(newEvents(companyId, 1))
    await node.route()
    await node.dispatch()
  }
  const rows = await sql<{ response_body: Buffer | null; response_headers: string; response_truncated: boolean }>(
    pools.engine,
    'select response_body, response_headers, response_truncated from webhook_logs where subscription_id = $1 order by id',
    [id],
  )
  assert.deepEqual(
    rows.map((row) => row.response_body?.length ?? 0),
    [3, 7, 16_384, 0],
  )
  assert.deepEqual(
    rows.map((row) => row.response_truncated),
    [false, false, true, false],
  )
  for (const [index, row] of rows.entries()) {
    assert.deepEqual(row.response_body ?? Buffer.alloc(0), bodies[index]?.subarray(0, 16_384))
    const headers = new Map(JSON.parse(row.response_headers) as [string, string][])
    assert.deepEqual([headers.get('x-latin'), headers.get('x-json')], [odd['x-latin'], odd['x-json']])
  }
  assert.deepEqual(node.errors, [])
})

test('a wake during a claim is not lost', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const node = testNode(database, { handsOver: false, discoverEveryMs: 3_600_000 })
  const { pools } = node
  const companyId = await newCompany(pools)
  const { id } = await subscribe(pools, companyId, { webhook_url: receiver.url })
  await node.publisher.publish(newEvents(companyId, 1))
  await node.route()
  await sql(pools.engine, `update webhook_deliveries set due_at = now() + interval '1 hour'`)
  await node.dispatcher.round()
  // Holds the claim up when it has looked for deliveries and found none.
  const blocker = await database.pools.owner.connect()
  await blocker.query('begin; lock table company_heads in access exclusive mode')
  node.dispatcher.wakeFor(companyId, id)
  const claiming = node.dispatcher.round()
  const blocked = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  await until('the claim waits', async () => (await sql(database.pools.owner, blocked)).length > 0)
  await makeAllDue(pools.engine, id)
  node.dispatcher.wakeFor(companyId, id)
  await blocker.query('commit')
  blocker.release()
  await claiming
  await node.dispatcher.round()
  await until('the call', () => receiver.calls.length === 1)
})

test('a changed limit counts from the next claim on', async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  receiver.answer(() => 'hang')
  const node = testNode(database, { handsOver: false })
  const { pools } = node
  const companyId = await newCompany(pools)
  const { id } = await subscribe(pools, companyId, { webhook_url: receiver.url, concurrency: 9 })
  await node.publisher.publish(newEvents(companyId, 1))
  await node.route()
  await until('a call', async () => {
    await node.dispatcher.round()
    return receiver.calls.length === 1
  })
  await asCompany(
    pools.api,
    companyId,
    async (db) => await updateSubscription(db, testVault(pools), allow, now(), companyId, id, { concurrency: 2 }),
  )
  await node.publisher.publish(newEvents(companyId, 9))
  await node.route()
  for (let turn = 0; turn < 5; turn++) await node.dispatcher.round()
  assert.equal(await sqlValue(pools.engine, 'select count(*) from webhook_deliveries where lease_token is not null'), 2)
})
