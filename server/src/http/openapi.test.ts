import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import test from 'node:test'
import { openApiDocument } from './openapi.ts'
import { buildTestApp } from './test-app.ts'

interface Operation {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly description: string
  readonly parameters?: readonly { readonly in: string; readonly name: string }[]
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Readonly<Record<string, unknown>> }>
  >
}

interface Document {
  readonly openapi: string
  readonly tags: readonly { readonly name: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> }
  readonly webhooks: Readonly<
    Record<string, { readonly post: { readonly parameters: readonly { readonly name: string }[] } }>
  >
}

const document: Document = JSON.parse(JSON.stringify(await openApiDocument()))
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
)

test('the committed document is the one that the routes make', async () => {
  const committed = JSON.parse(await readFile(new URL('../../../docs/openapi.json', import.meta.url), 'utf8'))
  assert.deepEqual(document, committed)
})

test('every route is in the document once, but for the portal page', async (t) => {
  const { app } = await buildTestApp(t)
  const printed = app.printRoutes({ commonPrefix: false, includeHooks: false })
  const methods = [...printed.matchAll(/\(([A-Z, ]+)\)/g)].flatMap(([, list = '']) => list.split(', '))
  assert.equal(operations.length, methods.filter((one) => one !== 'HEAD').length - 1)
  const ids = operations.map(({ operation }) => operation.operationId)
  assert.equal(new Set(ids).size, ids.length)
  assert.ok(ids.every((id) => /^[a-z][A-Za-z]+$/.test(id)))
})

test('every operation says its tag, its scope, its path members and its refusals', () => {
  const tags = new Set(document.tags.map(({ name }) => name))
  for (const { path, method, operation } of operations) {
    const where = `${method} ${path}`
    assert.ok(operation.summary && operation.tags.every((tag) => tags.has(tag)), where)
    assert.match(operation.description, /^(Scope: `[a-z]+:[a-z]+`\.|The operator's key only\.|Needs no key\.)/, where)
    const named = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name)
    const described = (operation.parameters ?? []).filter((one) => one.in === 'path').map((one) => one.name)
    assert.deepEqual(described, named, where)
    for (const [status, response] of Object.entries(operation.responses)) {
      assert.notEqual(response.description, 'Default Response', `${where} ${status}`)
      if (Number(status) >= 400) assert.deepEqual(Object.keys(response.content ?? {}), ['application/problem+json'])
    }
    assert.ok('503' in operation.responses && '500' in operation.responses, where)
  }
})

test('every reference leads to a component, and nothing is nullable in the way of 3.0', () => {
  assert.equal(document.openapi, '3.1.0')
  const text = JSON.stringify(document)
  for (const [, name = ''] of text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)) {
    assert.ok(name in document.components.schemas, name)
  }
  assert.equal(text.match(/"\$ref":"(?!#\/components\/schemas\/)/), null)
  assert.ok(!text.includes('"nullable"') && !text.includes('"$id"'))
})

test('the call to subscribers is described with its headers', () => {
  const names = document.webhooks['event']?.post.parameters.map(({ name }) => name)
  assert.deepEqual(names, ['webhook-id', 'webhook-timestamp', 'webhook-signature', 'webhook-replay-id', 'traceparent'])
})

test('a running server hands the document out', async (t) => {
  const { app } = await buildTestApp(t)
  const response = await app.inject({ url: '/api/v1/openapi.json' })
  assert.equal(response.statusCode, 200)
  assert.deepEqual(response.json().paths, document.paths)
})
