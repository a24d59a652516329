import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { author, testCompany } from '../../../test/support/company.ts'
import { testDatabase } from '../../../test/support/database.ts'
import { sqlValue } from '../../../test/support/sql.ts'
import { ProblemError } from '../../lib/problems.ts'
import { changeDefinition } from '../custom-definitions.ts'
import type { DefinitionParts } from '../plan-definition.ts'
import { planCreation } from '../plan-definition.ts'
import { createSchemaJudge } from '../schema-judge.ts'
import type { SchemaJudge } from '../schema-judge.ts'
import { importDefinitions, planImport } from './import-definitions.ts'
import type { ImportedDefinition } from './imported-definition.ts'

const definition = (eventName: string, schema: unknown = { type: 'object' }): ImportedDefinition => ({
  eventName,
  pointer: `/${eventName}`,
  schema,
  examples: [{}],
})

async function begin(t: TestContext, judgeWith: (judge: SchemaJudge) => SchemaJudge = (judge) => judge) {
  const { pools } = await testDatabase(t)
  const judge = createSchemaJudge()
  t.after(async () => await judge.close())
  const { id } = await testCompany(pools)
  const standard = { get: () => undefined, names: () => [] }
  const own: DefinitionParts = { pool: pools.api, judge, standard }
  const versions = async (): Promise<number> =>
    Number(await sqlValue(pools.owner, 'select count(*) from custom_event_versions where company_id = $1', [id]))
  return { id, own, parts: { ...own, judge: judgeWith(judge) }, versions }
}

test('an import that another change overtakes is planned anew and made whole', async (t) => {
  let checks = 0
  const overtake = (judge: SchemaJudge): SchemaJudge => ({
    ...judge,
    check: async (...question) => {
      if (++checks === 2) {
        const wish = { schema: '{"type":"object"}', examples: [{}], title: 'Of another' }
        await changeDefinition(world.own, author, world.id, () => planCreation(world.own, world.id, 'a', wish))
      }
      return await judge.check(...question)
    },
  })
  const world = await begin(t, overtake)
  const steps = await importDefinitions(world.parts, author, world.id, [definition('a'), definition('b')], {})
  assert.deepEqual(
    steps.map(({ eventName, outcome, version }) => [eventName, outcome, version]),
    [
      ['a', 'unchanged', 1],
      ['b', 'create', 1],
    ],
  )
  assert.equal(await world.versions(), 2)
})

test('nothing is written when one is refused, and a plan alone writes nothing', async (t) => {
  const { id, parts, versions } = await begin(t)
  const given = [definition('a'), definition('b', { type: 'nothing' }), definition('c')]
  for (const steps of [
    await planImport(parts, id, given, {}),
    await importDefinitions(parts, author, id, given, { status: 'active' }),
  ]) {
    assert.deepEqual(
      steps.map(({ outcome, problem }) => [outcome, problem?.code]),
      [
        ['create', undefined],
        ['refused', 'invalid_definition'],
        ['create', undefined],
      ],
    )
  }
  assert.equal(await versions(), 0)
})

test('a judge that has no time refuses the import and not the definition', async (t) => {
  const busy = (judge: SchemaJudge): SchemaJudge => ({
    ...judge,
    check: async () => {
      throw new ProblemError('rate_limited', 'Too many schemas wait to be judged')
    },
  })
  const { id, parts } = await begin(t, busy)
  await assert.rejects(planImport(parts, id, [definition('a')], {}), { code: 'rate_limited' })
})
