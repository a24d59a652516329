import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readAnnotations } from './schema-annotations.ts'

function faultsOf(schema: unknown): string[] {
  return readAnnotations(schema).faults.map(({ code, pointer }) => `${code} ${pointer}`)
}

function personalOf(schema: unknown): string[] {
  return readAnnotations(schema).personal.map(({ pointer }) => pointer)
}

const mark = { 'x-personal': true }

test('a schema without annotations has none', () => {
  assert.deepEqual(readAnnotations({ properties: { a: { 'x-personal': false } } }), {
    related: [],
    personal: [],
    faults: [],
  })
})

test('the entity and the related entities are read', () => {
  const schema = {
    'x-entity': { type: 'order', id: '/order_id' },
    'x-related': [
      { type: 'customer', id: '/customer/id' },
      { type: 'call', id: '/calls/0/a~1b' },
    ],
    properties: { order_id: {}, customer: { type: 'object' } },
  }
  assert.deepEqual(readAnnotations(schema), {
    entity: { type: 'order', id: '/order_id' },
    related: [
      { type: 'customer', id: '/customer/id' },
      { type: 'call', id: '/calls/0/a~1b' },
    ],
    personal: [],
    faults: [],
  })
})

describe('a member that is marked', () => {
  test('is told with what its mark says', () => {
    const subject = '/customer_id'
    const schema = {
      properties: {
        customer_id: { type: 'string' },
        email: { 'x-personal': { category: 'contact', purpose: 'billing', subject } },
        name: mark,
      },
    }
    assert.deepEqual(readAnnotations(schema).personal, [
      { pointer: '/email', category: 'contact', purpose: 'billing', subject },
      { pointer: '/name' },
    ])
  })

  test('is told at every place where a payload can have it', () => {
    const person = { properties: { 'first/last': mark } }
    const schema = {
      properties: {
        buyer: { $ref: '#/$defs/person' },
        guests: { items: { $ref: '#/$defs/person' } },
        pair: { prefixItems: [{}, mark] },
      },
      additionalProperties: mark,
      anyOf: [{ properties: { note: mark } }, { patternProperties: { '^x': { properties: { y: mark } } } }],
      dependentSchemas: { a: { properties: { b: mark } } },
      $defs: { person, unused: { properties: { nothing: mark } } },
    }
    assert.deepEqual(personalOf(schema), [
      '/*',
      '/*/y',
      '/b',
      '/buyer/first~1last',
      '/guests/*/first~1last',
      '/note',
      '/pair/1',
    ])
  })

  test('is none where a schema is only excluded, or is data', () => {
    assert.deepEqual(personalOf({ not: { properties: { a: mark } }, const: { properties: { b: mark } } }), [])
  })
})

describe('it is a fault when', () => {
  const cases: Record<string, [schema: unknown, pointers: string[]]> = {
    'the entity is no object of type and id': [{ 'x-entity': 'order' }, ['/x-entity']],
    'the entity has more': [{ 'x-entity': { type: 'a', id: '/a', name: '/b' } }, ['/x-entity']],
    'type and id are wrong': [{ 'x-entity': { type: 'Order', id: 'order_id' } }, ['/x-entity/type', '/x-entity/id']],
    'the id is the whole payload': [{ 'x-entity': { type: 'order', id: '' } }, ['/x-entity/id']],
    'there are too many related': [
      { 'x-related': Array.from({ length: 17 }, () => ({ type: 'a', id: '/a' })) },
      ['/x-related'],
    ],
    'the related are no list': [{ 'x-related': { type: 'a', id: '/a' } }, ['/x-related']],
    'one of the related is wrong': [{ 'x-related': [{ type: 'a', id: '/a' }, { type: 'a' }] }, ['/x-related/1/id']],
    'the id leads to a member that may not be there': [
      { 'x-entity': { type: 'a', id: '/b' }, properties: { a: {} }, additionalProperties: false },
      ['/x-entity/id'],
    ],
    'the id leads there behind a reference': [
      {
        'x-related': [{ type: 'a', id: '/line/none' }],
        properties: { line: { $ref: '#/$defs/line' } },
        $defs: { line: { properties: { id: {} }, additionalProperties: false } },
      },
      ['/x-related/0/id'],
    ],
    'the id leads into a text': [
      { 'x-entity': { type: 'a', id: '/a/b' }, properties: { a: { type: 'string' } } },
      ['/x-entity/id'],
    ],
    'the id leads into a list by a name': [
      { 'x-entity': { type: 'a', id: '/a/b' }, properties: { a: { type: ['array', 'null'] } } },
      ['/x-entity/id'],
    ],
    'the whole payload is marked': [mark, ['/x-personal']],
    'a mark is a text': [{ properties: { a: { 'x-personal': 'yes' } } }, ['/properties/a/x-personal']],
    'a mark says what is not known': [
      { properties: { 'a/b': { 'x-personal': { category: '', kind: 'x', subject: 'id' } } } },
      ['category', 'kind', 'subject'].map((key) => `/properties/a~1b/x-personal/${key}`),
    ],
    'the subject cannot be there': [
      { properties: { a: { 'x-personal': { subject: '/b' } } }, additionalProperties: false },
      ['/properties/a/x-personal/subject'],
    ],
  }
  for (const [name, [schema, pointers]] of Object.entries(cases)) {
    test(name, () =>
      assert.deepEqual(
        faultsOf(schema),
        pointers.map((pointer) => `invalid_annotation ${pointer}`),
      ),
    )
  }

  test('more members are marked than may be', () => {
    const properties = Object.fromEntries(Array.from({ length: 201 }, (_, index) => [`p${index}`, mark]))
    assert.deepEqual(faultsOf({ properties }), ['invalid_annotation '])
  })
})

test('an id may lead to where the schema says nothing, into lists, and by patterns', () => {
  const ids = ['/free/a', '/list/0/id', '/pair/1', '/x-any', '/either']
  const schema = {
    'x-related': ids.map((id) => ({ type: 'a', id })),
    properties: {
      free: {},
      list: { type: 'array', items: { properties: { id: {} }, additionalProperties: false } },
      pair: { prefixItems: [{}, {}], items: false },
      either: { type: ['string', 'integer'] },
    },
    patternProperties: { '^x-': {} },
    additionalProperties: false,
  }
  assert.deepEqual(faultsOf(schema), [])
})
