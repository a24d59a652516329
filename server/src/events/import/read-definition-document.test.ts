import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { stringify } from 'yaml'
import { anyPayload, anySchema } from '../../../test/support/schema-arbitraries.ts'
import { createSchemaCompiler } from '../compile-schema.ts'
import type { DefinitionDocument } from './imported-definition.ts'
import { readDefinitionDocument, readDefinitionValue } from './read-definition-document.ts'

const codes = ({ faults }: DefinitionDocument) => [...new Set(faults.map(({ code }) => code))]

test('a document is what it says, unless another format is wanted', () => {
  assert.deepEqual(codes(readDefinitionValue({ info: {} })), ['unknown_format'])
  assert.deepEqual(codes(readDefinitionValue([])), ['unknown_format'])
  assert.deepEqual(codes(readDefinitionValue({ openapi: '3.1.0' }, { format: 'asyncapi' })), ['other_format'])
  assert.deepEqual(codes(readDefinitionDocument('event_name: a\nschema: {}', { fileName: 'a.json' })), [
    'malformed_json',
  ])
  assert.deepEqual(readDefinitionDocument('event_name: a\nschema: {}').definitions.length, 1)
  assert.deepEqual(readDefinitionDocument('\uFEFF{"event_name":"a","schema":{}}').definitions.length, 1)
})

/** A test's own way to write definitions as others do: the schema's `$defs` become components. */
function asOpenApi(schemas: readonly unknown[]): unknown {
  const all = schemas.map((schema, index) => asComponents(schema, index))
  return {
    openapi: '3.1.0',
    info: { title: 'Generated', version: '1' },
    webhooks: Object.fromEntries(
      all.map(({ root }, index) => [
        `event${index}`,
        { post: { requestBody: { content: { 'application/json': { schema: root } } } } },
      ]),
    ),
    components: { schemas: Object.assign({}, ...all.map(({ components }) => components)) },
  }
}

function asAsyncApi(schemas: readonly unknown[]): unknown {
  const all = schemas.map((schema, index) => asComponents(schema, index))
  const schemaFormat = 'application/schema+json;version=2020-12'
  return {
    asyncapi: '3.0.0',
    channels: {
      all: {
        messages: Object.fromEntries(
          all.map(({ root }, index) => [`event${index}`, { payload: { schemaFormat, schema: root } }]),
        ),
      },
    },
    components: { schemas: Object.assign({}, ...all.map(({ components }) => components)) },
  }
}

function asComponents(schema: unknown, index: number): { root: unknown; components: Record<string, unknown> } {
  const moved = JSON.stringify(schema).replaceAll('"#/$defs/', `"#/components/schemas/n${index}`)
  const { $defs, ...root } = Object(JSON.parse(moved))
  const components = Object.entries(Object($defs)).map(([name, one]) => [`n${index}${name}`, one] as const)
  return { root: typeof schema === 'boolean' ? schema : root, components: Object.fromEntries(components) }
}

for (const [format, write] of [
  ['OpenAPI', asOpenApi],
  ['AsyncAPI', asAsyncApi],
] as const) {
  test(`what is written as ${format}, in JSON or YAML, is read with the same meaning`, () => {
    const schemas = fc.array(anySchema, { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(
        schemas,
        fc.array(anyPayload, { minLength: 5, maxLength: 20 }),
        fc.boolean(),
        (given, payloads, isYaml) => {
          const document = write(given)
          const text = isYaml ? stringify(document, { aliasDuplicateObjects: false }) : JSON.stringify(document)
          const { definitions, faults } = readDefinitionDocument(text)
          assert.deepEqual(faults, [])
          assert.equal(definitions.length, given.length)
          for (const [index, { eventName, schema }] of definitions.entries()) {
            assert.equal(eventName, `event${index}`)
            const [before, after] = [compiled(given[index]), compiled(schema)]
            for (const payload of payloads) assert.equal(after(payload), before(payload), JSON.stringify(payload))
          }
        },
      ),
      { numRuns: 50 },
    )
  })
}

const compile = createSchemaCompiler()

/** Whether a payload fits; a schema that cannot be compiled fits nothing. */
function compiled(schema: unknown): (payload: unknown) => boolean {
  try {
    const validate = compile(schema)
    return (payload) => validate(payload).length === 0
  } catch {
    return () => false
  }
}

describe('a hostile document is refused within a second', () => {
  const nested = (open: string, close: string, depth: number): string => open.repeat(depth) + close.repeat(depth)
  const bomb = [
    'a: &a [x, x, x, x, x, x, x, x, x, x]',
    ...Array.from({ length: 9 }, (_, index) => {
      const name = String.fromCodePoint(97 + index)
      return `${String.fromCodePoint(98 + index)}: &${String.fromCodePoint(98 + index)} [${Array.from({ length: 10 }, () => `*${name}`).join()}]`
    }),
  ].join('\n')
  const webhook = (schema: unknown, name = 'a') =>
    JSON.stringify({
      openapi: '3.1.0',
      webhooks: { [name]: { post: { requestBody: { content: { 'application/json': { schema } } } } } },
    })
  const wide = Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => [`p${index}`, { $ref: '#/components/schemas/s1' }]),
  )

  const documents: Readonly<Record<string, readonly [text: string, code: string]>> = {
    'aliases that unfold into billions': [bomb, 'document_too_large'],
    'an alias within what it names': ['openapi: &a [*a]', 'circular_reference'],
    'ten megabytes of JSON': [`{"openapi":"${'x'.repeat(10_000_000)}"}`, 'document_too_large'],
    'ten megabytes of YAML': [`openapi: ${'x'.repeat(10_000_000)}`, 'document_too_large'],
    'JSON that is nested deeply': [nested('[', ']', 100_000), 'nesting_too_deep'],
    'YAML that is nested deeply': [`a: ${nested('[', ']', 100_000)}`, 'nesting_too_deep'],
    'YAML that is indented deeply': [`${'- '.repeat(50_000)}a`, 'malformed_yaml'],
    'a schema that is nested deeply': [
      webhook(JSON.parse(`${'{"not":'.repeat(60)}true${'}'.repeat(60)}`)),
      'nesting_too_deep',
    ],
    'a key __proto__ in JSON': ['{"openapi":"3.1.0","__proto__":{"webhooks":{}}}', 'reserved_key'],
    'a key __proto__ in YAML': ['openapi: 3.1.0\n__proto__: {webhooks: {}}', 'reserved_key'],
    'a key __proto__ in a schema': [
      webhook(0).replace('"schema":0', '"schema":{"properties":{"__proto__":true}}'),
      'reserved_key',
    ],
    'a reference to a file': [webhook({ $ref: 'file:///etc/passwd' }), 'remote_reference'],
    'a reference to a URL': [webhook({ $ref: 'http://169.254.169.254/latest' }), 'remote_reference'],
    'a reference to itself': [
      webhook({ $ref: '#/webhooks/a/post/requestBody/content/application~1json/schema' }),
      'circular_reference',
    ],
    'a reference through a prototype': [webhook({ $ref: '#/constructor/prototype' }), 'unresolved_reference'],
    'a reference with a broken escape': [webhook({ $ref: '#/%' }), 'unsupported_reference'],
    'a schema that is far too large': [
      webhook({ enum: Array.from({ length: 300_000 }, (_, n) => n) }),
      'schema_too_large',
    ],
    'a text with U+0000': ['event_name: "a\\0"\nschema: {}', 'unstorable_text'],
    'webhooks without number': [
      `{"openapi":"3.1.0","webhooks":{${Array.from({ length: 200_000 }, (_, n) => `"a${n}":{}`).join()}}}`,
      'too_many_faults',
    ],
    'a large schema that hundreds of webhooks share': [
      JSON.stringify({
        openapi: '3.1.0',
        webhooks: Object.fromEntries(
          Array.from({ length: 400 }, (_, index) => [
            `e${index}`,
            {
              post: {
                requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/s0' } } } },
              },
            },
          ]),
        ),
        components: {
          schemas: { s0: { properties: wide }, s1: { enum: Array.from({ length: 15_000 }, (_, n) => n) } },
        },
      }),
      'schema_too_large',
    ],
  }
  for (const [what, [text, code]] of Object.entries(documents)) {
    test(what, () => {
      const before = process.threadCpuUsage()
      const read = readDefinitionDocument(text)
      const tookMs = process.threadCpuUsage(before).user / 1_000
      assert.ok(codes(read).includes(code), JSON.stringify(read.faults.slice(0, 3)))
      assert.ok(tookMs < 1_000, `${tookMs} ms`)
    })
  }
})

test('text of any kind is read or refused, and never throws', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json(), fc.string({ unit: 'grapheme' })), (text) => {
      const { definitions, faults } = readDefinitionDocument(text)
      assert.ok(definitions.length > 0 || faults.length > 0)
    }),
  )
  const value = fc.jsonValue()
  const documents = fc.oneof(
    fc.record({ openapi: fc.constantFrom('3.1.0', '3.0.3'), webhooks: value, 'x-webhooks': value, components: value }),
    fc.record({
      asyncapi: fc.constantFrom('2.6.0', '3.0.0'),
      channels: value,
      components: fc.record({ messages: value }),
    }),
    fc.record({ definitions: value }),
  )
  fc.assert(
    fc.property(documents, (document) => {
      const { definitions, faults } = readDefinitionValue(document, { callbacks: true })
      assert.ok(definitions.length > 0 || faults.length > 0)
    }),
  )
})
