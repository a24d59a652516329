import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { anyPayload, anySchema } from '../../test/support/schema-arbitraries.ts'
import { parseStoredJson } from '../lib/json-text.ts'
import { ProblemError } from '../lib/problems.ts'
import type { Fault } from '../lib/problems.ts'
import { allowanceOfRequest } from './allowance.ts'
import { createSchemaCompiler, NOT_JUDGED } from './compile-schema.ts'
import { compileCustomSchema } from './custom-schema.ts'
import { checkSchemaLimits } from './schema-limits.ts'

/** The faults, as `code pointer`. */
function find(schema: unknown, payload: unknown): string[] {
  return compileCustomSchema(schema)(payload).map(({ code, pointer }) => `${code} ${pointer}`)
}

/** Codes: of faults, or of the problem that is thrown. */
function verdictOf(validate: () => readonly Fault[]): readonly string[] {
  try {
    return validate().map(({ code }) => code)
  } catch (error) {
    if (error instanceof ProblemError) return [error.code]
    throw error
  }
}

test('payloads are judged as Ajv judges them, and the same faults are listed', () => {
  let [fitting, refused, compared] = [0, 0, 0]
  fc.assert(
    fc.property(anySchema, fc.array(anyPayload, { minLength: 10, maxLength: 20 }), (schema, payloads) => {
      const text = JSON.stringify(schema)
      // Ajv takes for evaluated all items where `contains` stands, and what a condition looked at that does not hold.
      fc.pre(!/unevaluatedItems.*ontains|ontains.*unevaluatedItems|unevaluated.*"if"|"if".*unevaluated/.test(text))
      const byAjv = createSchemaCompiler()(schema)
      const own = compileCustomSchema(schema)
      for (const payload of payloads) {
        const [expected, actual] = [byAjv(payload), own(payload)]
        if (expected[0]?.code === NOT_JUDGED) continue
        const context = JSON.stringify({ schema, payload, expected, actual })
        assert.equal(actual.length === 0, expected.length === 0, context)
        if (expected.length === 0) fitting++
        else refused++
        // Where Ajv tells more: of items that need not fit, of cases beside two that fit, of what a failed case looked at.
        if (/ontains|oneOf|unevaluated/.test(text) || expected.length === 0) continue
        compared++
        const told = (faults: typeof actual) => [...new Set(faults.map((fault) => JSON.stringify(fault)))].toSorted()
        assert.deepEqual(told(actual), told(expected), context)
      }
    }),
    { numRuns: 60 },
  )
  assert.ok(
    fitting > 100 && refused > 100 && compared > 100,
    `${fitting} fitting, ${refused} refused, ${compared} compared`,
  )
})

describe('the specification is kept where Ajv does not', () => {
  test('an empty list does not hold what contains asks for, whatever stands beside it', () => {
    const schema = { prefixItems: [{ type: 'string' }], contains: { type: 'integer' } }
    assert.deepEqual(find(schema, []), ['contains '])
    assert.deepEqual(find(schema, ['a', 1]), [])
  })

  test('contains looks at the items that fit it and no others', () => {
    const schema = { contains: { type: 'integer' }, unevaluatedItems: { type: 'string' } }
    assert.deepEqual(find(schema, [1, 'a']), [])
    assert.deepEqual(find(schema, [1, null]), ['type /1'])
  })

  test('a member with the name of a method does not disturb equality', () => {
    assert.deepEqual(find({ uniqueItems: true }, [{ valueOf: 1 }, { valueOf: 1 }]), ['uniqueItems '])
    assert.deepEqual(find({ const: { toString: 1 } }, { toString: 1 }), [])
  })
})

describe('what is unevaluated', () => {
  const closed = { unevaluatedProperties: false }
  test('is a member that no schema at the same place looked at, through references and choices', () => {
    const schema = {
      ...closed,
      $ref: '#/$defs/named',
      anyOf: [{ properties: { b: { type: 'string' } } }, { required: ['c'], properties: { c: true } }],
      $defs: { named: { properties: { a: true } } },
    }
    assert.deepEqual(find(schema, { a: 1, b: 'x' }), [])
    assert.deepEqual(find(schema, { a: 1, b: 'x', c: 1 }), [])
    assert.deepEqual(find(schema, { a: 1, d: 1 }), ['unevaluatedProperties /d'])
  })

  test('is what only a case looked at that does not fit', () => {
    const schema = { ...closed, anyOf: [{ properties: { a: { type: 'string' } } }, { required: ['b'] }, true] }
    assert.deepEqual(find(schema, { a: 1 }), ['unevaluatedProperties /a'])
  })

  test('is not what a condition looked at, if it holds', () => {
    const schema = parseStoredJson(
      '{"if": {"properties": {"a": {"const": 1}}, "required": ["a"]}, "then": {"properties": {"b": true}}, "unevaluatedProperties": false}',
    )
    assert.deepEqual(find(schema, { a: 1, b: 1 }), [])
    assert.deepEqual(find(schema, { b: 1 }), ['unevaluatedProperties /b'])
    assert.deepEqual(find(schema, { a: 2 }), ['unevaluatedProperties /a'])
  })

  test('is not what lies deeper, nor what another such keyword took', () => {
    const inner = { properties: { a: { properties: { deep: true } } }, unevaluatedProperties: { type: 'integer' } }
    assert.deepEqual(find({ ...closed, allOf: [inner] }, { a: { deep: 1 }, b: 1 }), [])
    assert.deepEqual(find({ ...closed, properties: { a: { properties: { deep: true } } } }, { deep: 1 }), [
      'unevaluatedProperties /deep',
    ])
  })
})

test('formats, patterns and lengths are those of the standard definitions', () => {
  assert.deepEqual(find({ format: 'date-time' }, 'yesterday'), ['format '])
  assert.deepEqual(find({ format: 'iban' }, 'anything'), [])
  assert.deepEqual(find({ pattern: '^.$', minLength: 1, maxLength: 1 }, '😀'), [])
  assert.deepEqual(find({ minLength: 3 }, '😀😀'), ['minLength '])
  assert.deepEqual(find({ maxLength: 2 }, '😀😀a'), ['maxLength '])
  assert.throws(() => compileCustomSchema({ pattern: 'a(?=b)' }))
})

test('own members only: what a prototype has is neither there nor named', () => {
  assert.deepEqual(find({ required: ['toString', '__proto__'] }, {}), ['required /toString', 'required /__proto__'])
  assert.deepEqual(find({ properties: { constructor: { type: 'string' } } }, {}), [])
  const schema = parseStoredJson('{"properties": {"__proto__": {"type": "string"}}, "additionalProperties": false}')
  assert.deepEqual(find(schema, parseStoredJson('{"__proto__": 1}')), ['type /__proto__'])
})

test('faults are all listed with their places, up to 50, also of a large payload', () => {
  const payload = Array.from({ length: 40_000 }, (_, index) => (index % 2 === 0 ? 'fits' : index))
  const faults = find({ items: { type: 'string' } }, payload)
  assert.equal(faults.length, 50)
  assert.equal(faults[49], 'type /99')
})

describe('the worst payload under the worst schema takes a moment:', () => {
  const PAYLOAD_BYTES = 262_144
  /** Measured 20 to 110 ms on two cores of 2020 with others at work; a machine under test may be slow. */
  const LIMIT_MS = 1_500

  const listOf = (item: string): unknown =>
    JSON.parse(`[${Array.from({ length: Math.floor(PAYLOAD_BYTES / (item.length + 1)) - 1 }, () => item).join()}]`)
  const times = (count: number, make: (index: number) => unknown) =>
    Array.from({ length: count }, (_, index) => make(index))
  const named = (count: number, make: (index: number) => unknown) =>
    Object.fromEntries(times(count, make).map((one, index) => [`p${index}`, one]))
  const wide = Object.fromEntries(times(40_000, () => 1).map((one, index) => [index.toString(36), one]))
  const long = 'ab'.repeat(PAYLOAD_BYTES / 2 - 8)
  let seed = 1
  const mixed = Array.from(
    { length: 20_000 },
    () => 'abcdefgh'[(seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) >>> 29],
  ).join('')

  const cases: Record<string, [schema: unknown, payload: unknown]> = {
    'very many checks of very many items': [{ items: { allOf: times(480, () => ({ maximum: 5 })) } }, listOf('1')],
    'very many cases, none of which fits': [
      { items: { anyOf: [...times(480, (n) => ({ const: n + 9 })), true] } },
      listOf('1'),
    ],
    'exactly one of very many cases': [
      { items: { oneOf: [...times(480, (n) => ({ const: n + 9 })), true] } },
      listOf('1'),
    ],
    'very many items that very many contain': [
      { allOf: times(400, () => ({ contains: { const: 2 }, minContains: 0, maxContains: 9 })) },
      listOf('1'),
    ],
    'very many items that none contains, listed below many cases': [
      (() => {
        let inner: object = { allOf: times(440, () => ({ contains: false, minContains: 0 })), maxItems: 1 }
        for (let depth = 0; depth < 12; depth++) inner = { anyOf: [inner] }
        return { properties: { a: inner } }
      })(),
      { a: listOf('0') },
    ],
    'very many items that others looked at': [
      { allOf: times(300, () => ({ contains: true, unevaluatedItems: true })), unevaluatedItems: false },
      listOf('0'),
    ],
    'members that are not there': [{ items: { properties: named(900, () => ({ type: 'integer' })) } }, listOf('{}')],
    'dependent members': [{ items: { dependentRequired: named(900, () => ['x']) } }, listOf('{}')],
    'very many walks over the members': [
      { allOf: times(400, () => ({ additionalProperties: { type: 'integer' } })) },
      wide,
    ],
    'very many counts of the members': [{ allOf: times(480, () => ({ maxProperties: 50_000 })) }, wide],
    names: [{ allOf: times(400, () => ({ propertyNames: { maxLength: 9 } })) }, wide],
    'patterns of names': [
      { patternProperties: Object.fromEntries(times(100, () => true).map((one, n) => [`^.{${n}}`, one])) },
      wide,
    ],
    'one long text of a hundred patterns': [{ allOf: times(100, (n) => ({ pattern: `^[a-z]+.{${n}}$` })) }, long],
    'patterns made to defeat RE2': [{ allOf: times(20, (n) => ({ pattern: `[ab].{${n + 30}}[z]` })) }, `z${mixed}`],
    'more patterns made to defeat RE2': [{ allOf: times(99, (n) => ({ pattern: `a.{${n}}x?$` })) }, mixed],
    'lengths of one long text': [{ allOf: times(480, () => ({ maxLength: 260_000 })) }, '😀é'.repeat(40_000)],
    'a list of objects that must differ': [
      { allOf: times(480, () => ({ uniqueItems: true })) },
      times(20_000, (n) => ({ a: n })),
    ],
    'equality with large objects': [{ allOf: times(400, (n) => ({ not: { const: { a: n } } })) }, wide],
    'equality deep down': [
      { allOf: times(400, (n) => ({ not: { const: { a: n } } })) },
      JSON.parse(`${'['.repeat(60)}"${'\\n'.repeat(100_000)}"${']'.repeat(60)}`),
    ],
    'what is unevaluated of very many members': [
      { anyOf: times(400, () => ({ additionalProperties: { type: 'integer' } })), unevaluatedProperties: false },
      wide,
    ],
    'a fault at the end': [
      { items: { allOf: times(20, () => ({ type: 'integer' })) } },
      [...times(120_000, () => 1), 'x'],
    ],
  }
  for (const [name, [schema, payload]] of Object.entries(cases)) {
    test(name, () => {
      assert.deepEqual(checkSchemaLimits(schema), [])
      const validate = compileCustomSchema(schema)
      const startedAt = performance.now()
      const verdict = verdictOf(() => validate(payload, allowanceOfRequest(0)))
      const tookMs = performance.now() - startedAt
      assert.ok(tookMs < LIMIT_MS, `${tookMs} ms`)
      // Refused or taken, and with an answer either way.
      for (const code of verdict)
        assert.ok([NOT_JUDGED, 'too_busy', 'type', 'maxItems', 'anyOf', 'pattern'].includes(code), code)
    })
  }

  test('a long text is judged by a large pattern, of which no text is long', () => {
    const large = { pattern: '^(?:[a-z ]{1,200}\\.?)*$' }
    assert.deepEqual(find(large, 'a'.repeat(10_000)), [])
    assert.deepEqual(find({ pattern: '^[\\p{L} ]{0,900}$|^$' }, 'ß'.repeat(900)), [])
    assert.deepEqual(find({ pattern: '^[A-Za-z0-9+/]*={0,2}$' }, 'QUJD'.repeat(60_000)), [])
  })

  test('a usual large payload is far from the bound', () => {
    const item = {
      type: 'object',
      required: ['sku', 'hash'],
      properties: {
        sku: { type: 'string', maxLength: 64 },
        hash: { type: 'string', pattern: '^[0-9a-f]{64}$' },
        at: { format: 'date-time' },
      },
    }
    const line = { sku: 'abc', hash: '0123456789abcdef'.repeat(4), at: '2026-03-01T09:30:00Z', note: null }
    assert.deepEqual(
      find(
        { type: 'object', properties: { lines: { type: 'array', items: item } } },
        { lines: times(1_800, () => line) },
      ),
      [],
    )
  })
})
