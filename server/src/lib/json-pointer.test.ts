import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { escapePointerToken, isJsonPointer, parseJsonPointer, valueAt } from './json-pointer.ts'

test('a pointer finds what the examples of RFC 6901 section 5 find', () => {
  const document = {
    foo: ['bar', 'baz'],
    '': 0,
    'a/b': 1,
    'c%d': 2,
    'e^f': 3,
    'g|h': 4,
    'i\\j': 5,
    'k"l': 6,
    ' ': 7,
    'm~n': 8,
  }
  const find = (pointer: string): unknown => valueAt(document, parseJsonPointer(pointer))
  assert.equal(find(''), document)
  assert.equal(find('/foo'), document.foo)
  assert.equal(find('/foo/0'), 'bar')
  assert.equal(find('/'), 0)
  assert.equal(find('/a~1b'), 1)
  assert.equal(find('/c%d'), 2)
  assert.equal(find('/i\\j'), 5)
  assert.equal(find('/ '), 7)
  assert.equal(find('/m~0n'), 8)
})

test('a pointer to nothing finds undefined, whatever lies in its way', () => {
  const document = { list: ['a'], text: 'abc', nothing: null }
  for (const pointer of [
    '/none',
    '/none/deeper',
    '/list/1',
    '/list/01',
    '/list/-',
    '/list/length',
    '/text/0',
    '/nothing/a',
  ]) {
    assert.equal(valueAt(document, parseJsonPointer(pointer)), undefined, pointer)
  }
})

test('a pointer never finds what an object inherits', () => {
  for (const key of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
    assert.equal(valueAt({}, [key]), undefined, key)
  }
  assert.equal(valueAt(JSON.parse('{"__proto__":{"id":1}}'), ['__proto__', 'id']), 1)
})

test('any key comes back from its reference token', () => {
  const key = fc.string({ unit: fc.constantFrom('/', '~', '0', '1', 'a', 'ä') })
  fc.assert(
    fc.property(fc.array(key), (keys) => {
      const pointer = keys.map((one) => `/${escapePointerToken(one)}`).join('')
      assert.equal(isJsonPointer(pointer), true)
      assert.deepEqual(parseJsonPointer(pointer), keys)
    }),
  )
})

test('a text that begins without a slash or has a bare tilde is no pointer', () => {
  for (const text of ['a', 'a/b', '/~', '/a~2', '#/a', ' /a']) assert.equal(isJsonPointer(text), false, text)
  for (const text of ['', '/', '//', '/~0~1', '/a b']) assert.equal(isJsonPointer(text), true, text)
})
