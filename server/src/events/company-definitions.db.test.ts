import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Db } from '../db/statement.ts'
import type { Clock } from '../lib/clock.ts'
import { author, testCompany } from '../../test/support/company.ts'
import { testDatabase } from '../../test/support/database.ts'
import { until } from '../../test/support/until.ts'
import { CompanyDefinitions } from './company-definitions.ts'
import { CompiledSchemas } from './compiled-schemas.ts'
import { changeDefinition } from './custom-definitions.ts'
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

/** Statements that were run, with a door before them that a test can shut. */
function watched(db: Db) {
  const names: string[] = []
  const answered: string[] = []
  let door: Promise<void> = Promise.resolve()
  return {
    names,
    /** What the database has answered, through the door or not. */
    answered,
    /** Lets no answer through until it is called. */
    shut: (): (() => void) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      door = promise
      return resolve
    },
    db: {
      query: async (query) => {
        names.push(query.name)
        const answer = await db.query(query)
        answered.push(query.name)
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
  const clock: Pick<Clock, 'elapsed'> = { elapsed: () => elapsedMs }
  const open = () => {
    const { db, ...rest } = watched(pools.engine)
    return { ...rest, definitions: new CompanyDefinitions({ db, clock, standard, compiled: new CompiledSchemas() }) }
  }
  return {
    id,
    open,
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
  assert.deepEqual(names, ['definition.read_company_version', 'definition.read_index'])
  names.length = 0
  turn(3_000)
  await publishMany()
  assert.deepEqual(names, ['definition.read_company_version'], 'nothing changed, so nothing more is read')
})

test('publishes of a company that goes on publishing do not wait for the look', async (t) => {
  const { id, open, create, update, turn } = await begin(t)
  await create({ status: 'active' })
  const { definitions, names, shut } = open()
  await definitions.forPublish(id, [NAME])
  await update({ schema: wider, compatibility: 'none' })
  names.length = 0
  turn(1_500)
  const letThrough = shut()
  assert.equal((await definitions.forPublish(id, [NAME])).get(NAME)?.version, 1)
  assert.deepEqual(names, ['definition.read_company_version'])
  letThrough()
  await until('the change is seen', async () => (await definitions.forPublish(id, [NAME])).get(NAME)?.version === 2)
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

test('after a look that failed the next publish looks again', async (t) => {
  const { id, open, create } = await begin(t)
  await create({ status: 'active' })
  const { definitions } = open()
  const { promise, reject } = Promise.withResolvers<never>()
  const broken = new CompanyDefinitions({
    db: { query: async () => await promise },
    clock: { elapsed: () => 0 },
    standard,
    compiled: new CompiledSchemas(),
  })
  const waiting = broken.namesOf(id)
  reject(new Error('connection lost'))
  await assert.rejects(waiting, /connection lost/)
  await assert.rejects(broken.namesOf(id), /connection lost/)
  assert.deepEqual(await definitions.namesOf(id), ['call.created', NAME])
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
