import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Db, Query } from '../db/statement.ts'
import { asCompany } from '../db/transaction.ts'
import { ProblemError } from '../lib/problems.ts'
import type { ProblemCode } from '../lib/problems.ts'
import { author, testCompany } from '../../test/support/company.ts'
import type { TestCompany } from '../../test/support/company.ts'
import { testDatabase } from '../../test/support/database.ts'
import { sql, sqlValue } from '../../test/support/sql.ts'
import type { CustomDefinition } from './custom-definition-store.ts'
import { applyPlans, changeDefinition, deleteDefinition, OvertakenPlan } from './custom-definitions.ts'
import type { DefinitionParts, DefinitionWish } from './plan-definition.ts'
import { planCreation, planUpdate } from './plan-definition.ts'
import type { VersionIncompatibility } from './schema-compatibility.ts'
import { createSchemaJudge } from './schema-judge.ts'

const NAME = 'order.placed'
const schemaOf = (members: object): string =>
  JSON.stringify({ type: 'object', properties: { order_id: { type: 'string' }, ...members }, required: ['order_id'] })
const plain = schemaOf({ total: { type: 'number' } })
const narrower = schemaOf({ total: { type: 'integer' } })
const wider = schemaOf({ total: { type: ['number', 'string'] } })

interface World {
  readonly company: TestCompany
  readonly parts: DefinitionParts
  create(name: string, wish: DefinitionWish & { readonly schema: string }): Promise<CustomDefinition>
  update(name: string, wish: DefinitionWish): Promise<CustomDefinition>
  remove(name: string): Promise<void>
  /** What was told of definitions, the oldest first. */
  told(): Promise<readonly (readonly [name: string, payload: Readonly<Record<string, unknown>>])[]>
}

async function begin(t: TestContext): Promise<World> {
  const { pools } = await testDatabase(t)
  const judge = createSchemaJudge()
  t.after(async () => await judge.close())
  const company = await testCompany(pools)
  const standard = {
    get: (name: string) => (name === 'call.created' ? standardDefinition : undefined),
    names: () => ['call.created'],
  }
  const parts = { pool: pools.api, judge, standard }
  const { id } = company
  return {
    company,
    parts,
    create: async (name, wish) =>
      (await changeDefinition(parts, author, id, async () => await planCreation(parts, id, name, wish))).definition,
    update: async (name, wish) =>
      (await changeDefinition(parts, author, id, async () => await planUpdate(parts, id, name, wish))).definition,
    remove: async (name) => await asCompany(pools.api, id, (db) => deleteDefinition(db, author, id, name, standard)),
    told: async () => {
      const rows = await sql<{ event_name: string; payload: string }>(
        pools.engine,
        `select l.event_name, l.payload from event_outbox o join event_logs l on l.company_id = o.company_id and l.id = o.event_id
          where o.company_id = $1 and l.event_name like 'daybook.definition.%' order by o.seq`,
        [id],
      )
      return rows.map((row) => [row.event_name.slice('daybook.definition.'.length), JSON.parse(row.payload)] as const)
    },
  }
}

const standardDefinition = {
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

async function refusal(work: Promise<unknown>): Promise<readonly [ProblemCode, ...string[]]> {
  const error: unknown = await work.then(
    () => assert.fail('It was taken'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof ProblemError)) throw error
  return [error.code, ...error.faults.map(({ pointer, code }) => `${pointer} ${code}`)]
}

test('a definition is kept with the bytes of its schema, and what its annotations say', async (t) => {
  const { create } = await begin(t)
  const schema = `{ "type":"object",\n "properties": {"order_id": {"type":"string","minLength":1}, "price": {"const": 1.0}},
    "required": ["order_id"], "x-entity": {"type":"order","id":"/order_id"}, "x-related": [{"type":"shop","id":"/shop"}] }`
  const { row, version } = await create(NAME, { schema, tags: ['shop', 'shop'], owner: 'Sales' })
  assert.equal(version.schema, schema)
  assert.deepEqual([version.version, version.created_by], [1, author.actor])
  assert.partialDeepStrictEqual(version, { entity: { type: 'order', id: '/order_id' }, examples: '[]' })
  assert.deepEqual(
    version.related.map(({ type, id }) => [type, id]),
    [['shop', '/shop']],
  )
  assert.partialDeepStrictEqual(row, {
    status: 'draft',
    compatibility: 'full_transitive',
    title: NAME,
    description: '',
    owner: 'Sales',
    tags: ['shop'],
    latest_version: 1,
    first_version_in_force: null,
  })
})

test('a name that is taken, reserved, of a standard definition or no name cannot be defined', async (t) => {
  const { create } = await begin(t)
  await create(NAME, { schema: plain })
  const tryName = async (name: string) => (await refusal(create(name, { schema: plain })))[0]
  assert.equal(await tryName(NAME), 'definition_exists')
  assert.equal(await tryName('call.created'), 'definition_exists')
  assert.equal(await tryName('daybook.order'), 'reserved_event_name')
  assert.equal(await tryName('Order placed'), 'invalid_event_name')
})

test('an example that does not fit, or that names its entity by what is no id, keeps a definition from being one', async (t) => {
  const { create } = await begin(t)
  assert.deepEqual(await refusal(create(NAME, { schema: plain, examples: [{ order_id: 'o-1' }, { order_id: 7 }] })), [
    'invalid_definition',
    '/examples/1/order_id type',
  ])
  const schema = JSON.stringify({ ...JSON.parse(plain), 'x-entity': { type: 'order', id: '/order_id' } })
  assert.deepEqual(await refusal(create(NAME, { schema, examples: [{ order_id: '' }] })), [
    'invalid_definition',
    '/examples/0/order_id entity_id',
  ])
})

test('a schema that nothing was found to fit needs an example', async (t) => {
  const { create } = await begin(t)
  const schema = JSON.stringify({ type: 'string', pattern: '^a', not: { pattern: '^a' } })
  assert.deepEqual(await refusal(create(NAME, { schema })), ['invalid_definition', '/examples no_sample'])
})

test('an equal schema is no new version, however it is written; any other one is', async (t) => {
  const { create, update } = await begin(t)
  await create(NAME, { schema: plain, examples: [{ order_id: 'o-1' }] })
  const respelled = JSON.stringify(
    JSON.parse(plain, (_, value: unknown) => value),
    null,
    2,
  )
  assert.equal((await update(NAME, { schema: respelled })).row.latest_version, 1)
  assert.equal((await update(NAME, { examples: [{ order_id: 'o-1' }] })).row.latest_version, 1)
  assert.equal((await update(NAME, { examples: [{ order_id: 'o-2' }] })).row.latest_version, 2)
  assert.equal(
    (await update(NAME, { schema: schemaOf({ total: { type: 'number', title: 'Total' } }) })).row.latest_version,
    3,
  )
})

test('a schema that breaks producers or consumers of any version that was in force is refused with every break', async (t) => {
  const { create, update } = await begin(t)
  await create(NAME, { schema: plain, status: 'active' })
  const found = await update(NAME, { compatibility: 'backward' }).then(() =>
    refusal(update(NAME, { schema: narrower })),
  )
  assert.deepEqual(found, ['incompatible_schema', '/properties/total/type type'])
  assert.equal((await update(NAME, { schema: wider })).row.latest_version, 2, 'wider keeps producers')
  const both = await refusal(update(NAME, { schema: narrower, compatibility: 'full_transitive' }))
  assert.deepEqual(both[0], 'incompatible_schema')
  const { row } = await update(NAME, { schema: narrower, compatibility: 'none' })
  assert.deepEqual([row.latest_version, row.compatibility], [3, 'none'])
})

test('versions of a draft bind nobody', async (t) => {
  const { create, update } = await begin(t)
  await create(NAME, { schema: plain })
  await update(NAME, { schema: wider })
  const { row } = await update(NAME, { schema: narrower, status: 'active' })
  assert.deepEqual([row.latest_version, row.first_version_in_force], [3, 3])
  assert.equal((await refusal(update(NAME, { schema: wider })))[0], 'incompatible_schema')
})

test('a definition goes from draft to active and archived and back, and never back to draft', async (t) => {
  const { create, update } = await begin(t)
  await create(NAME, { schema: plain })
  assert.deepEqual(await refusal(update(NAME, { status: 'deprecated' })), [
    'definition_transition',
    '/status definition_transition',
  ])
  for (const status of ['active', 'deprecated', 'active', 'archived', 'active', 'deprecated', 'archived'] as const) {
    assert.equal((await update(NAME, { status })).row.status, status)
  }
  for (const status of ['draft', 'deprecated'] as const) {
    assert.equal((await refusal(update(NAME, { status })))[0], 'definition_transition')
  }
})

test('a draft and what never had an event can be deleted, anything else not', async (t) => {
  const { company, create, remove } = await begin(t)
  await create('draft.of-something', { schema: plain })
  await company.publish({ eventName: 'draft.of-something' })
  await remove('draft.of-something')
  await create('never.used', { schema: plain, status: 'active' })
  await remove('never.used')
  await create(NAME, { schema: plain, status: 'active' })
  await company.publish({ eventName: NAME })
  assert.equal((await refusal(remove(NAME)))[0], 'definition_in_use', 'not numbered yet')
  await company.route()
  assert.equal((await refusal(remove(NAME)))[0], 'definition_in_use')
  assert.equal((await refusal(remove('draft.of-something')))[0], 'not_found')
  assert.equal((await refusal(remove('call.created')))[0], 'standard_definition')
})

test('the versions of a deleted definition stay, and their numbers do not come again', async (t) => {
  const { company, create, update, remove } = await begin(t)
  await create(NAME, { schema: plain })
  await update(NAME, { schema: wider })
  await remove(NAME)
  const { row, version } = await create(NAME, { schema: narrower })
  assert.deepEqual([row.first_version, row.latest_version, version.version], [3, 3, 3])
  const kept = `select count(*) from custom_event_versions where company_id = $1`
  assert.equal(await company.asCompany((db) => sqlValue(db, kept, [company.id])), 3)
})

test('[change-with-event] each thing that changes is told of by an event of its own: who, before, after', async (t) => {
  const { create, update, remove, told } = await begin(t)
  await create(NAME, { schema: plain })
  await update(NAME, { title: 'An order', status: 'active' })
  await update(NAME, { title: 'An order' })
  await update(NAME, { schema: wider, compatibility: 'backward', status: 'deprecated' })
  await update(NAME, { status: 'archived' })
  await create('other.thing', { schema: plain })
  await remove('other.thing')
  const events = await told()
  assert.deepEqual(
    events.map(([name]) => name),
    ['created', 'updated', 'version_added', 'deprecated', 'updated', 'archived', 'created', 'deleted'],
  )
  assert.partialDeepStrictEqual(events[1]?.[1], {
    event_name: NAME,
    before: { title: NAME, status: 'draft' },
    after: { title: 'An order', status: 'active' },
  })
  assert.partialDeepStrictEqual(events[2]?.[1], { before: { version: 1 }, after: { version: 2 } })
  assert.ok(!JSON.stringify(events).includes('properties'), 'schemas are told of by their digest')
})

test('a plan that another change overtook is not made, and made anew it is', async (t) => {
  const { parts, company, create, update } = await begin(t)
  await create(NAME, { schema: plain })
  const plan = await planUpdate(parts, company.id, NAME, { title: 'First' })
  await update(NAME, { description: 'Between' })
  await assert.rejects(
    company.asCompany((db) => applyPlans(db, author, company.id, [plan])),
    OvertakenPlan,
  )
  let planned = 0
  const { definition } = await changeDefinition(parts, author, company.id, async () => {
    const next = await planUpdate(parts, company.id, NAME, { title: 'Last' })
    if (planned++ === 0) await update(NAME, { owner: 'Sales' })
    return next
  })
  assert.equal(planned, 2)
  assert.partialDeepStrictEqual(definition.row, { title: 'Last', owner: 'Sales', description: 'Between' })
})

/** With the statements that are run on it. */
function watched(
  db: Db,
  before = async (_query: Query): Promise<void> => {},
): { readonly db: Db; readonly run: Query[] } {
  const run: Query[] = []
  return {
    run,
    db: {
      query: async (query) => {
        run.push(query)
        await before(query)
        return await db.query(query)
      },
    },
  }
}

test('many changes are made in a few statements, and megabytes of schemas are written before the head is locked', async (t) => {
  const { parts, company, create, told } = await begin(t)
  await create('order.n0', { schema: plain })
  const plans = [await planUpdate(parts, company.id, 'order.n0', { title: 'Changed', schema: wider })]
  for (let index = 1; index < 30; index++) {
    plans.push(await planCreation(parts, company.id, `order.n${index}`, { schema: plain, tags: ['a', 'b'] }))
  }
  const { names, made } = await company.asCompany(async (inner) => {
    const { db, run } = watched(inner)
    const definitions = await applyPlans(db, author, company.id, plans)
    return { made: definitions, names: run.map(({ name }) => name) }
  })
  assert.deepEqual(names, [
    'definition.greatest_versions',
    'definition.insert_versions',
    'definition.begin_change',
    'definition.find_many',
    'definition.count',
    'definition.save',
    'event.insert',
  ])
  assert.deepEqual(
    made.map(({ row }) => [row.event_name, row.latest_version]),
    plans.map(({ eventName }, index) => [eventName, index === 0 ? 2 : 1]),
  )
  assert.deepEqual([made[0]?.row.title, made[1]?.row.tags], ['Changed', ['a', 'b']])
  assert.equal((await told()).length, 32)
})

test('two that create the same names at once are one after the other, also when each creates many', async (t) => {
  const { parts, company } = await begin(t)
  const names = Array.from({ length: 4 }, (_, index) => `order.n${index}`)
  const createAll = async (order: readonly string[]) => {
    const plans = await Promise.all(
      order.map(async (name) =>
        planCreation(parts, company.id, name, { schema: plain, examples: [{ order_id: 'o' }] }),
      ),
    )
    return await company.asCompany(async (db) => await applyPlans(db, author, company.id, plans))
  }
  const outcomes = await Promise.allSettled([createAll(names), createAll(names.toReversed())])
  assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  const failed = outcomes.find((one) => one.status === 'rejected')
  assert.ok(failed?.reason instanceof OvertakenPlan)
})

test('under the lock of the head, a deletion looks only at what was published since it began', async (t) => {
  const { company, parts, create } = await begin(t)
  await create(NAME, { schema: plain, status: 'active' })
  await create('order.unused', { schema: plain, status: 'active' })
  const remove = async (name: string, meanwhile = async (): Promise<unknown> => undefined) =>
    await company.asCompany(async (inner) => {
      const { db, run } = watched(inner, async (query) => {
        if (query.name === 'definition.begin_change') await meanwhile()
      })
      await deleteDefinition(db, author, company.id, name, parts.standard)
      return run
        .filter((query) => query.name === 'definition.had_events')
        .map(({ values }) => values.slice(2).map(Number))
    })
  const between = remove(NAME, async () => await company.publish({ eventName: NAME }))
  assert.equal((await refusal(between))[0], 'definition_in_use', 'one that came between is seen')
  await company.route()
  await company.publish({ eventName: 'other.thing' })
  const [before, under, ...more] = await remove('order.unused')
  assert.deepEqual([before, more], [[0, 0], []])
  assert.ok(
    under?.every((mark) => mark > 0),
    'neither what is numbered nor what waits is looked through again',
  )
})

test('a schema counts by its bytes, blanks too, before it is read', async (t) => {
  const { create, update } = await begin(t)
  const padded = `{"type":"object"${' '.repeat(65_536)}}`
  assert.deepEqual(await refusal(create(NAME, { schema: padded })), ['invalid_definition', '/schema schema_too_large'])
  await create(NAME, { schema: '{"type":"object"}' })
  assert.deepEqual(await refusal(update(NAME, { schema: padded })), ['invalid_definition', '/schema schema_too_large'])
})

test('a comparison that is too costly is not made with still older versions', async (t) => {
  const { company, parts, create, update } = await begin(t)
  await create(NAME, { schema: plain, status: 'active' })
  for (const description of ['a', 'b'])
    await update(NAME, { schema: schemaOf({ total: { type: 'number', description } }) })
  await company.asCompany(async (db) => {
    const text = `insert into custom_event_versions (company_id, event_name, version, schema, examples, related, personal, created_by)
      select $1, $2, n, '{}', '[]', '[]', '[]', '{}' from generate_series(4, 60) n`
    await sql(db, text, [company.id, NAME])
    await sql(db, 'update custom_events set latest_version = 60 where company_id = $1 and event_name = $2', [
      company.id,
      NAME,
    ])
  })
  let asked = 0
  const costly: VersionIncompatibility = {
    version: 60,
    breaks: 'producers',
    pointer: '',
    code: 'schema_too_costly',
    message: '',
  }
  const judge = {
    ...parts.judge,
    compare: async () => {
      asked++
      return [costly]
    },
  }
  const found = await refusal(planUpdate({ ...parts, judge }, company.id, NAME, { schema: wider }))
  assert.deepEqual([found, asked], [['incompatible_schema', ' schema_too_costly'], 1])
})

test('changes at once are made one after the other, and none is lost', async (t) => {
  const { company, create, update, told } = await begin(t)
  const first = await create(NAME, { schema: plain })
  await Promise.all([
    ...['title', 'description', 'owner'].map(async (member) => await update(NAME, { [member]: 'Changed' })),
    ...['a', 'b', 'c'].map(async (name) => await create(`order.${name}`, { schema: plain })),
  ])
  const last = await update(NAME, {})
  assert.partialDeepStrictEqual(last.row, { title: 'Changed', description: 'Changed', owner: 'Changed' })
  assert.equal((await told()).length, 7)
  const version = await company.asCompany((db) =>
    sqlValue<number>(db, 'select definition_version from company_heads where company_id = $1', [company.id]),
  )
  assert.equal(version, first.row.revision + 6)
})

test('a company has at most 2,000 definitions, and one at most 1,000 versions', async (t) => {
  const { company, create, update } = await begin(t)
  await create(NAME, { schema: plain })
  await company.asCompany(async (db) => {
    await sql(
      db,
      `insert into custom_events (company_id, event_name, status, compatibility, title, description, tags, first_version,
              latest_version, revision)
       select $1, 'thing.n' || n, 'draft', 'none', '', '', '{}', 1, 1, 1 from generate_series(1, 1999) n`,
      [company.id],
    )
  })
  assert.deepEqual(await refusal(create('one.more', { schema: plain })), ['definition_limit'])
  await company.asCompany(async (db) => {
    await sql(db, 'update custom_events set first_version = -998 where company_id = $1 and event_name = $2', [
      company.id,
      NAME,
    ])
  })
  assert.deepEqual(await refusal(update(NAME, { schema: wider })), ['definition_limit'])
})
