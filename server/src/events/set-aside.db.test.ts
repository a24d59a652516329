import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { testDatabase } from '../../test/support/database.ts'
import { newEvent, newEvents } from '../../test/support/new-event.ts'
import { sql, sqlValue } from '../../test/support/sql.ts'
import { Leadership } from '../db/leadership.ts'
import type { Pools } from '../db/pools.ts'
import { createCompany } from '../identity/companies.ts'
import { systemClock } from '../lib/clock.ts'
import { systemActor } from './administrative-event.ts'
import { insertEvents } from './insert-events.ts'
import { RecentEvents } from './recent-events.ts'
import type { FanOut } from './router.ts'
import { Router } from './router.ts'
import type { SetAside } from './set-aside.ts'
import { isAboutData } from '../db/transaction.ts'
import { listSetAside, putBack } from './set-aside.ts'

interface Bench {
  readonly pools: Pools
  readonly told: SetAside[]
  /** What each transaction took: rows that were offered to the fan-out. */
  readonly offered: number[]
  readonly companies: readonly [string, string]
  route(): Promise<void>
  round(): Promise<number>
}

async function bench(t: TestContext, eventsPerRound = 1_000): Promise<Bench> {
  const { pools } = await testDatabase(t)
  const told: SetAside[] = []
  const offered: number[] = []
  const fanOut: FanOut = {
    deliver: async (_db, events) => {
      offered.push(events.length)
      return { committed: () => {}, rolledBack: () => {} }
    },
    isUnfinished: async () => false,
    deliverSlice: async () => undefined,
  }
  const router = new Router({
    pool: pools.engine,
    leadership: new Leadership({ db: pools.engine, clock: systemClock, name: 'router', holder: randomUUID() }),
    recent: new RecentEvents(),
    fanOut,
    onSetAside: (rows) => void told.push(...rows),
    eventsPerRound,
    idleMs: 25,
  })
  const author = { actor: systemActor, nowMs: Date.now() }
  const company = async (): Promise<string> =>
    (await createCompany(pools.engine, author, { name: 'Test', settings: {} })).id
  const companies = [await company(), await company()] as const
  const route = async (): Promise<void> => {
    while ((await router.round()) !== 25);
  }
  await route()
  return { pools, told, offered, companies, route, round: async () => await router.round() }
}

/** The positions of a company's own events, in the order of their ids in `ids`. */
async function positions({ pools }: Bench, ids: readonly string[]): Promise<readonly (number | undefined)[]> {
  const rows = await sql<{ event_id: string; position: number }>(
    pools.engine,
    'select event_id, position from event_audit_trail where event_id = any($1)',
    [ids],
  )
  const byId = new Map(rows.map(({ event_id, position }) => [event_id, position]))
  return ids.map((id) => byId.get(id))
}

async function refuse({ pools }: Bench, sqlState: string, eventIds: readonly string[]): Promise<void> {
  await sql(
    pools.owner,
    `create or replace function refuse() returns trigger language plpgsql as $$
      begin
        if new.event_id = any('{${eventIds.join(',')}}'::uuid[]) then
          raise exception using errcode = '${sqlState}', message = 'refused';
        end if;
        return new;
      end $$`,
  )
  await sql(
    pools.owner,
    'create or replace trigger refuse before insert on event_audit_trail for each row execute function refuse()',
  )
}

test('events that are gone or altered, or whose company is gone, are set aside in the round that meets them', async (t) => {
  const run = await bench(t)
  const { pools, told, companies } = run
  const [ill, well] = companies
  const nobody = '01900000-0000-7000-8000-00000000dead'
  const [gone, altered, sound] = newEvents(ill, 3)
  assert.ok(gone && altered && sound)
  const [stranger, others] = [newEvent(nobody), newEvents(well, 3)]
  await insertEvents(pools.engine, [gone, altered, stranger, sound, ...others])
  await sql(pools.owner, 'delete from event_logs where id = $1', [gone.id])
  await sql(pools.owner, `update event_logs set payload = '{"n":2}' where id = $1`, [altered.id])
  await run.round()
  assert.deepEqual(await positions(run, [gone.id, altered.id, stranger.id]), [undefined, undefined, undefined])
  assert.deepEqual(await positions(run, [sound.id, ...others.map(({ id }) => id)]), [2, 2, 3, 4])
  assert.deepEqual(
    told.map(({ companyId, eventId, reason }) => [companyId, eventId, reason]),
    [
      [ill, gone.id, 'payload_gone'],
      [ill, altered.id, 'payload_altered'],
      [nobody, stranger.id, 'company_gone'],
    ],
  )
  const noted = await listSetAside(pools.engine, 10)
  assert.deepEqual(
    new Map(noted.map(({ event_id, reason }) => [event_id, reason])),
    new Map(told.map(({ eventId, reason }) => [eventId, reason])),
  )
  assert.equal(await sqlValue(pools.engine, 'select count(*) from event_outbox'), 0)
})

for (const [guilty, most] of [
  [[0], 11],
  [[99], 30],
  [[17, 18, 63], 60],
] as const) {
  test(`${guilty.length} of 100 events that the database refuses (${guilty.join(', ')}): set aside alone, the others keep their order`, async (t) => {
    const run = await bench(t)
    const { pools, told, companies, offered } = run
    const events = Array.from({ length: 100 }, (_, index) => newEvent(companies[index % 2 === 0 ? 0 : 1]))
    const bad = guilty.map((index) => events[index]?.id ?? '')
    await insertEvents(pools.engine, events)
    await refuse(run, '23514', bad)
    await run.route()
    assert.deepEqual(
      told.map(({ eventId, reason, detail }) => [eventId, reason, detail]),
      bad.map((id) => [id, 'not_routable', '23514: refused']),
    )
    for (const companyId of companies) {
      const own = events.filter((event) => event.companyId === companyId && !bad.includes(event.id))
      const expected = own.map((_, index) => index + 2) // the first is the making of the company
      assert.deepEqual(
        await positions(
          run,
          own.map(({ id }) => id),
        ),
        expected,
      )
    }
    assert.ok(offered.length <= most, `${offered.length} batches went through`)
  })
}

test('trouble of the server, a missing right or a bug is waited out: nothing is set aside', async (t) => {
  const run = await bench(t)
  const { pools, told, companies } = run
  const event = newEvent(companies[0])
  await insertEvents(pools.engine, [event])
  for (const state of ['53100', '57014', '57P01', '08006', '40001', '55P03', '42501', '42P01', 'XX000']) {
    await refuse(run, state, [event.id])
    await assert.rejects(run.round(), { code: state })
  }
  assert.deepEqual(await positions(run, [event.id]), [undefined])
  await sql(pools.owner, 'drop trigger refuse on event_audit_trail')
  await run.route()
  assert.deepEqual(await positions(run, [event.id]), [2])
  assert.deepEqual(told, [])
  for (const error of [
    new Error('Connection terminated'),
    new TypeError('x'),
    Object.assign(new Error(), { code: 'EPIPE' }),
  ])
    assert.equal(isAboutData(error), false)
})

test('what is put back is routed like an event just published, once, and set aside again when the reason holds', async (t) => {
  const run = await bench(t)
  const { pools, told, companies } = run
  const [companyId, other] = companies
  const [mended, broken, later] = newEvents(companyId, 3)
  assert.ok(mended && broken && later)
  await insertEvents(pools.engine, [mended, broken])
  await refuse(run, '23514', [mended.id, broken.id])
  await run.route()
  await refuse(run, '23514', [broken.id])
  await insertEvents(pools.engine, [later])
  await run.route()
  const seqs = (await listSetAside(pools.engine, 10)).map(({ seq }) => seq)
  assert.equal(await putBack(pools.engine, other, seqs), 0, 'of this company only')
  const both = await Promise.all([putBack(pools.engine, companyId, seqs), putBack(pools.engine, companyId, seqs)])
  assert.equal(both[0] + both[1], 2)
  await run.route()
  assert.deepEqual(await positions(run, [later.id, mended.id, broken.id]), [2, 3, undefined])
  assert.deepEqual(
    told.map(({ eventId }) => eventId),
    [mended.id, broken.id, broken.id],
  )
  assert.deepEqual(
    (await listSetAside(pools.engine, 10)).map(({ event_id }) => event_id),
    [broken.id],
  )
})
