import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readDefinitionDocument, readDefinitionValue } from './read-definition-document.ts'

const json = (schema: unknown, more: object = {}) => ({
  post: { requestBody: { content: { 'application/json': { schema } } }, responses: {}, ...more },
})

const openApi = (webhooks: object, components: object = {}, version = '3.1.0') => ({
  openapi: version,
  info: { title: 'Shop', version: '1' },
  [version.startsWith('3.0') ? 'x-webhooks' : 'webhooks']: webhooks,
  components,
})

const codes = (faults: readonly { readonly pointer: string; readonly code: string }[]) =>
  faults.map(({ pointer, code }) => `${pointer} ${code}`)

describe('OpenAPI 3.1', () => {
  test('a webhook is a definition with its words, its tags, its examples and its schema', () => {
    const read = readDefinitionDocument(`
openapi: 3.1.0
info: { title: Pets, version: '1' }
webhooks:
  petAdopted:
    post:
      summary: A pet was adopted
      description: Fires once the papers are signed.
      tags: [Pets, After Care]
      requestBody:
        content:
          application/json:
            schema: { $ref: '#/components/schemas/Pet' }
            examples:
              dog: { value: { id: 1, name: Rex } }
              cat: { $ref: '#/components/examples/cat' }
components:
  examples:
    cat: { value: { id: 2, name: Tom } }
  schemas:
    Pet:
      type: object
      required: [id]
      properties:
        id: { $ref: '#/components/schemas/Id' }
        name: { type: string }
        parents: { type: array, items: { $ref: '#/components/schemas/Pet' } }
    Id: { type: integer, minimum: 1 }
`)
    assert.deepEqual(read, {
      format: 'openapi',
      definitions: [
        {
          eventName: 'pet.adopted',
          pointer: '/webhooks/petAdopted',
          title: 'A pet was adopted',
          description: 'Fires once the papers are signed.',
          tags: ['pets', 'after-care'],
          schema: {
            type: 'object',
            required: ['id'],
            properties: {
              id: { $ref: '#/$defs/Id' },
              name: { type: 'string' },
              parents: { type: 'array', items: { $ref: '#' } },
            },
            $defs: { Id: { type: 'integer', minimum: 1 } },
          },
          examples: [
            { id: 1, name: 'Rex' },
            { id: 2, name: 'Tom' },
          ],
        },
      ],
      faults: [],
      warnings: [],
    })
  })

  test('the envelope of a webhook is taken off, also one that is put together with allOf', () => {
    const envelope = {
      type: 'object',
      required: ['type', 'timestamp', 'data'],
      properties: {
        type: { type: 'string' },
        timestamp: { type: 'string', format: 'date-time' },
        data: { type: 'object' },
      },
    }
    const order = { allOf: [{ $ref: '#/components/schemas/Envelope' }, { properties: { data: { required: ['id'] } } }] }
    const example = { type: 'order.paid', timestamp: '2026-03-01T00:00:00Z', data: { id: 7 } }
    const paid = json(order)
    Object.assign(paid.post.requestBody.content['application/json'], { example })
    const { definitions, faults, warnings } = readDefinitionValue(
      openApi({ 'order.paid': paid }, { schemas: { Envelope: envelope } }),
    )
    assert.deepEqual(faults, [])
    assert.deepEqual(definitions[0]?.schema, { allOf: [{ type: 'object' }, { required: ['id'] }] })
    assert.deepEqual(definitions[0]?.examples, [{ id: 7 }])
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['envelope_unwrapped'],
    )
  })

  test('a body that says more than an envelope is kept whole, with a warning', () => {
    const properties = { type: true, timestamp: true, data: true, tenant: true }
    const { definitions, warnings } = readDefinitionValue(openApi({ a: json({ type: 'object', properties }) }))
    assert.deepEqual(definitions[0]?.schema, { type: 'object', properties })
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['envelope_kept'],
    )
  })

  test('two webhooks that come to one event name are a fault and never merged', () => {
    const { definitions, faults } = readDefinitionValue(openApi({ orderPaid: json(true), 'order/paid': json(false) }))
    assert.deepEqual(codes(faults), ['/webhooks/order~1paid name_collision'])
    assert.deepEqual(
      definitions.map(({ schema }) => schema),
      [true],
    )
  })

  test('a name that cannot become an event name is a fault, and x-event-name gives another', () => {
    const { definitions, faults } = readDefinitionValue(
      openApi({
        Größe: json(true),
        '***': json(true, { 'x-event-name': 'stars.shown' }),
        b: json(true, { 'x-event-name': 'No Name' }),
        c: json(true, { 'x-event-name': 7 }),
        d: json(true, { 'x-event-name': 'daybook.key.created' }),
      }),
    )
    assert.deepEqual(codes(faults), [
      '/webhooks/Größe invalid_event_name',
      '/webhooks/b invalid_event_name',
      '/webhooks/c/x-event-name invalid_event_name',
      '/webhooks/d reserved_event_name',
    ])
    assert.deepEqual(
      definitions.map(({ eventName }) => eventName),
      ['stars.shown'],
    )
  })

  test('references that lead out, nowhere, in a circle or to anchors are faults at their place', () => {
    const { definitions, faults } = readDefinitionValue(
      openApi(
        {
          a: json({ $ref: 'https://example.com/order.json' }),
          b: json({ properties: { x: { $ref: './x.yaml#/x' } } }),
          c: json({ $ref: '#/components/schemas/Missing' }),
          d: json({ $ref: '#/components/schemas/Ring' }),
          e: json({ items: { $ref: '#order' } }),
          f: { $ref: 'file:///etc/passwd' },
          g: json({ $id: 'https://example.com/g', items: { $ref: '#/components/schemas/Ring' } }),
          h: json({ $dynamicRef: '#node' }),
        },
        { schemas: { Ring: { $ref: '#/components/schemas/Ring' } } },
      ),
    )
    const at = (name: string) => `/webhooks/${name}/post/requestBody/content/application~1json/schema`
    assert.deepEqual(codes(faults), [
      `${at('a')}/$ref remote_reference`,
      `${at('b')}/properties/x/$ref remote_reference`,
      `${at('c')}/$ref unresolved_reference`,
      `${at('d')}/$ref circular_reference`,
      `${at('e')}/items/$ref unsupported_reference`,
      '/webhooks/f/$ref remote_reference',
      `${at('g')}/items/$ref unsupported_reference`,
      `${at('h')}/$dynamicRef unsupported_reference`,
    ])
    assert.deepEqual(definitions, [])
  })

  test('what has no JSON body, or several operations with one, is a fault', () => {
    const xml = { post: { requestBody: { content: { 'application/xml': { schema: {} } } } } }
    const two = { ...json(true), put: json(true).post }
    const { faults } = readDefinitionValue(openApi({ a: { get: {} }, b: xml, c: two }))
    assert.deepEqual(codes(faults), [
      '/webhooks/a no_payload',
      '/webhooks/b/post/requestBody no_payload',
      '/webhooks/c several_operations',
    ])
  })

  test('callbacks are events only when asked for, and one that several operations share is one event', () => {
    const paths = {
      '/orders': { post: { callbacks: { onPaid: { $ref: '#/components/callbacks/onPaid' } } } },
      '/carts': { post: { callbacks: { onPaid: { $ref: '#/components/callbacks/onPaid' } } } },
    }
    const components = { callbacks: { onPaid: { '{$request.body#/url}': json({ type: 'object' }) } } }
    const document = { ...openApi({}, components), paths }
    assert.deepEqual(codes(readDefinitionValue(document).faults), [' nothing_to_import'])
    const { definitions, faults } = readDefinitionValue(document, { callbacks: true })
    assert.deepEqual(faults, [])
    assert.deepEqual(
      definitions.map(({ eventName }) => eventName),
      ['on.paid'],
    )
  })

  test('what is no OpenAPI that is known is refused', () => {
    assert.deepEqual(codes(readDefinitionValue({ swagger: '2.0', paths: {} }).faults), ['/openapi unsupported_version'])
    assert.deepEqual(codes(readDefinitionValue({ openapi: '4.0.0' }).faults), ['/openapi unsupported_version'])
    const foreign = { ...openApi({ a: json(true) }), jsonSchemaDialect: 'https://example.com/dialect' }
    assert.deepEqual(codes(readDefinitionValue(foreign).faults), ['/jsonSchemaDialect unsupported_dialect'])
  })
})

describe('OpenAPI 3.0', () => {
  test('its dialect becomes JSON Schema 2020-12', () => {
    const schema = {
      type: 'object',
      properties: {
        note: { type: 'string', nullable: true, example: 'hi', readOnly: true },
        price: { type: 'number', minimum: 0, exclusiveMinimum: true, maximum: 9, exclusiveMaximum: false },
        kind: { $ref: '#/components/schemas/Kind', maxLength: 3, description: 'Which' },
      },
      additionalProperties: { $ref: '#/components/schemas/Kind' },
      discriminator: { propertyName: 'kind' },
    }
    const { definitions, faults, warnings } = readDefinitionValue(
      openApi({ a: json(schema) }, { schemas: { Kind: { type: 'string', enum: ['a'], nullable: true } } }, '3.0.3'),
    )
    assert.deepEqual(faults, [])
    assert.deepEqual(definitions[0]?.schema, {
      type: 'object',
      properties: {
        note: { type: ['string', 'null'], examples: ['hi'], readOnly: true },
        price: { exclusiveMinimum: 0, type: 'number', maximum: 9 },
        kind: { $ref: '#/$defs/Kind', description: 'Which' },
      },
      additionalProperties: { $ref: '#/$defs/Kind' },
      discriminator: { propertyName: 'kind' },
      $defs: { Kind: { type: ['string', 'null'], enum: ['a'] } },
    })
    const root = '/x-webhooks/a/post/requestBody/content/application~1json/schema'
    assert.deepEqual(codes(warnings), [
      `${root}/properties/kind/maxLength ignored_beside_ref`,
      '/components/schemas/Kind/nullable nullable_without_effect',
    ])
  })

  test('keywords that its dialect does not have are taken at their word, with a warning', () => {
    const { definitions, warnings } = readDefinitionValue(
      openApi({ a: json({ const: 1, nullable: true }) }, {}, '3.0.0'),
    )
    assert.deepEqual(definitions[0]?.schema, { const: 1 })
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['later_keyword', 'nullable_without_effect'],
    )
  })
})
