import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseExactJson } from './exact-json.ts'

test('every number keeps its spelling', () => {
  const text = '{"price":1.50,"id":12345678901234567890,"list":[1e2,-0,0.1],"n":null}'
  assert.equal(JSON.stringify(parseExactJson<unknown>(text)), text)
})

test('what JSON.stringify wrote comes out the same', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const written = JSON.stringify(JSON.parse(text))
      assert.equal(JSON.stringify(parseExactJson<unknown>(written)), written)
    }),
  )
})
