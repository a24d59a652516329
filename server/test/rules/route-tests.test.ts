import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openApiDocument } from '../../src/http/openapi.ts'
import type { Operation } from '../support/api-document.ts'
import { ApiDocument } from '../support/api-document.ts'

/**
 * Every operation of the OpenAPI document has a file `test/routes/<operationId>.test.ts`, and in it a group of tests for
 * each status that the document lists. The statuses below are the same for all; `routes/every-operation.test.ts` asks every
 * operation for them, the tests in `src/http` see to 429, 500 and 503.
 */
const common: ReadonlySet<number> = new Set([401, 403, 413, 415, 429, 500, 503])

const folder = fileURLToPath(new URL('../routes/', import.meta.url))
const filesById = new Map(
  globSync('*.test.ts', { cwd: folder }).map((file) => [
    basename(file, '.test.ts'),
    readFileSync(folder + file, 'utf8'),
  ]),
)

/** A route that asks for no body refuses one that is no JSON, as all such do. */
function isCommon(status: number, { method, bodies }: Operation): boolean {
  return common.has(status) || (status === 400 && bodies.size === 0 && method !== 'GET')
}

/** What the file of an operation lacks. */
function faultsOfFile(operation: Operation, text: string | undefined): readonly string[] {
  const { operationId, method, path, statuses } = operation
  if (text === undefined) return [`${operationId} has no file`]
  const title = `${method} ${path.replace(/^\/api\/v1(?=\/)/, '')}`
  const groups = groupsOf(text)
  const lacking = statuses.filter((status) => !isCommon(status, operation) && !groups.has(status))
  const strange = [...groups].filter((status) => !statuses.includes(status))
  return [
    ...(titlesOf(text).includes(title) ? [] : [`${operationId} is not described as ${title}`]),
    ...lacking.map((status) => `${operationId} has no test of ${status}`),
    ...strange.map((status) => `${operationId} tests ${status}, which the document does not list`),
  ]
}

function titlesOf(text: string): readonly string[] {
  const titles = [...text.matchAll(/\b(?:describe|suite)\(\s*['"`]([^'"`]+)['"`]/g)].map(([, title = '']) => title)
  return titles.map((title) => title.replace(/\/api\/v1(?=\/)/, '').replaceAll(/:(\w+)/g, '{$1}'))
}

/** Statuses that a group is named after, if a test stands between it and the next group. */
function groupsOf(text: string): ReadonlySet<number> {
  const [, ...parts] = text.split(/\b(?:describe|suite)\(\s*/)
  const tested = parts.filter((part) => /\b(?:test|it)\(/.test(part))
  return new Set(tested.flatMap((part) => /^['"`](\d{3})['"`]/.exec(part)?.[1] ?? []).map(Number))
}

const document = new ApiDocument(JSON.parse(JSON.stringify(await openApiDocument())))

for (const operation of document.operations) {
  test(`${operation.operationId} has tests for each of its statuses`, () => {
    assert.deepEqual(faultsOfFile(operation, filesById.get(operation.operationId)), [])
  })
}

test('every file is about an operation of the document, but for what is about all', () => {
  const ids = new Set(document.operations.map(({ operationId }) => operationId))
  const others = [...filesById.keys()].filter((name) => !ids.has(name))
  assert.deepEqual(others, ['every-operation'])
})

test('a file that is missing, lacks a group, has an empty one or a strange one is seen', () => {
  const operation = document.get('getEvent')
  const file = (...groups: readonly string[]): string => `describe('GET /events/{id}', () => {${groups.join('\n')}})`
  const group = (status: number, inner = `test('is kept', () => {})`): string =>
    `describe('${status}', () => {${inner}})`
  assert.deepEqual(faultsOfFile(operation, file(group(200), group(404))), [])
  assert.deepEqual(faultsOfFile(operation, undefined), ['getEvent has no file'])
  assert.deepEqual(faultsOfFile(operation, file(group(200))), ['getEvent has no test of 404'])
  assert.deepEqual(faultsOfFile(operation, file(group(200, ''), group(404))), ['getEvent has no test of 200'])
  assert.deepEqual(faultsOfFile(operation, file(group(200), group(404), group(418))), [
    'getEvent tests 418, which the document does not list',
  ])
  assert.deepEqual(faultsOfFile(operation, file(group(200), group(404)).replace('GET', 'PUT')), [
    'getEvent is not described as GET /events/{id}',
  ])
})
