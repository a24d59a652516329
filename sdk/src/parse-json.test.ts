import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { memberText, parseJson } from './parse-json.ts'

/** Escapes some characters that need none, so that keys have escapes too. */
function withEscapes(text: string): string {
  return text.replaceAll(/[ab]/g, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`)
}

const json = fc.json({ stringUnit: fc.constantFrom('x', 'a', 'é', '\n', '"', '\\', ':', ',', '{', ']', '\u2028') })

test('any JSON is read as JSON.stringify wrote it, with escapes in its keys and without', () => {
  fc.assert(
    fc.property(json, fc.constantFrom('', ' ', '\n\t'), (text, blanks) => {
      const value = parseJson(text)
      assert.equal(JSON.stringify(value), JSON.stringify(parseJson(JSON.stringify(value))))
      // Numbers and literals hold no a or b but for false, which is not escaped by this.
      const strings = text.replaceAll(/"[^"\\]*(?:\\.[^"\\]*)*"/g, (one) => withEscapes(one) + blanks)
      assert.deepEqual(parseJson(strings), value)
    }),
  )
})

test('a key with an escape keeps its name whatever was read before it', () => {
  for (let n = 0; n < 5; n++) parseJson('{"\\\\":1}')
  assert.deepEqual(Object.keys(Object(parseJson('{"\\n":1}'))), ['\n'])
})

test('the key __proto__ is an ordinary one', () => {
  const value = parseJson('{"\\u005f_proto__":{"a":1}}')
  assert.deepEqual(Object.keys(Object(value)), ['__proto__'])
  assert.equal(Object(value).a, undefined)
})

test('what is not JSON is a SyntaxError', () => {
  for (const text of ['', '{', '{"\\n":1', '{"\\n"}', '[1,]', 'nul', '{"\\x":1}']) {
    assert.throws(() => parseJson(text), SyntaxError)
  }
})

test('a member is given as it stands in the text, numbers and blanks included', () => {
  const text = ' { "a" : {"data":1}, "d\\u0061ta" : [ 1.50, 12345678901234567890, "}" ] , "b":1e2} '
  assert.equal(memberText(text, 'data'), '[ 1.50, 12345678901234567890, "}" ]')
  assert.equal(memberText(text, 'b'), '1e2')
  assert.equal(memberText(text, 'c'), undefined)
  assert.equal(memberText('{}', 'data'), undefined)
})
