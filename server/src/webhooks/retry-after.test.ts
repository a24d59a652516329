import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseRetryAfterMs } from './retry-after.ts'

const now = Date.UTC(1994, 10, 6, 8, 49, 7)

test('seconds and all three HTTP date forms are understood', () => {
  assert.equal(parseRetryAfterMs('120', now), 120_000)
  assert.equal(parseRetryAfterMs(' 0 ', now), 0)
  assert.equal(parseRetryAfterMs('Sun, 06 Nov 1994 08:49:37 GMT', now), 30_000)
  assert.equal(parseRetryAfterMs('Sunday, 06-Nov-94 08:49:37 GMT', now), 30_000)
  assert.equal(parseRetryAfterMs('Sun Nov  6 08:49:37 1994', now), 30_000)
  assert.equal(parseRetryAfterMs('Sun, 06 Nov 1994 08:48:37 GMT', now), -30_000)
})

test('what is neither is ignored', () => {
  const texts = [
    '',
    '-1',
    '+1',
    '1.5',
    '1e9',
    'NaN',
    'Infinity',
    '0x10',
    'soon',
    '1994-11-06T08:49:37Z',
    'Sun, 99 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 CET',
    '9'.repeat(10_000),
  ]
  for (const text of texts) assert.equal(parseRetryAfterMs(text, now), null, text.slice(0, 40))
})

test('absurd but well-formed values are numbers', () => {
  assert.equal(parseRetryAfterMs('99999999999999999999', now), 1e23)
  assert.ok(Number(parseRetryAfterMs('Fri, 31 Dec 9999 23:59:59 GMT', now)) > 1e14)
})

test('any text gives a number or nothing', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const ms = parseRetryAfterMs(text, now)
      assert.ok(ms === null || Number.isFinite(ms))
    }),
  )
})
