import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeHead } from './response-head.ts'

const judge = (text: string): string => judgeHead(Buffer.from(text, 'latin1'))
const ok = 'HTTP/1.1 200 OK\r\n'
const hint = 'HTTP/1.1 103 Early Hints\r\n\r\n'

test('a head counts to its blank line, and what follows does not', () => {
  assert.equal(judge(`${ok}x: y\r\n\r\n${'b\n'.repeat(100_000)}`), 'fits')
  assert.equal(judge(`${ok}x: y\r\n`), 'open')
  assert.equal(judge(''), 'open')
})

test('16 KiB and 256 header lines fit, and more do not, whether or not an end has come', () => {
  const filler = (bytes: number): string => `${ok}x: ${'y'.repeat(bytes - ok.length - 7)}\r\n\r\n`
  assert.equal(judge(filler(16_384)), 'fits')
  assert.equal(judge(filler(16_385)), 'too_large')
  assert.equal(judge(filler(20_000).slice(0, 16_385)), 'too_large')
  assert.equal(judge(`${ok}${'x: y\r\n'.repeat(256)}\r\n`), 'fits')
  assert.equal(judge(`${ok}${'x: y\r\n'.repeat(257)}\r\n`), 'too_large')
})

test('blank lines before a head are no end of it', () => {
  assert.equal(judge('\r\n'.repeat(30_000)), 'open')
  assert.equal(judge(`\r\n\r\n\r\n${ok}x: y\r\n`), 'open')
  assert.equal(judge(`\r\n\r\n${ok}x: y\r\n\r\n`), 'fits')
})

test('interim heads are judged one by one, and the final one after them', () => {
  assert.equal(judge(hint.repeat(1_000)), 'open')
  assert.equal(judge(`${hint}${ok}\r\n`), 'fits')
  assert.equal(judge(`${hint}${ok}${'x: y\r\n'.repeat(300)}`), 'too_large')
})
