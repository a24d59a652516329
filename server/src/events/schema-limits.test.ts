import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { loadStandardDefinitions } from './definitions.ts'
import { checkSchemaLimits } from './schema-limits.ts'

/** What is found, as `code pointer`. */
function find(schema: unknown): string[] {
  return checkSchemaLimits(schema).map(({ code, pointer }) => `${code} ${pointer}`)
}

function repeat(count: number, wrap: (inner: unknown, index: number) => unknown, inner: unknown = true): unknown {
  let made = inner
  for (let index = 0; index < count; index++) made = wrap(made, index)
  return made
}

const numbered = (count: number, make: (index: number) => unknown) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, make(index)]))

test('the standard definitions keep the limits', async () => {
  const definitions = await loadStandardDefinitions(join(import.meta.dirname, '../../definitions'))
  for (const name of definitions.names()) assert.deepEqual(find(definitions.get(name)?.schema), [], name)
})

test('what is usual keeps the limits', () => {
  const address = { type: 'object', properties: { street: { type: 'string' }, id: { type: 'string' } } }
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'https://example.com/order.json',
    type: 'object',
    properties: { billing: { $ref: '#/$defs/address' }, shipping: { $ref: '#/$defs/a~1b%20c' } },
    enum: [{ $ref: 'https://example.com', $schema: 'y' }],
    $defs: { address, 'a/b c': address },
  }
  assert.deepEqual(find(schema), [])
})

describe('it is refused when it is', () => {
  const cases: Record<string, [schema: unknown, expected: string[]]> = {
    'no object': [true, ['not_a_schema ']],
    'a list': [[], ['not_a_schema ']],
    'too long': [{ description: 'x'.repeat(65_536) }, ['schema_too_large ']],
    'too long in bytes': [{ description: '€'.repeat(22_000) }, ['schema_too_large ']],
    'too deep': [repeat(33, (inner) => ({ not: inner }), {}), ['schema_too_deep ']],
    'too deep in what is no schema': [{ default: repeat(33, (inner) => [inner]) }, ['schema_too_deep ']],
    'of too many schemas': [{ properties: numbered(1_000, () => true) }, ['too_many_schemas ']],
    'of too many schemas that are only kept': [{ $defs: numbered(1_000, () => true) }, ['too_many_schemas ']],
    'of too many schemas by its references': [
      {
        $ref: '#/$defs/p9',
        $defs: numbered(10, (index) =>
          index === 0 ? {} : { allOf: [1, 2].map(() => ({ $ref: `#/$defs/p${index - 1}` })) },
        ),
      },
      ['too_many_schemas '],
    ],
    'too deep by its references': [
      { $ref: '#/$defs/p40', $defs: numbered(41, (index) => (index === 0 ? {} : { $ref: `#/$defs/p${index - 1}` })) },
      ['schema_too_deep '],
    ],
    'of too many patterns': [
      { properties: numbered(60, () => ({ pattern: '^a' })), patternProperties: numbered(41, () => true) },
      ['too_many_patterns '],
    ],
    'of another dialect': [
      { $schema: 'http://json-schema.org/draft-07/schema#', items: { $schema: 'about:blank' } },
      ['foreign_dialect /$schema', 'foreign_dialect /items/$schema'],
    ],
    'fetched from elsewhere': [
      {
        properties: {
          a: { $ref: 'https://example.com/a.json' },
          b: { $ref: 'file:///etc/passwd' },
          c: { $ref: 'x.json' },
        },
      },
      ['a', 'b', 'c'].map((name) => `foreign_reference /properties/${name}/$ref`),
    ],
    'referring by name': [{ $ref: '#name', $defs: { a: { $anchor: 'name' } } }, ['foreign_reference /$ref']],
    'referring to nothing': [{ not: { $ref: '#/$defs/none' } }, ['unresolvable_reference /not/$ref']],
    'referring to what is no schema': [
      { allOf: [{ $ref: '#/enum/0' }, { $ref: '#/properties' }], enum: [{}], properties: {} },
      ['unresolvable_reference /allOf/0/$ref', 'unresolvable_reference /allOf/1/$ref'],
    ],
    'recursive at once': [{ $ref: '#' }, ['recursive_schema /$ref']],
    'recursive further down': [
      { properties: { children: { items: { $ref: '#' } } } },
      ['recursive_schema /properties/children/items/$ref'],
    ],
    'recursive in what is only kept': [
      { $defs: { a: { $ref: '#/$defs/b' }, b: { items: { $ref: '#/$defs/a' } } } },
      ['recursive_schema /$defs/b/items/$ref'],
    ],
    asynchronous: [{ $async: true }, ['unsupported_keyword /$async']],
    dynamic: [
      { $dynamicRef: '#a', properties: { 'b/c': { $dynamicAnchor: 'a', $recursiveRef: '#', $recursiveAnchor: true } } },
      [
        'unsupported_keyword /$dynamicRef',
        ...['$dynamicAnchor', '$recursiveRef', '$recursiveAnchor'].map(
          (one) => `unsupported_keyword /properties/b~1c/${one}`,
        ),
      ].toSorted(),
    ],
    'made of parts with ids of their own': [
      { items: { $id: 'https://example.com/item' } },
      ['unsupported_keyword /items/$id'],
    ],
    'older than 2019': [{ dependencies: { a: ['b'] } }, ['unsupported_keyword /dependencies']],
  }
  for (const [name, [schema, expected]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(find(schema).toSorted(), expected.toSorted()))
  }
})

test('all faults are found, fifty at most', () => {
  const faults = find({ properties: numbered(80, () => ({ $ref: 'other.json' })) })
  assert.equal(faults.length, 50)
  assert.equal(new Set(faults).size, 50)
})

test('a keyword that is only the name of a member is none', () => {
  const schema = { properties: { $ref: { type: 'string' }, $id: true, $async: true, dependencies: true, id: true } }
  assert.deepEqual(find(schema), [])
})

test('what never was JSON is refused in a moment: circles, and lists shared very often', () => {
  const circle: Record<string, unknown> = {}
  circle['not'] = circle
  const shared = repeat(30, (inner) => [inner, inner, inner, inner], {})
  for (const [schema, code] of [
    [circle, 'schema_too_deep'],
    [{ enum: shared }, 'schema_too_large'],
    [{ allOf: Array.from({ length: 100_000 }, () => ({})) }, 'schema_too_large'],
    [parsedDeep(20_000), 'schema_too_deep'],
  ] as const) {
    const startedAt = performance.now()
    assert.equal(checkSchemaLimits(schema)[0]?.code, code)
    assert.ok(performance.now() - startedAt < 1_000)
  }
})

function parsedDeep(depth: number): unknown {
  return { default: JSON.parse('['.repeat(depth) + ']'.repeat(depth)) }
}
