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

test('of one company those used last are held, within a quarter of the number', () => {
  const schemas = new CompiledSchemas({ entries: 8, bytes: 1_000_000 })
  for (const version of [1, 2]) schemas.get(key(version), text('string'))
  schemas.find(key(1))
  schemas.get(key(3), text('string'))
  assert.deepEqual(
    [1, 2, 3].filter((version) => schemas.find(key(version))),
    [1, 3],
  )
})

test('of one company those used last are held, within a quarter of the memory', () => {
  const long = JSON.stringify({ description: 'x'.repeat(80) })
  const schemas = new CompiledSchemas({ entries: 100, bytes: 4 * 250 * 25 })
  for (const version of [1, 2, 3, 4, 4, 4]) schemas.get(key(version), long)
  assert.deepEqual(
    [1, 2, 3, 4].filter((version) => schemas.find(key(version))),
    [3, 4],
  )
})

test('a company that needs much loses its own schemas, and what others use stays', () => {
  const schemas = new CompiledSchemas({ entries: 8, bytes: 1_000_000 })
  const others = ['b', 'c'].map((company) => key(1, 'order.placed', company))
  for (const other of others) schemas.get(other, text('string'))
  for (let version = 1; version <= 100; version++) schemas.get(key(version), text('string'))
  for (const other of others) assert.ok(schemas.find(other))
  assert.ok(schemas.find(key(100)))
  assert.equal(schemas.find(key(98)), undefined)
})

test('when all together need too much, the company that published longest ago loses its schemas', () => {
  const schemas = new CompiledSchemas({ entries: 4, bytes: 1_000_000 })
  for (const company of ['a', 'b', 'c', 'd']) schemas.get(key(1, 'order.placed', company), text('string'))
  schemas.find(key(1, 'order.placed', 'a'))
  schemas.get(key(1, 'order.placed', 'e'), text('string'))
  assert.deepEqual(
    ['a', 'b', 'c', 'd', 'e'].filter((company) => schemas.find(key(1, 'order.placed', company))),
    ['a', 'c', 'd', 'e'],
  )
})

test('what patterns keep of the texts they met counts', () => {
  // The automaton of this one meets a new state at nearly every character.
  const wild = JSON.stringify({ pattern: 'a.{40}x?$' })
  const schemas = new CompiledSchemas({ entries: 100, bytes: 4 * 200_000 })
  for (const version of [1, 2]) schemas.get(key(version), wild)
  assert.ok(schemas.find(key(1)))
  let seed = 1
  const next = (): string => 'abcd'.charAt((seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) >>> 30)
  const met = Array.from({ length: 5_000 }, next).join('')
  schemas.find(key(1))?.(met)
  assert.ok(schemas.find(key(1)))
  assert.equal(schemas.find(key(2)), undefined)
})

test('a schema larger than what a company may hold is judged by all the same', () => {
  const schemas = new CompiledSchemas({ entries: 100, bytes: 10 })
  assert.deepEqual(schemas.get(key(1), text('string'))('fits'), [])
  assert.deepEqual(schemas.get(key(2), text('null'))(null), [])
})

test('a text that is no schema lets no payload fit, and does not throw', () => {
  const schemas = new CompiledSchemas()
  for (const [version, broken] of ['{', '{"pattern": "("}'].entries()) {
    assert.equal(schemas.get(key(version), broken)({})[0]?.code, NOT_JUDGED)
  }
})
