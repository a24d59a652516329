import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NOT_JUDGED } from './compile-schema.ts'
import { CompiledSchemas } from './compiled-schemas.ts'

const key = (version: number, eventName = 'order.placed', companyId = 'a') => ({ companyId, eventName, version })
const text = (type: string) => JSON.stringify({ type })

test('a schema is compiled once, for its company, name and version', () => {
  const schemas = new CompiledSchemas()
  const compiled = schemas.get(key(1), text('string'))
  assert.equal(schemas.get(key(1), text('string')), compiled)
  assert.equal(schemas.find(key(1)), compiled)
  for (const other of [key(2), key(1, 'order.paid'), key(1, 'order.placed', 'b')]) {
    assert.equal(schemas.find(other), undefined)
    assert.deepEqual(schemas.get(other, text('null'))(null), [])
  }
  assert.deepEqual(compiled('fits'), [])
  assert.equal(compiled(null)[0]?.code, 'type')
})

test('another text under the same key is another schema', () => {
  const schemas = new CompiledSchemas()
  schemas.get(key(1), text('string'))
  assert.deepEqual(schemas.get(key(1), text('null'))(null), [])
})

test('those used last are held, within a number', () => {
  const schemas = new CompiledSchemas({ entries: 2, characters: 1_000 })
  for (const version of [1, 2]) schemas.get(key(version), text('string'))
  schemas.find(key(1))
  schemas.get(key(3), text('string'))
  assert.deepEqual(
    [1, 2, 3].filter((version) => schemas.find(key(version))),
    [1, 3],
  )
})

test('those used last are held, within a length of all texts', () => {
  const long = JSON.stringify({ description: 'x'.repeat(80) })
  const schemas = new CompiledSchemas({ entries: 100, characters: 250 })
  for (const version of [1, 2, 3, 4, 4, 4]) schemas.get(key(version), long)
  assert.deepEqual(
    [1, 2, 3, 4].filter((version) => schemas.find(key(version))),
    [3, 4],
  )
})

test('a text that is no schema lets no payload fit, and does not throw', () => {
  const schemas = new CompiledSchemas()
  for (const [version, broken] of ['{', '{"pattern": "("}'].entries()) {
    assert.equal(schemas.get(key(version), broken)({})[0]?.code, NOT_JUDGED)
  }
})
