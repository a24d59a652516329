import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { DefinitionImport } from '../../src/contract/definition-import.ts'
import { asCompany } from '../../src/db/transaction.ts'
import { newEventName } from '../support/made-things.ts'
import type { RouteAnswer } from '../support/route-test.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'
import { sql } from '../support/sql.ts'

const api = await startRouteTest()
const path = '/events/schemas/import'

const object = (properties: Readonly<Record<string, unknown>> = {}) => ({ type: 'object', properties })

const openApi = (schemas: Readonly<Record<string, unknown>>) => ({
  openapi: '3.1.0',
  info: { title: 'Shop', version: '1' },
  webhooks: Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [
      name,
      { post: { summary: 'Of a shop', requestBody: { content: { 'application/json': { schema } } } } },
    ]),
  ),
})

async function importDocument(
  document: unknown,
  more: object = {},
): Promise<RouteAnswer & { readonly answer: DefinitionImport }> {
  const answer = await api.request('POST', path, { document, ...more })
  return { ...answer, answer: JSON.parse(answer.text) as DefinitionImport }
}

const outcomes = ({ definitions }: DefinitionImport) =>
  definitions.map(({ event_name, outcome, version }) => [event_name, outcome, version])

const statusOf = async (eventName: string): Promise<number> =>
  (await api.request('GET', `/events/schemas/${eventName}`)).status

const apply = { dry_run: false, status: 'active' }

describe('POST /events/schemas/import', () => {
  describe('200', () => {
    test('a trial tells what would be done and writes nothing', async () => {
      const [one, two] = [newEventName(), newEventName()]
      const { status, answer } = await importDocument(openApi({ [one]: object(), [two]: object() }))
      assert.equal(status, 200)
      assert.deepEqual([answer.format, answer.dry_run], ['openapi', true])
      assert.deepEqual(outcomes(answer), [
        [one, 'create', null],
        [two, 'create', null],
      ])
      assert.deepEqual([await statusOf(one), await statusOf(two)], [404, 404])
    })

    test('with dry_run false all is written, in force at once when it is active, and the second time unchanged', async () => {
      const [one, two] = [newEventName(), newEventName()]
      const document = openApi({ [one]: { ...object({ n: { type: 'integer' } }), required: ['n'] }, [two]: object() })
      const first = await importDocument(document, apply)
      assert.deepEqual(outcomes(first.answer), [
        [one, 'create', 1],
        [two, 'create', 1],
      ])
      const { body } = await api.request('GET', `/events/schemas/${one}`)
      assert.partialDeepStrictEqual(body, { status: 'active', title: 'Of a shop', compatibility: 'full_transitive' })
      assert.equal((await api.request('POST', '/events', { event_name: one, payload: { n: 1 } })).status, 201)
      const wrong = await api.request('POST', '/events', { event_name: one, payload: {} })
      assert.deepEqual(refusalOf(wrong), [422, 'schema_violation', '/payload/n'])
      const again = await importDocument(document, apply)
      assert.deepEqual(outcomes(again.answer), [
        [one, 'unchanged', 1],
        [two, 'unchanged', 1],
      ])
    })

    test('a compatible change is a new version, and another title an update', async () => {
      const name = newEventName()
      const definition = { event_name: name, schema: object(), compatibility: 'backward' }
      await importDocument(definition, apply)
      const titled = await importDocument({ ...definition, title: 'Thing' }, apply)
      assert.deepEqual(outcomes(titled.answer), [[name, 'update', 1]])
      const wider = await importDocument({ ...definition, schema: { type: ['object', 'null'] } }, apply)
      assert.deepEqual(outcomes(wider.answer), [[name, 'new_version', 2]])
    })

    test('status is for what is new and for drafts, and takes nothing out of force', async () => {
      const name = newEventName()
      const definition = { event_name: name, schema: object() }
      const state = async () => (await api.request('GET', `/events/schemas/${name}`)).body['status']
      await importDocument(definition, { dry_run: false })
      assert.equal(await state(), 'draft')
      const { answer } = await importDocument(definition, apply)
      assert.deepEqual([outcomes(answer), await state()], [[[name, 'update', 1]], 'active'])
      await importDocument(definition, { dry_run: false, status: 'draft' })
      assert.equal(await state(), 'active')
    })

    test('a trial tells of each definition why it would be refused, and of the document what cannot be imported', async () => {
      const [name, other] = [newEventName(), newEventName()]
      await importDocument({ event_name: name, schema: object({ n: { type: 'integer' } }) }, apply)
      const { answer } = await importDocument({
        ...openApi({
          [name]: { type: 'array' },
          'appointment.created': object(),
          [other]: { type: 'object', properties: { a: { type: 'strange' } } },
          remote: { $ref: 'https://example.com/schema.json' },
        }),
      })
      assert.deepEqual(
        answer.definitions.map(({ event_name, outcome, code }) => [event_name, outcome, code]),
        [
          [name, 'refused', 'incompatible_schema'],
          ['appointment.created', 'refused', 'standard_definition'],
          [other, 'refused', 'invalid_definition'],
        ],
      )
      assert.ok(answer.definitions[0]?.errors.some(({ pointer }) => pointer.startsWith('/type')))
      assert.ok(answer.definitions[2]?.errors.some(({ pointer }) => pointer.startsWith('/schema/properties/a')))
      assert.deepEqual(
        answer.errors.map(({ code }) => code),
        ['remote_reference'],
      )
    })

    test('what breaks older versions is imported when compatibility is none', async () => {
      const name = newEventName()
      await importDocument({ event_name: name, schema: object() }, apply)
      const { answer } = await importDocument(
        { event_name: name, schema: { type: 'array' } },
        { ...apply, compatibility: 'none' },
      )
      assert.deepEqual(outcomes(answer), [[name, 'new_version', 2]])
    })

    test('what a company has is unchanged when it is imported as the interface gives it', async () => {
      const name = newEventName()
      const text = `event_name: ${name}\ntitle: Thing\nschema:\n  type: object\n  x-entity: {type: thing, id: /id}\nexamples: [{id: a}]\n`
      await importDocument(text, apply)
      const { body } = await api.request('GET', `/events/schemas/${name}`)
      const { event_name, version, status, compatibility, title, tags, schema, examples } = body
      const form = { event_name, version, status, compatibility, title, tags, schema, examples }
      const { answer } = await importDocument({ definitions: [form] }, { dry_run: false })
      assert.deepEqual(outcomes(answer), [[name, 'unchanged', 1]])
    })

    test('each change is an event of the administration', async () => {
      const name = newEventName()
      await importDocument({ event_name: name, schema: object() }, apply)
      await importDocument({ event_name: name, schema: { ...object(), description: 'New' } }, apply)
      await api.node.route()
      const query = { entity_type: 'definition', entity_id: name }
      const { body } = await api.request('GET', '/events', undefined, { query })
      const rows = body['data'] as readonly { readonly event_name: string }[]
      assert.deepEqual(
        rows.map(({ event_name }) => event_name),
        ['daybook.definition.version_added', 'daybook.definition.created'],
      )
    })
  })

  describe('400', () => {
    for (const [what, body, pointer] of [
      ['no document', {}, '/document'],
      ['a document that is a list', { document: [] }, '/document'],
      ['another status', { document: '', status: 'archived' }, '/status'],
      ['another format', { document: '', format: 'raml' }, '/format'],
      ['another member', { document: '', force: true }, '/force'],
    ] as const) {
      test(`${what} is refused`, async () => {
        assert.deepEqual(refusalOf(await api.request('POST', path, body)), [400, 'invalid_request', pointer])
      })
    }
  })

  describe('409', () => {
    test('nothing is written when it would be more definitions than a company may have', async () => {
      const { id, key } = await api.newCompany('Full')
      await asCompany(api.database.pools.api, id, async (db) => {
        await sql(
          db,
          `insert into custom_events (company_id, event_name, status, compatibility, title, description, tags, first_version, latest_version, revision)
           select $1, 'full.n' || n, 'draft', 'none', 'n', '', '{}', 1, 1, 1 from generate_series(1, 1999) n`,
          [id],
        )
      })
      const document = openApi({ 'full.two.thousand': object(), 'full.one.more': object() })
      const answer = await api.request('POST', path, { document, ...apply }, { key })
      assert.deepEqual(refusalOf(answer), [409, 'definition_limit'])
      const lookedUp = await api.request('GET', '/events/schemas/full.two.thousand', undefined, { key })
      assert.equal(lookedUp.status, 404)
    })
  })

  describe('413', () => {
    test('a body of more than 8 MiB is refused', async () => {
      const answer = await api.request('POST', path, { document: 'x'.repeat(8 * 1_048_576) })
      assert.deepEqual(refusalOf(answer), [413, 'body_too_large'])
    })
  })

  describe('415', () => {
    test('YAML is sent as a text in JSON', async () => {
      const answer = await api.request('POST', path, 'openapi: 3.1.0', { contentType: 'application/yaml' })
      assert.deepEqual(refusalOf(answer), [415, 'unsupported_media_type'])
    })
  })

  describe('422', () => {
    for (const [what, document] of [
      ['is no YAML', 'a: "'],
      ['is of no known format', { info: {} }],
      ['is too large', `openapi: ${'x'.repeat(2_200_000)}`],
      [
        'unfolds into billions of values',
        `a: &a [x]\n${Array.from({ length: 9 }, (_, n) => `b${n}: &b${n} [${Array.from({ length: 9 }, () => (n === 0 ? '*a' : `*b${n - 1}`)).join()}]`).join('\n')}`,
      ],
    ] as const) {
      test(`a document that ${what} is refused`, async () => {
        assert.deepEqual(refusalOf(await api.request('POST', path, { document })), [
          422,
          'invalid_document',
          '/document',
        ])
      })
    }

    test('nothing is written when one definition is refused', async () => {
      const name = newEventName()
      const document = openApi({ [name]: object(), 'appointment.created': object() })
      const answer = await api.request('POST', path, { document, ...apply })
      assert.deepEqual(refusalOf(answer), [422, 'import_refused', '/document/webhooks/appointment.created'])
      assert.equal(await statusOf(name), 404)
    })

    test('everything that stands against a definition is told: its place in the document, and the place in it', async () => {
      const name = newEventName()
      const schema = { type: 'object', properties: { a: { type: 'strange' }, b: { minimum: 'x' } } }
      const { status, body } = await importDocument({ definitions: [{ event_name: name, schema }] }, apply)
      assert.equal(status, 422)
      const errors = body['errors'] as readonly {
        readonly pointer: string
        readonly code: string
        readonly message: string
      }[]
      assert.deepEqual(
        errors.map(({ pointer, code, message }) => [pointer, code, message.split(':')[0]]),
        ['a/type', 'b/minimum'].map((at) => [
          '/document/definitions/0',
          'invalid_schema',
          `${name}, /schema/properties/${at}`,
        ]),
      )
    })

    test('a schema that is too large is told before it is looked at', async () => {
      const schema = { description: 'x'.repeat(65_536) }
      const { answer } = await importDocument({ definitions: [{ event_name: newEventName(), schema }] })
      assert.deepEqual(
        answer.errors.map(({ pointer, code }) => [pointer, code]),
        [['/definitions/0/schema', 'schema_too_large']],
      )
    })

    test('nothing is written when a part of the document cannot be imported', async () => {
      const name = newEventName()
      const document = { ...openApi({ [name]: object() }), 'x-webhooks': { other: {} } }
      const answer = await api.request('POST', path, { document, ...apply })
      assert.deepEqual(refusalOf(answer), [422, 'import_refused', '/document/x-webhooks/other'])
      assert.equal(await statusOf(name), 404)
    })
  })
})
