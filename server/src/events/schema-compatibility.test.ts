import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { anyPayload, schemaPair } from '../../test/support/schema-arbitraries.ts'
import { createSchemaCompiler } from './compile-schema.ts'
import type { CompileSchema, ValidatePayload } from './compile-schema.ts'
import { loadStandardDefinitions } from './definitions.ts'
import { compatibilityModes } from '../lib/compatibility-modes.ts'
import { checkCompatibility, compareSchemas } from './schema-compatibility.ts'

const definitions = await loadStandardDefinitions(join(import.meta.dirname, '../../definitions'))

/** What breaks, as `producers code pointer`. */
function breaks(older: unknown, newer: unknown): string[] {
  return compareSchemas(older, newer).map(({ breaks, code, pointer }) => `${breaks} ${code} ${pointer}`)
}

const order = {
  type: 'object',
  required: ['id', 'lines'],
  properties: {
    id: { type: 'string', minLength: 1, maxLength: 64 },
    status: { type: 'string', enum: ['open', 'paid'] },
    lines: { type: 'array', minItems: 1, items: { $ref: '#/$defs/line' } },
  },
  $defs: {
    line: { type: 'object', required: ['sku'], properties: { sku: { type: 'string' }, count: { type: 'integer' } } },
  },
}

function orderWith(change: (copy: typeof order & Record<string, unknown>) => void): unknown {
  const copy = structuredClone(order)
  change(copy)
  return copy
}

describe('a change breaks', () => {
  const cases: Record<string, [older: unknown, newer: unknown, expected: string[]]> = {
    'nobody when it is none': [order, structuredClone(order), []],
    'nobody when only annotations differ': [order, orderWith((copy) => (copy['title'] = 'Order')), []],
    'nobody when a definition moves': [
      { properties: { a: { $ref: '#/$defs/x' } }, $defs: { x: { type: 'string' } } },
      { properties: { a: { type: 'string' } } },
      [],
    ],
    'producers when a member becomes required': [
      order,
      orderWith((copy) => copy.required.push('status')),
      ['producers required /required/2'],
    ],
    'consumers when a member is no longer required': [
      order,
      orderWith((copy) => copy.required.pop()),
      ['consumers required /required/1'],
    ],
    'consumers when a value is added': [
      order,
      orderWith((copy) => copy.properties.status.enum.push('lost')),
      ['consumers enum /properties/status/enum'],
    ],
    'producers when a value is taken away': [
      order,
      orderWith((copy) => copy.properties.status.enum.pop()),
      ['producers enum /properties/status/enum'],
    ],
    'producers when an open object gets a member with a type': [
      { type: 'object' },
      { type: 'object', properties: { note: { type: 'string' } } },
      ['producers type /properties/note/type'],
    ],
    'consumers when a closed object gets a member': [
      { type: 'object', properties: {}, additionalProperties: false },
      { type: 'object', properties: { note: { type: 'string' } }, additionalProperties: false },
      ['consumers not /additionalProperties'],
    ],
    'consumers when integers become numbers, behind a reference': [
      order,
      orderWith((copy) => (copy.$defs.line.properties.count.type = 'number')),
      ['consumers type /$defs/line/properties/count/type'],
    ],
    'both when a text becomes a number': [
      { type: 'string' },
      { type: 'number' },
      ['producers type /type', 'consumers type /type'],
    ],
    'producers when a limit is tightened': [
      { type: 'array', minItems: 1, items: { type: 'string', maxLength: 9 } },
      { type: 'array', minItems: 2, items: { type: 'string', maxLength: 5 } },
      ['producers minItems /minItems', 'producers maxLength /items/maxLength'],
    ],
    'consumers when a bound is opened': [
      { type: 'number', exclusiveMinimum: 0 },
      { type: 'number', minimum: 0 },
      ['consumers exclusiveMinimum /exclusiveMinimum'],
    ],
    'nobody by a format that is not known': [{ type: 'string' }, { type: 'string', format: 'iban' }, []],
    'producers by a format that is known': [
      { type: 'string' },
      { type: 'string', format: 'date' },
      ['producers format /format'],
    ],
    'consumers when null is let in': [
      { type: 'string' },
      { anyOf: [{ type: 'string' }, { type: 'null' }] },
      ['consumers type /type'],
    ],
    'nobody when a choice of types is written another way': [
      { type: ['string', 'null'] },
      { oneOf: [{ type: 'null' }, { type: 'string' }] },
      [],
    ],
    'consumers when a case is added to a choice': [
      { oneOf: [{ required: ['k'], type: 'object', properties: { k: { const: 'a' } } }] },
      {
        oneOf: [
          { required: ['k'], type: 'object', properties: { k: { const: 'a' } } },
          { required: ['k'], type: 'object', properties: { k: { const: 'b' } } },
        ],
      },
      ['consumers undecided /oneOf'],
    ],
    'producers when patterns cannot be compared': [
      { type: 'string', pattern: '^aa' },
      { type: 'string', pattern: '^a' },
      ['producers pattern /pattern', 'consumers pattern /pattern'],
    ],
    'whoever it may when it cannot be decided': [
      { type: 'object', unevaluatedProperties: false },
      { type: 'object', properties: { a: true }, unevaluatedProperties: false },
      ['producers undecided /unevaluatedProperties', 'consumers undecided /unevaluatedProperties'],
    ],
    'producers when a step does not divide the other': [
      { type: 'integer', multipleOf: 6, minimum: 0, maximum: 600 },
      { type: 'integer', multipleOf: 4, minimum: 0, maximum: 600 },
      ['producers multipleOf /multipleOf', 'consumers multipleOf /multipleOf'],
    ],
    'nobody but consumers when a step becomes finer': [
      { type: 'integer', multipleOf: 6, minimum: 0, maximum: 600 },
      { type: 'integer', multipleOf: 3, minimum: 0, maximum: 600 },
      ['consumers multipleOf /multipleOf'],
    ],
    'consumers when a value is added that has a member with the name of a method': [
      { enum: [{ valueOf: 1 }] },
      { enum: [{ valueOf: 1 }, { valueOf: 2 }] },
      ['consumers enum /enum'],
    ],
    'nobody when a recursive schema is renamed': [
      { $ref: '#/$defs/a', $defs: { a: { type: 'object', properties: { next: { $ref: '#/$defs/a' } } } } },
      { $ref: '#/$defs/b', $defs: { b: { type: 'object', properties: { next: { $ref: '#/$defs/b' } } } } },
      [],
    ],
    'consumers deep in a recursive schema': [
      { type: 'object', properties: { next: { $ref: '#' }, n: { type: 'integer' } } },
      { type: 'object', properties: { next: { $ref: '#' }, n: { type: 'number' } } },
      ['consumers type /properties/n/type'],
    ],
  }
  for (const [name, [older, newer, expected]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(breaks(older, newer), expected))
  }

  test('nobody when a standard definition is compared with itself, reordered', () => {
    for (const eventName of definitions.names()) {
      const schema = definitions.get(eventName)?.schema
      assert.deepEqual(breaks(schema, reversed(schema)), [], eventName)
    }
  })
})

/** The same schema with its members in another order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, one]) => [key, reversed(one)]),
  )
}

test('every incompatibility says in a sentence what is asked and by whom', () => {
  const newer = orderWith((copy) => copy.required.splice(0, 2, 'status', 'id'))
  const messages = compareSchemas(order, newer).map(({ message }) => message)
  assert.deepEqual(messages, [
    'The newer version demands what the older did not: the member `status` must be there',
    'The newer version no longer ensures what the older did: the member `lines` must be there',
  ])
})

test('what is not reported does not happen: payloads of one version fit the other', () => {
  let [harmless, fitting] = [0, 0]
  fc.assert(
    fc.property(schemaPair, fc.array(anyPayload, { minLength: 20, maxLength: 40 }), ([older, newer], payloads) => {
      const compile = createSchemaCompiler()
      const [before, after] = [compiled(older, compile), compiled(newer, compile)]
      fc.pre(before !== undefined && after !== undefined)
      if (!before || !after) return
      const found = compareSchemas(older, newer)
      const spares = (whom: string) => !found.some(({ breaks }) => breaks === whom)
      for (const [whom, source, target] of [
        ['producers', before, after],
        ['consumers', after, before],
      ] as const) {
        if (!spares(whom)) continue
        harmless++
        for (const payload of payloads) {
          if (!source(payload)) continue
          fitting++
          assert.ok(target(payload) ?? true, `${whom}: ${JSON.stringify({ older, newer, payload })}`)
        }
      }
    }),
    { numRuns: 300 },
  )
  // The promise is not kept by reporting everything.
  assert.ok(harmless > 60 && fitting > 300, `${harmless} harmless, ${fitting} fitting`)
})

test('counterexamples that random schemas led to stay harmless', () => {
  // The validator took an empty list for one that contains a text.
  const contains = { type: 'array', contains: { type: 'string' } }
  const pairs = [[{ ...contains, prefixItems: [{ type: 'string' }] }, contains, []]] as const
  for (const [older, newer, payload] of pairs) {
    assert.deepEqual(breaks(older, newer), ['consumers type /prefixItems/0/type'])
    const compile = createSchemaCompiler()
    assert.deepEqual(compile(older)(payload).length === 0, compile(newer)(payload).length === 0)
  }
})

/** Whether payloads fit, by the validator; undefined where it fails itself: some schemas and payloads are too much for Ajv. */
function compiled(schema: unknown, compile: CompileSchema): ((payload: unknown) => boolean | undefined) | undefined {
  let validate: ValidatePayload
  try {
    validate = compile(schema)
  } catch {
    return undefined
  }
  return (payload) => {
    try {
      return validate(payload).length === 0
    } catch {
      return undefined
    }
  }
}

test('a schema with very many choices is answered in a moment', () => {
  const choice = (depth: number): unknown =>
    depth === 0
      ? { type: 'string' }
      : { anyOf: [choice(depth - 1), { type: 'object', properties: { a: choice(depth - 1) } }] }
  const startedAt = performance.now()
  assert.ok(compareSchemas(choice(8), { not: choice(8) }).length > 0)
  assert.ok(performance.now() - startedAt < 10_000, `${performance.now() - startedAt} ms`)
})

describe('the mode', () => {
  const versions = [
    { version: 1, schema: { type: 'object', required: ['a'] } },
    { version: 3, schema: { type: 'object', required: ['a', 'c'] } },
    { version: 2, schema: { type: 'object', required: ['a', 'b'] } },
  ]
  const next = { type: 'object', required: ['a', 'd'] }
  const expected: Record<(typeof compatibilityModes)[number], string[]> = {
    none: [],
    backward: ['3 producers'],
    backward_transitive: ['3 producers', '2 producers', '1 producers'],
    forward: ['3 consumers'],
    forward_transitive: ['3 consumers', '2 consumers'],
    full: ['3 producers', '3 consumers'],
    full_transitive: ['3 producers', '3 consumers', '2 producers', '2 consumers', '1 producers'],
  }
  for (const mode of compatibilityModes) {
    test(`${mode} names the versions that it looks at and who would break`, () => {
      const found = checkCompatibility(mode, versions, next)
      assert.deepEqual(
        found.map(({ version, breaks }) => `${version} ${breaks}`),
        expected[mode],
      )
    })
  }

  test('lets the first version pass', () => {
    for (const mode of compatibilityModes) assert.deepEqual(checkCompatibility(mode, [], next), [])
  })
})
