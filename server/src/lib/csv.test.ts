import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { csvLine } from './csv.ts'

/** As RFC 4180 has it, section 2. */
function parseLine(line: string): string[] {
  const cells: string[] = []
  for (const [, quoted, plain] of line.slice(0, -2).matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",\r\n]*))/g)) {
    cells.push(quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'))
  }
  return cells
}

test('every text comes back as it was, but for the apostrophe before what a spreadsheet would run', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (texts) => {
      const cells = parseLine(csvLine(['first', ...texts])).slice(1)
      assert.equal(cells.length, texts.length)
      for (const [index, text] of texts.entries()) {
        assert.ok(cells[index] === text || cells[index] === `'${text}`)
        assert.doesNotMatch(cells[index] ?? '', /^\s*[=+@\uFF1D\uFF0B\uFF0D\uFF20]/)
      }
    }),
  )
})

test('what begins a formula is told from a number', () => {
  const formulas = ['=1+1', '+49 30', '-1+cmd|x', '@sum', '\t=1', '\r=1', '\n=1', ' =1', '\uFEFF=1', '\uFF1D1', '-']
  for (const text of formulas) assert.equal(parseLine(csvLine(['x', text]))[1], `'${text}`)
  for (const text of ['-5', '-5.25', '12', 'a=b', '{"a":"=1"}', ''])
    assert.equal(parseLine(csvLine(['x', text]))[1], text)
})

test('nothing is an empty cell, and lines end as RFC 4180 asks', () => {
  assert.equal(csvLine([null, undefined, 1, true, 'a"b']), ',,1,true,"a""b"\r\n')
})
