import assert from 'node:assert/strict'
import { test } from 'node:test'
import { docText, typeText } from './type-text.ts'

const options = {
  resolve: (reference: string) => {
    if (reference === '#/named') return { name: 'Named' }
    return reference === '#/loop' ? { schema: { type: 'array', items: { $ref: '#/loop' } } } : undefined
  },
}

const types: readonly (readonly [unknown, string])[] = [
  [true, 'unknown'],
  [false, 'never'],
  [{}, 'unknown'],
  [{ type: 'integer', minimum: 3 }, 'number'],
  [{ type: ['string', 'null'] }, 'string | null'],
  [{ const: 'a"b' }, '"a\\"b"'],
  [{ enum: [1, 'x', null, true] }, '1 | "x" | null | true'],
  [{ enum: [{ a: 1 }, 1] }, 'unknown'],
  [{ type: 'string', enum: ['a'] }, '"a"'],
  [{ type: 'array', items: { type: ['string', 'null'] } }, 'readonly (string | null)[]'],
  [{ type: 'array', prefixItems: [{ type: 'string' }] }, 'readonly unknown[]'],
  [{ type: 'object' }, 'Readonly<Record<string, unknown>>'],
  [{ type: 'object', additionalProperties: { type: 'number' } }, 'Readonly<Record<string, number>>'],
  [{ type: 'object', additionalProperties: false }, 'Readonly<Record<string, never>>'],
  [{ anyOf: [{ type: 'string' }, { type: 'string' }, { type: 'null' }] }, 'string | null'],
  [{ anyOf: [{ type: 'string' }, {}] }, 'unknown'],
  [{ allOf: [{ $ref: '#/named' }, { anyOf: [{ type: 'string' }, { type: 'null' }] }] }, 'Named & (string | null)'],
  [{ $ref: '#/named', description: 'x' }, 'Named'],
  [{ $ref: '#/elsewhere' }, 'unknown'],
  [{ $ref: '#/loop' }, 'readonly unknown[]'],
  [{ not: { type: 'string' }, if: {}, pattern: 'a' }, 'unknown'],
  [
    { type: 'object', required: ['a'], properties: { a: { type: 'string' }, 'b-c': {} } },
    '{\n  readonly a: string\n  readonly "b-c"?: unknown\n}',
  ],
]

for (const [schema, text] of types) {
  test(`${JSON.stringify(schema)} is ${JSON.stringify(text)}`, () => {
    assert.equal(typeText(schema, options), text)
  })
}

test('a member that may be absent may be undefined in what is sent', () => {
  const schema = { type: 'object', properties: { a: { type: 'string' } } }
  assert.match(typeText(schema, { ...options, isInput: true }), /readonly a\?: string \| undefined\n/)
  assert.match(typeText(schema, options), /readonly a\?: string\n/)
})

test('no description ends its comment', () => {
  const doc = docText({ description: 'a */ evil()\u2028b', deprecated: true }, '')
  assert.equal(doc, '/**\n * a *\\/ evil()\n * b\n * @deprecated\n */\n')
})
