import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { testDatabase } from '../../test/support/database.ts'
import { newEvent, newEvents } from '../../test/support/new-event.ts'
import { scriptedReceiver } from '../../test/support/scripted-receiver.ts'
import { sql, sqlValue } from '../../test/support/sql.ts'
import { newCompany, subscribe, testNode } from '../../test/support/test-node.ts'
import { until } from '../../test/support/until.ts'
import type { Db } from '../db/statement.ts'
import { registeredStatements } from '../db/statement.ts'
import { eventDigest } from '../lib/digest.ts'
import { armFailpoints } from '../lib/failpoint.ts'
import { headerOf } from './event.ts'
import { insertEvents } from './insert-events.ts'
import { RecentEvents } from './recent-events.ts'
import type { LoggedRow } from './read-logged.ts'
import { toLoggedEvent } from './read-logged.ts'
import type { FanOut } from './router.ts'
import { CompaniesBusy, Router } from './router.ts'

/** Companies whose positions are not 1, 2, 3, … up to what their head says, one per event. */
async function findGaps(db: Db): Promise<unknown[]> {
  return await sql(
    db,
    `select h.company_id
       from company_heads h
       left join event_audit_trail t using (company_id)
      group by h.company_id, h.last_position
     having count(t.position) <> h.last_position or max(t.position) <> h.last_position or min(t.position) <> 1
         or count(distinct t.event_id) <> h.last_position
         or h.last_position <> (select count(*) from event_logs l where l.company_id = h.company_id)`,
  )
}

async function positionsOf(db: Db, companyId: string): Promise<Map<string, number>> {
  const rows = await sql<{ event_id: string; position: number }>(
    db,
    `select event_id, position from event_audit_trail where company_id = $1 order by position`,
    [companyId],
  )
  return new Map(rows.map(({ event_id, position }) => [event_id, position]))
}

const noFanOut: FanOut = {
  deliver: async () => ({ committed: () => {}, rolledBack: () => {} }),
  isUnfinished: async () => false,
  deliverSlice: async () => undefined,
}

test('[positions-dense] positions of 20 companies are dense from 1 while 8 publishers write at once', async (t) => {
  const database = await testDatabase(t)
  const node = testNode(database, { eventsPerRound: 50 })
  const { pools, publisher } = node
  const companyIds = await Promise.all(Array.from({ length: 20 }, async () => await newCompany(pools)))
  let publishing = 8
  const publish = async (from: number): Promise<void> => {
    for (let turn = 0; turn < 25; turn++) {
      const mixed = [0, 7, 13].map((step) => newEvent(companyIds[(from + turn + step) % 20] ?? ''))
      await publisher.publish(mixed)
    }
    publishing--
  }
  const route = async (): Promise<void> => {
    while (publishing > 0) await node.router.round()
    await node.route()
  }
  await Promise.all([route(), ...Array.from({ length: 8 }, async (_, index) => await publish(index))])
  assert.equal(await sqlValue(pools.engine, 'select count(*) from event_audit_trail'), 20 + 8 * 25 * 3)
  assert.deepEqual(await findGaps(pools.engine), [])
})

test('a publish that commits late is numbered later, and no position is skipped for it', async (t) => {
  const database = await testDatabase(t)
  const node = testNode(database)
  const companyId = await newCompany(node.pools)
  const [before, late, after] = newEvents(companyId, 3)
  assert.ok(before && late && after)
  await insertEvents(node.pools.engine, [before])
  const slow = await node.pools.engine.connect()
  try {
    await slow.query('begin')
    await insertEvents(
      { query: async (query) => (await slow.query({ ...query, values: [...query.values] })) as never },
      [late],
    )
    await insertEvents(node.pools.engine, [after])
    await node.route()
    assert.deepEqual([...(await positionsOf(node.pools.engine, companyId)).keys()].slice(1), [before.id, after.id])
    await slow.query('commit')
  } finally {
    slow.release()
  }
  await node.route()
  const positions = await positionsOf(node.pools.engine, companyId)
  assert.deepEqual([positions.get(before.id), positions.get(after.id), positions.get(late.id)], [2, 3, 4])
  assert.deepEqual(await findGaps(node.pools.engine), [])
})

test("a company's positions follow the order in which publishes were acknowledged", async (t) => {
  const database = await testDatabase(t)
  const nodes = [testNode(database), testNode(database)] as const
  const { pools } = nodes[0]
  const companyId = await newCompany(pools)
  let publishing = true
  const acknowledged: string[] = []
  const noise = async (): Promise<void> => {
    while (publishing) await nodes[0].publisher.publish(newEvents(companyId, 5))
  }
  const inOrder = async (): Promise<void> => {
    for (let turn = 0; turn < 60; turn++) {
      const event = newEvent(companyId)
      await nodes[turn % 2 === 0 ? 0 : 1].publisher.publish([event])
      acknowledged.push(event.id)
    }
    publishing = false
  }
  const route = async (): Promise<void> => {
    while (publishing) await nodes[1].router.round()
  }
  await Promise.all([noise(), noise(), inOrder(), route()])
  await nodes[1].route()
  const positions = await positionsOf(pools.engine, companyId)
  const own = acknowledged.map((id) => positions.get(id) ?? 0)
  assert.deepEqual(
    own,
    own.toSorted((a, b) => a - b),
  )
  assert.deepEqual(await findGaps(pools.engine), [])
})

test('two routers at once never number an event twice', async (t) => {
  const database = await testDatabase(t)
  const nodes = [testNode(database, { eventsPerRound: 7 }), testNode(database, { eventsPerRound: 7 })] as const
  const { pools } = nodes[0]
  const companyIds = [await newCompany(pools), await newCompany(pools)]
  for (const companyId of companyIds) await nodes[0].publisher.publish(newEvents(companyId, 150))
  const waiting = async (): Promise<number> => await sqlValue(pools.engine, 'select count(*) from event_outbox')
  const led = [0, 0]
  const work = async (self: 0 | 1): Promise<void> => {
    while ((await waiting()) > 0) {
      if ((await nodes[self].router.round()) < 500) led[self] = (led[self] ?? 0) + 1
      // Leadership changes hands every few rounds, also in the middle of the other's round.
      if ((led[self] ?? 0) % 3 === 0) await sql(pools.engine, `update leases set expires_at = '-infinity'`)
      await nodes[self].leadership.hold()
    }
  }
  await Promise.all([work(0), work(1)])
  assert.deepEqual(await findGaps(pools.engine), [])
  assert.ok(
    led.every((rounds) => rounds > 0),
    `both led: ${led.join()}`,
  )
})

test('a leader whose lease was taken commits nothing and keeps its reservations for nobody', async (t) => {
  const database = await testDatabase(t)
  const node = testNode(database)
  const { pools } = node
  const companyId = await newCompany(pools)
  await subscribe(pools, companyId, { webhook_url: 'https://example.com/hook' })
  await node.route()
  await node.publisher.publish(newEvents(companyId, 3))
  const before = await positionsOf(pools.engine, companyId)
  const taken = `update leases set holder = $1, fence = fence + 1, expires_at = now() + interval '1 hour'`
  await sql(pools.engine, taken, [randomUUID()])
  assert.equal(await node.router.round(), 500, 'it rests as one that does not lead')
  assert.deepEqual(await positionsOf(pools.engine, companyId), before)
  assert.equal(await sqlValue(pools.engine, 'select count(*) from event_outbox'), 3)

  await sql(pools.engine, `update leases set expires_at = '-infinity'`)
  await node.route()
  assert.deepEqual(await findGaps(pools.engine), [])
})

test('a taker of the lease waits for the last transaction of the leader', async (t) => {
  const database = await testDatabase(t)
  const node = testNode(database)
  const other = testNode(database)
  const { pools } = node
  const companyId = await newCompany(pools)
  await node.publisher.publish(newEvents(companyId, 1))
  const inside = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const slow: FanOut = {
    ...noFanOut,
    deliver: async () => {
      inside.resolve()
      await goOn.promise
      return { committed: () => {}, rolledBack: () => {} }
    },
  }
  const router = new Router({
    pool: pools.engine,
    leadership: node.leadership,
    recent: new RecentEvents(),
    fanOut: slow,
  })
  const round = router.round()
  await inside.promise
  await sql(pools.engine, `select 1 from leases for share nowait`)
  // Expired as by time: the row itself is locked by the leader, so nobody could change it.
  let isTaken = false
  const expired = sql(pools.engine, `update leases set expires_at = '-infinity'`)
  const taking = expired.then(async () => await other.leadership.hold()).then((held) => (isTaken = held))
  const blocked = `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  try {
    await until('the taker waits', async () => (await sql(database.pools.owner, blocked)).length > 0)
    assert.equal(isTaken, false)
  } finally {
    goOn.resolve()
  }
  await round
  await taking
  assert.equal(isTaken, true)
  assert.equal((await positionsOf(pools.engine, companyId)).size, 2, 'what it had begun was committed before')
})

test('a rolled back round leaves outbox, positions, deliveries and slots as they were', async (t) => {
  const database = await testDatabase(t)
  const node = testNode(database, { slotsMax: 8 })
  const { pools } = node
  t.after(() => armFailpoints(''))
  const receiver = await scriptedReceiver(t)
  receiver.answer(() => 'hang')
  const companyId = await newCompany(pools)
  const { id } = await subscribe(pools, companyId, { webhook_url: receiver.url })
  await node.route()
  await node.publisher.publish(newEvents(companyId, 20))
  const state = `select (select count(*) from event_outbox) as queued, (select count(*) from event_audit_trail) as numbered,
      (select last_position from company_heads where company_id = $1) as last_position,
      (select count(*) from webhook_deliveries) as deliveries`
  const before = await sql(pools.engine, state, [companyId])
  armFailpoints('route.before_commit=throw')
  for (let turn = 0; turn < 5; turn++) await assert.rejects(node.router.round(), /failpoint/)
  armFailpoints('')
  assert.deepEqual(await sql(pools.engine, state, [companyId]), before)
  // Were a slot lost in each of the failed rounds, nothing could be handed over any more.
  await node.route()
  const leased = await sqlValue<number>(
    pools.engine,
    'select count(*) from webhook_deliveries where subscription_id = $1 and lease_token is not null',
    [id],
  )
  assert.ok(leased > 0)
  assert.deepEqual(await findGaps(pools.engine), [])
})

test('every trail row carries the digest that can be computed again from the log', async (t) => {
  const database = await testDatabase(t)
  const node = testNode(database)
  const { pools } = node
  const companyId = await newCompany(pools)
  await node.publisher.publish([
    newEvent(companyId),
    newEvent(companyId, {
      entity_type: 'appointment',
      entity_id: 7,
      related: [{ type: 'customer', id: 'ä "quoted" \\ \u2028' }],
      actor: { type: 'user', id: '1', name: 'Zoë' },
      source: 's',
      correlation_id: 'c',
      causation_id: 'd',
      occurred_at: '2026-01-01T00:00:00.1239+05:30',
    }),
    newEvent(companyId, {}, '{"n":1.0e+2,"s":"\\u00e4ä\\/"}'),
    newEvent(companyId, { actor: { type: 'user', id: 2 } }),
  ])
  await node.route()
  type Row = LoggedRow & { trail: Buffer }
  const rows = await sql<Row>(
    pools.engine,
    `select l.*, t.digest as trail from event_audit_trail t
       join event_logs l on l.company_id = t.company_id and l.id = t.event_id`,
  )
  assert.equal(rows.length, 5)
  for (const row of rows) {
    const digest = eventDigest(headerOf(toLoggedEvent(row)), row.payload_salt, row.payload)
    assert.deepEqual(digest, row.trail)
    assert.deepEqual(row.digest, row.trail)
  }
})

test('the entity index holds what an event is about and what it names as related', async (t) => {
  const database = await testDatabase(t)
  const node = testNode(database)
  const { pools } = node
  const companyId = await newCompany(pools)
  const subject = { entity_type: 'appointment', entity_id: 123 }
  const related = [
    { type: 'customer', id: 'a' },
    { type: 'appointment', id: '123' }, // itself
    { type: 'customer', id: 'a' }, // again
    { type: 'call', id: 9 },
  ]
  const event = newEvent(companyId, { ...subject, related })
  const onlyRelated = newEvent(companyId, { related: [{ type: 'call', id: 'only' }] })
  await node.publisher.publish([event, onlyRelated])
  await node.route()
  const rows = await sql(
    pools.engine,
    `select entity_type, entity_id, is_related, position from event_entities
      where event_id = any($1) order by position, entity_type`,
    [[event.id, onlyRelated.id]],
  )
  assert.deepEqual(rows, [
    { entity_type: 'appointment', entity_id: '123', is_related: false, position: 2 },
    { entity_type: 'call', entity_id: '9', is_related: true, position: 2 },
    { entity_type: 'customer', entity_id: 'a', is_related: true, position: 2 },
    { entity_type: 'call', entity_id: 'only', is_related: true, position: 3 },
  ])
})

test('an event is the same, member by member, whether it comes from memory or from the log', async (t) => {
  const database = await testDatabase(t)
  const { pools, publisher } = testNode(database)
  const companyId = await newCompany(pools)
  const event = newEvent(companyId, {
    entity_type: 'appointment',
    entity_id: 'x',
    related: [{ type: 'customer', id: 1 }],
    actor: { type: 'user', id: 1 },
  })
  await publisher.publish([event])
  const [row] = await sql<LoggedRow>(pools.engine, 'select * from event_logs where id = $1', [event.id])
  assert.ok(row)
  const logged = toLoggedEvent(row)
  const { salt, contentDigest, idempotencyKey, definitionVersion, ...inMemory } = event
  assert.ok(salt && contentDigest && idempotencyKey === undefined && definitionVersion === null)
  // As text, because the order of members ends in the bytes of a webhook.
  assert.equal(JSON.stringify(logged.related), JSON.stringify(inMemory.related))
  assert.equal(JSON.stringify(logged.entity), JSON.stringify(inMemory.entity))
  assert.deepEqual(
    { ...logged, actor: { ...logged.actor } },
    { ...inMemory, actor: { ...inMemory.actor, name: undefined } },
  )
})

test('a company that the fan-out cannot write for is left out for a second; others are routed, and its order is kept', async (t) => {
  const database = await testDatabase(t)
  const { pools, publisher, leadership, route } = testNode(database)
  const [busy, other] = [await newCompany(pools), await newCompany(pools)]
  await route()
  let nowMs = 0
  let isBusy = true
  let tries = 0
  const told: string[] = []
  const router = new Router({
    pool: pools.engine,
    leadership,
    recent: new RecentEvents(),
    fanOut: {
      ...noFanOut,
      deliver: async (db, events, versions) => {
        tries++
        if (isBusy && events.some(({ companyId }) => companyId === busy)) throw new CompaniesBusy(new Set([busy]))
        return await noFanOut.deliver(db, events, versions)
      },
    },
    clock: { elapsed: () => nowMs },
    onLeftOut: (companyIds) => void told.push(...companyIds),
    idleMs: 25,
  })
  const routeAll = async (): Promise<void> => {
    while ((await router.round()) !== 25);
  }
  const events = Array.from({ length: 6 }, (_, index) => newEvent(index % 2 === 0 ? busy : other))
  await publisher.publish(events)
  await routeAll()
  const waiting = `select array_agg(distinct company_id) from event_outbox`
  assert.deepEqual(await sqlValue(pools.engine, waiting), [busy])
  assert.deepEqual([told, tries], [[busy], 2])
  nowMs = 999
  await routeAll()
  assert.equal(tries, 2, 'it is not asked for again before its time')
  nowMs = 1_000
  await routeAll()
  assert.deepEqual([told, tries], [[busy, busy], 3])
  isBusy = false
  nowMs = 2_000
  await routeAll()
  const own = events.filter(({ companyId }) => companyId === busy).map(({ id }) => id)
  assert.deepEqual([...(await positionsOf(pools.engine, busy)).keys()].slice(1), own)
  assert.deepEqual(await findGaps(pools.engine), [])
})

test('the outbox is read by its index, with companies left out and without', async (t) => {
  const { pools } = testNode(await testDatabase(t))
  const [busy, other] = [await newCompany(pools), await newCompany(pools)]
  await sql(
    pools.owner,
    `insert into event_outbox (company_id, event_id)
     select case when n % 10 = 0 then $1::uuid else $2::uuid end, gen_random_uuid() from generate_series(1, 20000) n`,
    [busy, other],
  )
  await sql(pools.owner, 'analyze event_outbox')
  for (const { name, text } of registeredStatements().filter((one) => one.name.startsWith('outbox.read'))) {
    const values = name === 'outbox.read' ? [1_000] : [1_000, [busy]]
    const plan = await sql<object>(pools.engine, `explain (costs off) ${text}`, values)
    const lines = plan.flatMap(Object.values).map(String).join('\n')
    assert.match(lines, /Index Scan using event_outbox_seq_idx/, `${name}\n${lines}`)
    assert.doesNotMatch(lines, /Sort|Seq Scan/, name)
  }
})
