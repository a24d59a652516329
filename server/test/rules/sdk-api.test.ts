import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DaybookClient } from '@daybook/sdk'
import { methodNames } from '../../scripts/sdk-api/method-names.ts'
import type { ApiDescription } from '../../scripts/sdk-api/read-operations.ts'
import { readOperations } from '../../scripts/sdk-api/read-operations.ts'
import { renderSdkApi } from '../../scripts/sdk-api/render-sdk-api.ts'
import { openApiDocument } from '../../src/http/openapi.ts'
import { read, sdkFiles } from './source-files.ts'

const document: ApiDescription = JSON.parse(JSON.stringify(await openApiDocument()))

for (const [name, text] of renderSdkApi(document)) {
  test(`sdk/src/api/${name} is what the routes make it; npm run openapi writes it anew`, () => {
    assert.equal(read(`sdk/src/api/${name}`), text)
  })
}

test('the client has a method for every operation, and no resource that has none', () => {
  const client = new DaybookClient({ baseUrl: 'https://daybook.test', apiKey: 'key' })
  const ids = Object.values(document.paths).flatMap((item) => Object.values(item).map((one) => one.operationId))
  const lacking = ids.filter((id) => {
    const [resource = '', method = ''] = methodNames[id]?.split('.') ?? []
    return typeof Object(Reflect.get(client, resource))[method] !== 'function'
  })
  assert.deepEqual(lacking, [])
  const named = new Set(Object.values(methodNames).map((name) => name.split('.')[0]))
  assert.deepEqual(
    Object.keys(client).filter((resource) => !named.has(resource)),
    [],
  )
})

test('no two operations have one name', () => {
  assert.equal(new Set(Object.values(methodNames)).size, Object.keys(methodNames).length)
})

test('an operation without a name, and a name without an operation, are seen', () => {
  const described = { operationId: 'flyToMoon', responses: {} }
  const more = { ...document, paths: { ...document.paths, '/moon': { get: described } } }
  assert.throws(() => readOperations(more), /Give flyToMoon a name/)
  const { '/metrics': _, ...paths } = document.paths
  assert.throws(() => readOperations({ ...document, paths }), /no document: metrics/)
})

/** Words that are not there in every place the SDK runs: browsers, workers, Deno, Bun. */
const elsewhere = /\bfrom 'node:|\bimport\('node:|\b(?:Buffer|process|require|__dirname|setImmediate)\b[.(]/

test('the SDK uses nothing that Node alone has, and no package', () => {
  assert.equal(JSON.parse(read('sdk/package.json')).dependencies, undefined)
  for (const file of sdkFiles()) {
    assert.doesNotMatch(read(file), elsewhere, file)
    const packages = [...read(file).matchAll(/\bfrom '([^.'][^']*)'/g)].map(([, name]) => name)
    assert.deepEqual(packages, [], file)
  }
})
