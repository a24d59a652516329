import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Db } from '../db/statement.ts'
import { asCompany } from '../db/transaction.ts'
import type { Clock } from '../lib/clock.ts'
import { systemClock } from '../lib/clock.ts'
import { author, testCompany } from '../../test/support/company.ts'
import { testDatabase } from '../../test/support/database.ts'
import { until } from '../../test/support/until.ts'
import { CompanyDefinitions } from './company-definitions.ts'
import { CompiledSchemas } from './compiled-schemas.ts'
import { changeDefinition, deleteDefinition } from './custom-definitions.ts'
import type { DefinitionWish } from './plan-definition.ts'
import { planCreation, planUpdate } from './plan-definition.ts'
import { createSchemaJudge } from './schema-judge.ts'

const NAME = 'order.placed'
const schema = '{"type":"object","required":["order_id"],"x-entity":{"type":"order","id":"/order_id"}}'
const wider = '{"type":"object","x-entity":{"type":"order","id":"/order_id"}}'
const standard = {
  get: (name: string) => (name === 'call.created' ? call : undefined),
  names: () => ['call.created'],
}
const call = {
  eventName: 'call.created',
  version: 1,
  title: 'A call',
  description: 'For tests',
  related: [],
  tags: [],
  schema: true,
  examples: [],
  validate: () => [],
}

/** Statements that were run, with a door before them that a test can shut; or that fail. */
function watched(db: Db) {
  let failure: Error | undefined
  const names: string[] = []
  const answered: string[] = []
  const rows: number[] = []
  let door: Promise<void> = Promise.resolve()
  return {
    names,
    /** What the database has answered, through the door or not. */
    answered,
    /** How many rows each answer had. */
    rows,
    /** Lets no answer through until it is called. */
    shut: (): (() => void) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      door = promise
      return resolve
    },
    fail: (error: Error | undefined) => void (failure = error),
    db: {
      query: async (query) => {
        names.push(query.name)
        if (failure) throw failure
        const answer = await db.query<unknown>(query)
        answered.push(query.name)
        rows.push(answer.rows.length)
        await door
        return answer as never
      },
    } satisfies Db,
  }
}

async function begin(t: TestContext) {
  const { pools } = await testDatabase(t)
  const judge = createSchemaJudge()
  t.after(async () => await judge.close())
  const { id } = await testCompany(pools)
  const parts = { pool: pools.api, judge, standard }
  let elapsedMs = 0
  const clock: Clock = { ...systemClock, elapsed: () => elapsedMs }
  const open = (more: { readonly heldMax?: number } = {}) => {
    const { db, ...rest } = watched(pools.engine)
    const compiled = new CompiledSchemas()
    return { ...rest, definitions: new CompanyDefinitions({ db, clock, standard, compiled, ...more }) }
  }
  return {
    id,
    open,
    newCompany: async () => (await testCompany(pools)).id,
    remove: async (name: string) =>
      await asCompany(pools.api, id, async (db) => await deleteDefinition(db, author, id, name, standard)),
    turn: (ms: number) => void (elapsedMs += ms),
    create: async (wish: Omit<DefinitionWish, 'schema'> = {}, name = NAME) =>
      await changeDefinition(parts, author, id, async () => await planCreation(parts, id, name, { ...wish, schema })),
    update: async (wish: DefinitionWish) =>
      await changeDefinition(parts, author, id, async () => await planUpdate(parts, id, NAME, wish)),
  }
}

test('a definition that is held is asked of no database, however often it is published by', async (t) => {
  const { id, open, create, turn } = await begin(t)
  await create({ status: 'active' })
  const { definitions, names } = open()
  assert.equal((await definitions.forPublish(id, [NAME])).get(NAME)?.version, 1)
  const asked = names.length
  for (let index = 0; index < 100; index++) await definitions.forPublish(id, [NAME, 'call.created'])
  turn(1_000)
  await definitions.forPublish(id, [NAME])
  assert.equal(names.length, asked)
})

test('however many publish at once, one look is made for a company and interval', async (t) => {
  const { id, open, create, turn } = await begin(t)
  await create({ status: 'active' })
  const { definitions, names } = open()
  const publishMany = async () =>
    await Promise.all(Array.from({ length: 50 }, async () => await definitions.namesOf(id)))
  await publishMany()
  assert.deepEqual(names, ['definition.read_company_versions', 'definition.read_changes'])
  names.length = 0
  turn(3_000)
  await publishMany()
  assert.deepEqual(names, ['definition.read_company_versions'], 'nothing changed, so nothing more is read')
})

test('one statement a second looks for all companies, and publishes of those that publish seldom wait for none', async (t) => {
  const { id, open, create, update, newCompany, turn } = await begin(t)
  await create({ status: 'active' })
  const { definitions, names } = open()
  const companies = [id, await newCompany(), await newCompany()]
  for (const company of companies) await definitions.forPublish(company, [NAME])
  names.length = 0
  for (let second = 0; second < 60; second++) {
    turn(await definitions.look())
    if (second % 10 === 0) for (const company of companies) await definitions.forPublish(company, [NAME])
  }
  assert.equal(names.length, 60)
  await update({ schema: wider, compatibility: 'none' })
  await definitions.look()
  assert.equal((await definitions.forPublish(id, [NAME])).get(NAME)?.version, 2)
})

test('publishes do not wait for a look that is under way', async (t) => {
  const { id, open, create, update, turn } = await begin(t)
  await create({ status: 'active' })
  const { definitions, names, shut } = open()
  await definitions.forPublish(id, [NAME])
  await update({ schema: wider, compatibility: 'none' })
  names.length = 0
  turn(1_500)
  const letThrough = shut()
  const look = definitions.look()
  assert.equal((await definitions.forPublish(id, [NAME])).get(NAME)?.version, 1)
  assert.deepEqual(names, ['definition.read_company_versions'])
  letThrough()
  await look
  assert.equal((await definitions.forPublish(id, [NAME])).get(NAME)?.version, 2)
})

test('a change that was made here during a look is not taken for seen by it', async (t) => {
  const { id, open, create, update } = await begin(t)
  await create({ status: 'active' })
  const { definitions, answered, shut } = open()
  await definitions.forPublish(id, [NAME])
  answered.length = 0
  const letThrough = shut()
  const look = definitions.look()
  await until('the look has read what there was', () => answered.length > 0)
  await update({ schema: wider, compatibility: 'none' })
  definitions.changed(id)
  letThrough()
  await look
  assert.equal((await definitions.forPublish(id, [NAME])).get(NAME)?.version, 2)
})

test('a company that was not used for ten minutes is forgotten, and those that are go on being looked at', async (t) => {
  const { id, open, newCompany, turn } = await begin(t)
  const { definitions, names } = open()
  const other = await newCompany()
  await definitions.forPublish(id, [NAME])
  turn(5 * 60_000)
  await definitions.forPublish(other, [NAME])
  turn(5 * 60_000)
  await definitions.look()
  names.length = 0
  await definitions.forPublish(other, [NAME])
  assert.deepEqual(names, [])
  await definitions.forPublish(id, [NAME])
  assert.equal(names.length, 1)
})

test('when too much is held the companies that were not used for longest are forgotten, and no other', async (t) => {
  const { id, open, newCompany } = await begin(t)
  const { definitions, names } = open({ heldMax: 25 }) // a company without definitions counts as ten
  const [second, third] = [await newCompany(), await newCompany()]
  for (const company of [id, second, id, third]) await definitions.forPublish(company, [NAME])
  names.length = 0
  await definitions.forPublish(id, [NAME])
  await definitions.forPublish(third, [NAME])
  assert.deepEqual(names, [])
  await definitions.forPublish(second, [NAME])
  assert.equal(names.length, 1)
})

test('of many definitions only what changed is read again, and what was deleted is seen', async (t) => {
  const { id, open, create, update, remove } = await begin(t)
  for (const name of [NAME, 'order.a', 'order.b']) await create({ status: 'active' }, name)
  const { definitions, rows } = open()
  const look = async () => {
    rows.length = 0
    await definitions.look()
    return [rows.slice(1), (await definitions.namesOf(id)).toSorted()]
  }
  await definitions.namesOf(id)
  assert.deepEqual(rows, [1, 3])
  await update({ title: 'Another' })
  assert.deepEqual(await look(), [[1], ['call.created', 'order.a', 'order.b', NAME]])
  await remove('order.a')
  assert.deepEqual(await look(), [
    [1, 2],
    ['call.created', 'order.b', NAME],
  ])
  await create({ status: 'active' }, 'order.a')
  await remove('order.b')
  assert.deepEqual(await look(), [
    [1, 2],
    ['call.created', 'order.a', NAME],
  ])
})

test('a change is seen at once where it was made, and by another process within three seconds', async (t) => {
  const { id, open, create, update, turn } = await begin(t)
  const [here, there] = [open().definitions, open().definitions]
  const versions = async () => {
    const [one, other] = await Promise.all([here, there].map(async (at) => (await at.forPublish(id, [NAME])).get(NAME)))
    return [one?.version, other?.version]
  }
  assert.deepEqual(await versions(), [undefined, undefined])
  await create({ status: 'active' })
  here.changed(id)
  assert.deepEqual(await versions(), [1, undefined])
  turn(3_000)
  assert.deepEqual(await versions(), [1, 1])
  await update({ schema: wider, compatibility: 'none' })
  here.changed(id)
  assert.deepEqual(await versions(), [2, 1])
  turn(3_000)
  assert.deepEqual(await versions(), [2, 2])
})

test('a look that was under way during a change is not held', async (t) => {
  const { id, open, create } = await begin(t)
  const { definitions, answered, shut } = open()
  const letThrough = shut()
  const before = definitions.forPublish(id, [NAME])
  await until('the look has read what there was', () => answered.length > 0)
  await create({ status: 'active' })
  definitions.changed(id)
  const after = definitions.forPublish(id, [NAME])
  letThrough()
  await before
  assert.equal((await after).get(NAME)?.version, 1)
  assert.equal((await definitions.forPublish(id, [NAME])).get(NAME)?.version, 1)
})

test('after a look that failed the next publish looks again, and finds what there is', async (t) => {
  const { id, open, create } = await begin(t)
  await create({ status: 'active' })
  const { definitions, fail } = open()
  fail(new Error('connection lost'))
  await assert.rejects(definitions.namesOf(id), /connection lost/)
  await assert.rejects(definitions.namesOf(id), /connection lost/)
  fail(undefined)
  assert.deepEqual(await definitions.namesOf(id), ['call.created', NAME])
})

test('while looks fail, publishes go on by what was seen for three seconds, and then fail', async (t) => {
  const { id, open, create, turn } = await begin(t)
  await create({ status: 'active' })
  const { definitions, fail } = open()
  await definitions.forPublish(id, [NAME])
  fail(new Error('connection lost'))
  turn(2_999)
  await assert.rejects(definitions.look(), /connection lost/)
  assert.equal((await definitions.forPublish(id, [NAME])).get(NAME)?.version, 1)
  turn(1)
  await assert.rejects(definitions.forPublish(id, [NAME]), /connection lost/)
  fail(undefined)
  assert.equal((await definitions.forPublish(id, [NAME])).get(NAME)?.version, 1)
})

test('drafts and archived definitions judge nothing and say why', async (t) => {
  const { id, open, create, update } = await begin(t)
  const { definitions } = open()
  const look = async () => {
    definitions.changed(id)
    const found = await definitions.forPublish(id, [NAME])
    return [found.get(NAME)?.isDeprecated, found.notInForce?.(NAME), found.names().includes(NAME)]
  }
  await create()
  assert.deepEqual(await look(), [undefined, 'draft', false])
  await update({ status: 'active' })
  assert.deepEqual(await look(), [false, undefined, true])
  await update({ status: 'deprecated' })
  assert.deepEqual(await look(), [true, undefined, true])
  await update({ status: 'archived' })
  assert.deepEqual(await look(), [undefined, 'archived', false])
})

test('a payload is judged by the schema, and its entity by what an id can be', async (t) => {
  const { id, open, create } = await begin(t)
  await create({ status: 'active' })
  const definition = (await open().definitions.forPublish(id, [NAME])).get(NAME)
  const codes = (payload: unknown) => definition?.validate(payload).map(({ pointer, code }) => [pointer, code])
  assert.deepEqual(codes({ order_id: 'o-1' }), [])
  assert.deepEqual(codes({}), [['/order_id', 'required']])
  assert.deepEqual(codes({ order_id: '' }), [['/order_id', 'entity_id']])
})

test('a batch of many names is read in a few statements', async (t) => {
  const { id, open, create } = await begin(t)
  const many = Array.from({ length: 25 }, (_, index) => `order.n${index}`)
  for (const name of many) await create({ status: 'active' }, name)
  const { definitions, names } = open()
  const found = await definitions.forPublish(id, many)
  assert.deepEqual(
    many.map((name) => found.get(name)?.version),
    many.map(() => 1),
  )
  assert.equal(names.filter((name) => name === 'definition.read_schemas').length, 2)
})
