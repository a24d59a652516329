import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { testDatabase } from '../../test/support/database.ts'
import { newEvent, newEvents } from '../../test/support/new-event.ts'
import { sql, sqlValue } from '../../test/support/sql.ts'
import { countDeadlocks, newCompany, testNode } from '../../test/support/test-node.ts'
import { until } from '../../test/support/until.ts'
import type { Db } from '../db/statement.ts'
import { newId } from '../lib/ids.ts'
import { ProblemError } from '../lib/problems.ts'
import type { NewEvent } from './event.ts'
import { insertEvents } from './insert-events.ts'
import { Publisher } from './publisher.ts'

const isProblem = (code: string) => (error: unknown) => error instanceof ProblemError && error.code === code

/** What of these events is in the log, in the outbox and among the keys. */
async function countRecorded(db: Db, events: readonly NewEvent[]): Promise<object> {
  const ids = events.map(({ id }) => id)
  const keys = events.map(({ idempotencyKey }) => idempotencyKey)
  return {
    logged: await sqlValue<number>(db, `select count(*) from event_logs where id = any($1)`, [ids]),
    queued: await sqlValue<number>(db, `select count(*) from event_outbox where event_id = any($1)`, [ids]),
    keyed: await sqlValue<number>(db, `select count(*) from publish_keys where key = any($1)`, [keys]),
  }
}

test('a batch is recorded whole, in the order of the request', async (t) => {
  const database = await testDatabase(t)
  const { pools, publisher } = testNode(database)
  const companyId = await newCompany(pools)
  const events = newEvents(companyId, 1_000).toSorted(() => Math.random() - 0.5)
  const published = await publisher.publish(events)
  assert.deepEqual(
    published,
    events.map(({ id, eventName, recordedAt }) => ({ id, eventName, recordedAt, replayed: false })),
  )
  const queued = await sql<{ event_id: string }>(
    pools.engine,
    `select event_id from event_outbox where event_id = any($1) order by seq`,
    [events.map(({ id }) => id)],
  )
  assert.deepEqual(
    queued.map(({ event_id }) => event_id),
    events.map(({ id }) => id),
  )
})

test('of a batch with one guilty event nothing is recorded', async (t) => {
  const database = await testDatabase(t)
  const { pools, publisher } = testNode(database)
  const companyId = await newCompany(pools)
  const first = newEvent(companyId, { idempotency_key: 'used' })
  await publisher.publish([first])
  const conflicting = newEvent(companyId, { idempotency_key: 'used', payload: { other: true } })
  const innocent = [newEvent(companyId, { idempotency_key: 'a' }), newEvent(companyId, { idempotency_key: 'b' })]
  await assert.rejects(publisher.publish([...innocent, conflicting]), isProblem('idempotency_conflict'))
  assert.deepEqual(await countRecorded(pools.engine, innocent), { logged: 0, queued: 0, keyed: 0 })
})

test('one guilty request leaves the others of its group recorded', async (t) => {
  const database = await testDatabase(t)
  const { pools, publisher } = testNode(database)
  const companyId = await newCompany(pools)
  const used = newEvent(companyId, { idempotency_key: 'used' })
  await publisher.publish([used])
  const conflicting = newEvent(companyId, { idempotency_key: 'used', payload: 1 })
  // No partition takes its id.
  const unstorable = { ...newEvent(companyId), id: '00000000-0000-7000-8000-000000000000' }
  const innocent = Array.from({ length: 20 }, () => newEvents(companyId, 3))
  // Added in one turn of the event loop, so all of them are one group.
  const outcomes = await Promise.allSettled([
    ...innocent.slice(0, 10).map(async (events) => await publisher.publish(events)),
    publisher.publish([conflicting]),
    publisher.publish([unstorable]),
    ...innocent.slice(10).map(async (events) => await publisher.publish(events)),
  ])
  const rejected = outcomes.flatMap((outcome, index) => (outcome.status === 'rejected' ? [index] : []))
  assert.deepEqual(rejected, [10, 11])
  assert.deepEqual(await countRecorded(pools.engine, innocent.flat()), { logged: 60, queued: 60, keyed: 0 })
  assert.deepEqual(await countRecorded(pools.engine, [unstorable]), { logged: 0, queued: 0, keyed: 0 })
})

test('the same id with the same content gets the first answer again', async (t) => {
  const database = await testDatabase(t)
  const { pools, publisher } = testNode(database)
  const companyId = await newCompany(pools)
  const id = newId()
  const event = newEvent(companyId, { id, payload: { n: 1 } })
  const [first] = await publisher.publish([event])
  const later = { ...newEvent(companyId, { id, payload: { n: 1 } }), recordedAt: '2030-01-01T00:00:00.000Z' }
  assert.deepEqual(await publisher.publish([later]), [{ ...first, replayed: true }])
  assert.deepEqual(await countRecorded(pools.engine, [event]), { logged: 1, queued: 1, keyed: 0 })
})

test('the same idempotency key with the same content gets the first id and time again', async (t) => {
  const database = await testDatabase(t)
  const { pools, publisher } = testNode(database)
  const companyId = await newCompany(pools)
  const publish = async () => await publisher.publish([newEvent(companyId, { idempotency_key: 'k', payload: [1] })])
  const [first] = await publish()
  assert.deepEqual(await publish(), [{ ...first, replayed: true }])
})

test('the same key in another company is another key', async (t) => {
  const database = await testDatabase(t)
  const { pools, publisher } = testNode(database)
  const id = newId()
  for (const companyId of [await newCompany(pools), await newCompany(pools)]) {
    const [published] = await publisher.publish([newEvent(companyId, { id, idempotency_key: 'k', payload: companyId })])
    assert.equal(published?.replayed, false)
  }
})

test('the same id with other content is refused and nothing of the request is written', async (t) => {
  const database = await testDatabase(t)
  const { pools, publisher } = testNode(database)
  const companyId = await newCompany(pools)
  const id = newId()
  await publisher.publish([newEvent(companyId, { id, payload: { n: 1 } }, '{"n":1}')])
  const innocent = newEvent(companyId)
  // The same value in other bytes is other content.
  const other = newEvent(companyId, { id, payload: { n: 1 } }, '{"n": 1}')
  await assert.rejects(publisher.publish([innocent, other]), isProblem('idempotency_conflict'))
  assert.deepEqual(await countRecorded(pools.engine, [innocent]), { logged: 0, queued: 0, keyed: 0 })
  assert.equal(await sqlValue(pools.engine, `select payload from event_logs where id = $1`, [id]), '{"n":1}')
})

test('[publish-idempotent] 64 parallel publishes of one key make one event and 64 equal answers', async (t) => {
  const database = await testDatabase(t)
  const nodes = [testNode(database), testNode(database)] as const
  const { pools } = nodes[0]
  const companyId = await newCompany(pools)
  const answers = await Promise.all(
    Array.from({ length: 64 }, async (_, turn) => {
      const { publisher } = nodes[turn % 2 === 0 ? 0 : 1]
      const [answer] = await publisher.publish([newEvent(companyId, { idempotency_key: 'one', payload: 'same' })])
      return answer
    }),
  )
  assert.equal(new Set(answers.map((answer) => `${answer?.id} ${answer?.recordedAt}`)).size, 1)
  assert.equal(answers.filter((answer) => answer?.replayed === false).length, 1)
  assert.equal(await sqlValue(pools.engine, `select count(*) from event_logs where event_name = 'thing.happened'`), 1)
})

test('of a batch that was partly recorded before, the rest is recorded, all or nothing', async (t) => {
  const database = await testDatabase(t)
  const { pools, publisher } = testNode(database)
  const companyId = await newCompany(pools)
  const batch = newEvents(companyId, 6)
  const before = await publisher.publish(batch.filter((_, index) => index % 2 === 0))
  const guilty = newEvent(companyId, { id: batch[0]?.id ?? '', payload: 'other' })
  await assert.rejects(publisher.publish([...batch.slice(1), guilty]), isProblem('idempotency_conflict'))
  assert.deepEqual(await countRecorded(pools.engine, batch), { logged: 3, queued: 3, keyed: 0 })

  const after = await publisher.publish(batch)
  assert.deepEqual(
    after.map(({ replayed }) => replayed),
    [true, false, true, false, true, false],
  )
  assert.deepEqual(
    after.filter(({ replayed }) => replayed).map(({ id }) => id),
    before.map(({ id }) => id),
  )
  assert.deepEqual(await countRecorded(pools.engine, batch), { logged: 6, queued: 6, keyed: 0 })
})

for (const name of ['id', 'idempotency_key'] as const) {
  test(`publishes that overlap by ${name}, in opposite orders, wait for each other and never deadlock`, async (t) => {
    const database = await testDatabase(t)
    const nodes = [testNode(database), testNode(database)] as const
    const { pools } = nodes[0]
    const companyId = await newCompany(pools)
    const values = [newId(), newId(), newId()]
    const request = (names: readonly string[]) => names.map((value) => newEvent(companyId, { [name]: value }))
    const waiters = `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    const waiting = async (): Promise<number> => await sqlValue(database.pools.owner, waiters)
    const held = await database.pools.owner.connect()
    try {
      await held.query('begin')
      // Holds up whoever comes to the middle one, so that each of the two has begun when they meet.
      const middle = request(values.slice(1, 2))
      await insertEvents(
        { query: async (query) => (await held.query({ ...query, values: [...query.values] })) as never },
        middle,
      )
      const publishing = [values, values.toReversed()].map(async (names, turn) => {
        await until('its turn', async () => (await waiting()) === turn)
        return await nodes[turn === 0 ? 0 : 1].publisher.publish(request(names))
      })
      await until('both wait', async () => (await waiting()) === 2)
      await held.query('rollback')
      const answers = await Promise.all(publishing)
      const replays = answers.map((answer) => answer.filter(({ replayed }) => replayed).length)
      assert.deepEqual(new Set(replays), new Set([0, 3]))
    } finally {
      held.release()
    }
  })
}

test('publishers that race on overlapping ids and keys never deadlock, and each event is recorded once', async (t) => {
  const database = await testDatabase(t)
  const nodes = [testNode(database), testNode(database)] as const
  const companyIds = [await newCompany(nodes[0].pools), await newCompany(nodes[1].pools)]
  const names = fc.shuffledSubarray(
    Array.from({ length: 200 }, (_, name) => name),
    { minLength: 1 },
  )
  const requests = fc.array(fc.record({ company: fc.nat(1), names }), { minLength: 4, maxLength: 8 })
  const race = fc.asyncProperty(requests, async (requests) => {
    const ids = Array.from({ length: 200 }, () => newId())
    const run = newId()
    const answers = await Promise.all(
      requests.map(async ({ company, names }, turn) => {
        const companyId = companyIds[company] ?? ''
        const events = names.map((name) =>
          newEvent(companyId, { id: ids[name] ?? '', idempotency_key: `${run}-${name}`, payload: name }),
        )
        return await nodes[turn % 2 === 0 ? 0 : 1].publisher.publish(events)
      }),
    )
    const firsts = answers.flatMap((answer, turn) =>
      answer.flatMap(({ id, replayed }) => (replayed ? [] : [`${requests[turn]?.company} ${id}`])),
    )
    assert.equal(new Set(firsts).size, firsts.length, 'an event was new twice')
    const asked = new Set(requests.flatMap(({ company, names }) => names.map((name) => `${company} ${ids[name]}`)))
    assert.equal(firsts.length, asked.size)
  })
  await fc.assert(race, { numRuns: 25 })
  await Promise.all(nodes.map(async (node) => await node.close()))
  assert.equal(await countDeadlocks(database), 0)
})

test('a connection that breaks makes the outcome unknown, and a repeat finds it out', async (t) => {
  const database = await testDatabase(t)
  const { pools } = testNode(database)
  const companyId = await newCompany(pools)
  for (const code of [undefined, 'EPIPE', 'ECONNRESET', '57P01', '08006', '53100']) {
    const broken: Db = {
      query: async (query) => {
        await pools.engine.query(query)
        throw Object.assign(new Error('Connection terminated'), { code })
      },
    }
    const events = [newEvents(companyId, 2), newEvents(companyId, 3)]
    const publisher = new Publisher({ db: broken, onCommitted: () => {} })
    const outcomes = await Promise.allSettled(events.map(async (request) => await publisher.publish(request)))
    for (const outcome of outcomes) {
      assert.ok(outcome.status === 'rejected' && isProblem('unavailable')(outcome.reason), code)
    }
    const again = await testPublish(pools.engine, events.flat())
    assert.ok(
      again.every(({ replayed }) => replayed),
      code,
    )
  }
})

test('a session that the server ends in the middle of a publish leaves nothing half, and the next publish works', async (t) => {
  const database = await testDatabase(t)
  const { pools, publisher } = testNode(database)
  const companyId = await newCompany(pools)
  const blocker = await database.pools.owner.connect()
  try {
    await blocker.query('begin; lock table publish_keys in exclusive mode')
    const events = [newEvent(companyId, { idempotency_key: 'a' }), newEvent(companyId)]
    const publishing = publisher.publish(events)
    publishing.catch(() => {})
    const terminate = `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock'`
    await until('the publish waits and is ended', async () => (await sql(database.pools.owner, terminate)).length > 0)
    await assert.rejects(publishing, isProblem('unavailable'))
    await blocker.query('rollback')
    assert.deepEqual(await countRecorded(pools.engine, events), { logged: 0, queued: 0, keyed: 0 })
    assert.ok((await publisher.publish(events)).every(({ replayed }) => !replayed))
  } finally {
    blocker.release()
  }
})

test('more than 20,000 waiting events are turned away before they cost memory', async (t) => {
  const database = await testDatabase(t)
  const { pools } = testNode(database)
  const companyId = await newCompany(pools)
  const gate = Promise.withResolvers<void>()
  const slow: Db = {
    query: async (query) => {
      await gate.promise
      return await pools.engine.query(query)
    },
  }
  const publisher = new Publisher({ db: slow, onCommitted: () => {} })
  const first = Array.from({ length: 20 }, () => newEvents(companyId, 1_000))
  const publishing = Promise.all(first.map(async (events) => await publisher.publish(events)))
  await assert.rejects(publisher.publish(newEvents(companyId, 1)), isProblem('unavailable'))
  gate.resolve()
  assert.equal((await publishing).flat().length, 20_000)
  await publisher.idle()
  assert.equal((await publisher.publish(newEvents(companyId, 1))).length, 1)
})

async function testPublish(db: Db, events: readonly NewEvent[]) {
  return await new Publisher({ db, onCommitted: () => {} }).publish(events)
}
