import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readDefinitionDocument, readDefinitionValue } from './read-definition-document.ts'

const codes = (faults: readonly { readonly pointer: string; readonly code: string }[]) =>
  faults.map(({ pointer, code }) => `${pointer} ${code}`)

test('messages of AsyncAPI 2 are read once each, whichever channels name them', () => {
  const { format, definitions, faults, warnings } = readDefinitionDocument(`
asyncapi: 2.6.0
info: { title: Street lights, version: 1.0.0 }
channels:
  light/measured:
    publish:
      message: { $ref: '#/components/messages/lightMeasured' }
  light/{id}/dim:
    subscribe:
      message:
        oneOf:
          - { $ref: '#/components/messages/lightMeasured' }
          - name: light.dimmed
            traits: [ { $ref: '#/components/messageTraits/common' } ]
            payload: { type: object, properties: { percentage: { $ref: '#/components/schemas/percentage' } } }
components:
  messages:
    lightMeasured:
      title: Light measured
      summary: Lumens at a time
      tags: [ { name: Lights } ]
      payload:
        type: object
        properties:
          lumens: { type: integer, minimum: 0 }
          pair: { type: array, items: [ { type: string } ], additionalItems: false }
        dependencies: { lumens: [pair], pair: { maxProperties: 3 } }
      examples:
        - payload: { lumens: 3 }
  messageTraits:
    common: { headers: { type: object }, description: With headers }
  schemas:
    percentage: { type: integer, exclusiveMaximum: 101 }
`)
  assert.equal(format, 'asyncapi')
  assert.deepEqual(faults, [])
  assert.deepEqual(codes(warnings), ['/channels/light~1{id}~1dim/subscribe/message/oneOf/1 headers_ignored'])
  assert.deepEqual(definitions, [
    {
      eventName: 'light.measured',
      pointer: '/components/messages/lightMeasured',
      title: 'Light measured',
      description: 'Lumens at a time',
      tags: ['lights'],
      schema: {
        type: 'object',
        properties: {
          lumens: { type: 'integer', minimum: 0 },
          pair: { type: 'array', prefixItems: [{ type: 'string' }], items: false },
        },
        dependentRequired: { lumens: ['pair'] },
        dependentSchemas: { pair: { maxProperties: 3 } },
      },
      examples: [{ lumens: 3 }],
    },
    {
      eventName: 'light.dimmed',
      pointer: '/channels/light~1{id}~1dim/subscribe/message/oneOf/1',
      description: 'With headers',
      schema: {
        type: 'object',
        properties: { percentage: { $ref: '#/$defs/percentage' } },
        $defs: { percentage: { type: 'integer', exclusiveMaximum: 101 } },
      },
    },
  ])
})

test('messages of AsyncAPI 3 are read, with a payload of another dialect of JSON Schema', () => {
  const { definitions, faults } = readDefinitionValue({
    asyncapi: '3.0.0',
    channels: {
      users: {
        address: 'users',
        messages: {
          UserSignedUp: { $ref: '#/components/messages/signedUp' },
          userLeft: {
            payload: {
              schemaFormat: 'application/vnd.oai.openapi;version=3.0.0',
              schema: { type: 'string', nullable: true },
            },
          },
        },
      },
    },
    operations: { onSignUp: { action: 'receive', channel: { $ref: '#/channels/users' } } },
    components: {
      messages: { signedUp: { name: 'UserSignedUp', contentType: 'application/json', payload: { type: 'object' } } },
    },
  })
  assert.deepEqual(faults, [])
  assert.deepEqual(
    definitions.map(({ eventName, schema }) => [eventName, schema]),
    [
      ['user.signed.up', { type: 'object' }],
      ['user.left', { type: ['string', 'null'] }],
    ],
  )
})

test('what is not JSON Schema, not JSON or has no payload is a fault, and the others are still read', () => {
  const { definitions, faults } = readDefinitionValue({
    asyncapi: '3.0.0',
    components: {
      messages: {
        avro: { payload: { schemaFormat: 'application/vnd.apache.avro;version=1.9.0', schema: { type: 'record' } } },
        proto: { contentType: 'application/x-protobuf', payload: { type: 'object' } },
        empty: { name: 'empty' },
        wrong: [],
        good: { payload: { type: 'object' } },
        remote: { $ref: 'https://example.com/messages.json#/remote' },
      },
    },
  })
  assert.deepEqual(codes(faults), [
    '/components/messages/avro/payload unsupported_schema_format',
    '/components/messages/proto unsupported_content_type',
    '/components/messages/empty no_payload',
    '/components/messages/wrong invalid_message',
    '/components/messages/remote/$ref remote_reference',
  ])
  assert.deepEqual(
    definitions.map(({ eventName }) => eventName),
    ['good'],
  )
  const old = readDefinitionValue({
    asyncapi: '2.0.0',
    channels: { a: { publish: { message: { schemaFormat: 'application/vnd.google.protobuf', payload: {} } } } },
  })
  assert.deepEqual(codes(old.faults), ['/channels/a/publish/message/payload unsupported_schema_format'])
  assert.deepEqual(codes(readDefinitionValue({ asyncapi: '1.2.0' }).faults), ['/asyncapi unsupported_version'])
  assert.deepEqual(codes(readDefinitionValue({ asyncapi: '3.0.0' }).faults), [' nothing_to_import'])
})
