import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleOfDefinition } from './sample-of-definition.ts'

const definition = { schema: '{"type": "object"}', examples: '[]', entity: null, related: [] }

/** Finds a payload for some seeds only. */
const judge = (fits: (seed: number) => boolean) => ({
  sample: async (_companyId: string, _schema: unknown, seed = 1) =>
    await Promise.resolve(fits(seed) ? { seed } : undefined),
  check: async () => await Promise.resolve([]),
})

test('a seed that finds no payload is given the one of the first seed', async () => {
  const sample = await sampleOfDefinition(
    judge((seed) => seed === 1),
    'a',
    definition,
    40,
  )
  assert.deepEqual(sample, { from: 'schema', payload: { seed: 1 } })
})

test('an example comes before that, and when nothing is found it is a matter of time', async () => {
  const nothing = judge(() => false)
  const withExample = { ...definition, examples: '[{"a": 1}]' }
  assert.deepEqual(await sampleOfDefinition(nothing, 'a', withExample, 40), { from: 'example', payload: { a: 1 } })
  for (const seed of [undefined, 40]) {
    await assert.rejects(sampleOfDefinition(nothing, 'a', definition, seed), { code: 'too_busy' })
  }
})
