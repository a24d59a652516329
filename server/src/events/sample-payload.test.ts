import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { anySchema } from '../../test/support/schema-arbitraries.ts'
import { parseStoredJson } from '../lib/json-text.ts'
import { createSchemaCompiler } from './compile-schema.ts'
import { entitiesFromPayload, loadStandardDefinitions } from './definitions.ts'
import { samplePayload } from './sample-payload.ts'

const definitions = await loadStandardDefinitions(join(import.meta.dirname, '../../definitions'))

describe('a sample of the standard definition', () => {
  for (const eventName of definitions.names()) {
    test(`${eventName} fits it and names its entity, for any seed`, () => {
      const definition = definitions.get(eventName)
      assert.ok(definition)
      for (let seed = 0; seed < 5; seed++) {
        const sample = samplePayload(definition.schema, seed)
        assert.deepEqual(definition.validate(sample), [], `seed ${seed}`)
        assert.ok(!definition.entity || entitiesFromPayload(definition, sample).entity, `seed ${seed}`)
      }
    })
  }
})

/** Fails if there is no sample. */
function sampleOf(schema: unknown, seed?: number): unknown {
  const sample = samplePayload(schema, seed)
  assert.ok(sample !== undefined, JSON.stringify(schema))
  assert.deepEqual(createSchemaCompiler()(schema)(sample), [])
  return sample
}

describe('a sample', () => {
  test('is the same for the same seed and varies with it', () => {
    const schema = {
      type: 'object',
      properties: { at: { type: 'string', format: 'date-time' }, n: { type: 'integer' } },
    }
    assert.deepEqual(sampleOf(schema, 7), sampleOf(schema, 7))
    const samples = Array.from({ length: 10 }, (_, seed) => JSON.stringify(sampleOf(schema, seed)))
    assert.ok(new Set(samples).size > 5)
  })

  test('takes examples, defaults and listed values before it makes something up', () => {
    const schema = {
      type: 'object',
      properties: {
        name: { type: 'string', examples: ['Mara Lind'] },
        unit: { type: 'string', default: 'hours' },
        kind: { enum: ['gift'] },
        version: { const: 3 },
        wrong: { type: 'integer', examples: ['none'], minimum: 4, maximum: 4 },
      },
    }
    assert.deepEqual(sampleOf(schema), { name: 'Mara Lind', unit: 'hours', kind: 'gift', version: 3, wrong: 4 })
  })

  test('has the formats that the validator knows', () => {
    for (const format of [
      'date',
      'time',
      'duration',
      'email',
      'hostname',
      'ipv4',
      'ipv6',
      'uri',
      'uri-reference',
      'json-pointer',
      'date-time',
      'uuid',
    ]) {
      for (let seed = 0; seed < 20; seed++) assert.equal(typeof sampleOf({ type: 'string', format }, seed), 'string')
    }
  })

  test('follows patterns of identifiers and codes', () => {
    for (const pattern of [
      '^[A-Z]{3}$',
      '^ord_[a-z0-9]{8,}$',
      '^(?:web|app)-\\d+(\\.\\d+)?$',
      '^https://',
      '^\\+[1-9][0-9]{4,14}$',
    ]) {
      for (let seed = 0; seed < 20; seed++) sampleOf({ type: 'string', pattern }, seed)
    }
  })

  test('keeps limits of numbers, texts, lists and objects', () => {
    sampleOf({ type: 'integer', exclusiveMinimum: 6, maximum: 10, multipleOf: 5 })
    sampleOf({ type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 })
    sampleOf({ type: 'integer', maximum: -7 })
    sampleOf({ type: 'string', minLength: 40, maxLength: 41 })
    sampleOf({ type: 'array', minItems: 5, items: { type: 'boolean' } })
    sampleOf({ type: 'array', contains: { const: 'x' }, items: { type: 'string' } })
    sampleOf({ type: 'object', minProperties: 3, additionalProperties: { type: 'integer' } })
    sampleOf({ type: 'object', minProperties: 1, propertyNames: { pattern: '^k[0-9]$' } })
  })

  test('follows references, choices and conditions', () => {
    const kind = { type: 'string', enum: ['card', 'cash'] }
    sampleOf({
      type: 'object',
      required: ['kind'],
      properties: { kind: { $ref: '#/$defs/kind' } },
      oneOf: [
        { properties: { kind: { const: 'card' } }, required: ['iban'] },
        { properties: { kind: { const: 'cash' } }, not: { required: ['iban'] } },
      ],
      $defs: { kind },
    })
    sampleOf({ allOf: [{ type: 'object', required: ['a'] }, { properties: { a: { type: 'integer' } } }] })
    sampleOf(
      parseStoredJson(
        '{ "type": "object", "required": ["a"], "if": { "required": ["a"] }, "then": { "required": ["b"] } }',
      ),
    )
  })

  test('has what people expect under well-known names, where it fits', () => {
    const code = (pattern: string) => ({ type: 'object', properties: { currency: { type: 'string', pattern } } })
    assert.deepEqual(sampleOf(code('^[A-Z]{3}$')), { currency: 'EUR' })
    assert.notDeepEqual(sampleOf(code('^[a-z]{3}$')), { currency: 'EUR' })
    assert.ok(Number(sampleOf({ type: 'integer', minimum: -500, maximum: 500 })) > 0)
  })

  test('of a recursive schema ends', () => {
    sampleOf({ type: 'object', properties: { children: { type: 'array', items: { $ref: '#' } } } })
  })

  test('is not given where the validator itself fails at what fits', () => {
    const schema = { type: 'array', uniqueItems: true, minItems: 2, items: { const: { valueOf: 1 } } }
    assert.equal(samplePayload(schema), undefined)
  })

  test('is not given where there is none, or where it would be huge', () => {
    for (const schema of [
      false,
      { type: 'integer', minimum: 3, maximum: 2 },
      { type: 'string', minLength: 3e8 },
      { type: 'array', minItems: 5e6 },
      { enum: [1], type: 'string' },
    ]) {
      assert.equal(samplePayload(schema), undefined, JSON.stringify(schema))
    }
  })
})

test('a sample of any schema fits it, and most schemas have one', () => {
  let [made, none] = [0, 0]
  fc.assert(
    fc.property(anySchema, fc.nat({ max: 1_000 }), (schema, seed) => {
      const sample = samplePayload(schema, seed)
      if (sample === undefined) return void none++
      made++
      assert.deepEqual(createSchemaCompiler()(schema)(sample), [])
    }),
    { numRuns: 150 },
  )
  assert.ok(made > none, `${made} made, ${none} not`)
})
