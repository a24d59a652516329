import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkCustomSchema } from './check-custom-schema.ts'

function find(schema: unknown, examples: readonly unknown[] = []): string[] {
  return checkCustomSchema(schema, examples).map(({ code, pointer }) => `${code} ${pointer}`)
}

test('a schema that is one, and examples that fit, have no faults', () => {
  const schema = {
    type: 'object',
    'x-entity': { type: 'order', id: '/id' },
    properties: { id: { pattern: '^o_', format: 'iban' } },
  }
  assert.deepEqual(find(schema, [{ id: 'o_1' }, {}]), [])
})

test('faults of its form are told of every place', () => {
  const schema = { type: 'text', required: 'a', properties: { 'a/b': { minLength: -1 }, c: [] }, items: [{}] }
  assert.deepEqual(find(schema).toSorted(), [
    'invalid_schema /schema/items',
    'invalid_schema /schema/properties/a~1b/minLength',
    'invalid_schema /schema/properties/c',
    'invalid_schema /schema/required',
    'invalid_schema /schema/type',
  ])
})

test('a message says what is wanted', () => {
  const [fault] = checkCustomSchema({ type: 'text' }, [])
  assert.match(fault?.message ?? '', /Must be one of .*"string"/)
})

test('limits come first: what is beyond them is looked at no further', () => {
  assert.deepEqual(find({ $ref: '#', type: 'text' }), ['recursive_schema /schema/$ref'])
})

test('a pattern that RE2 does not know is told with its place', () => {
  const schema = { properties: { a: { pattern: 'a(?=b)' } }, patternProperties: { '(a/b': {} } }
  assert.deepEqual(find(schema).toSorted(), [
    'invalid_pattern /schema/patternProperties/(a~1b',
    'invalid_pattern /schema/properties/a/pattern',
  ])
})

test('patterns that are too large together are refused', () => {
  const anyOf = Array.from({ length: 20 }, (_, index) => ({ pattern: `^[a-z]{${index + 400}}$` }))
  assert.deepEqual(find({ anyOf }), ['patterns_too_large /schema'])
})

test('wrong annotations are faults', () => {
  assert.deepEqual(find({ 'x-entity': 'order' }), ['invalid_annotation /schema/x-entity'])
})

test('every fault of every example is told', () => {
  const schema = { required: ['a'], properties: { b: { type: 'integer' } } }
  assert.deepEqual(find(schema, [{ a: 1 }, { b: 'x' }, 7]), ['required /examples/1/a', 'type /examples/1/b'])
})
