import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { isWorthRetrying, parseRetryAfter, retryDelayMs } from './retry.ts'

const nowMs = Date.parse('2026-11-23T10:00:00Z')

test('the pause doubles, is spread over its upper half, and never exceeds ten seconds', () => {
  assert.deepEqual(
    [1, 2, 3, 4].map((retry) => retryDelayMs(retry, 0)),
    [125, 250, 500, 1_000],
  )
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (retry, random) => {
        const fullMs = Math.min(10_000, 250 * 2 ** (retry - 1))
        const delayMs = retryDelayMs(retry, random)
        assert.ok(delayMs >= fullMs / 2 && delayMs <= fullMs)
      },
    ),
  )
})

test('the pause is never shorter than the server asked for', () => {
  assert.equal(retryDelayMs(1, 0.5, 30_000), 30_000)
  assert.equal(retryDelayMs(1, 0, 1), 125)
})

test('Retry-After is read as seconds or as a date, and nothing else is taken for either', () => {
  assert.equal(parseRetryAfter('120', nowMs), 120_000)
  assert.equal(parseRetryAfter('0', nowMs), 0)
  assert.equal(parseRetryAfter('Mon, 23 Nov 2026 10:00:07 GMT', nowMs), 7_000)
  assert.equal(parseRetryAfter('Sun, 06 Nov 1994 08:49:37 GMT', nowMs), 0)
  for (const header of [
    null,
    '',
    '-1',
    '1.5',
    '1e9',
    'NaN',
    '2026-11-23',
    'soon',
    'Mon, 99 Nov 2026 10:00:07 GMT',
    '1, 2',
  ]) {
    assert.equal(parseRetryAfter(header, nowMs), undefined, String(header))
  }
})

const statuses = [200, 301, 400, 401, 404, 409, 413, 422, 429, 500, 501, 502, 503, 504]
const answered = (status: number, retryAfterMs?: number) => ({ code: 'any', status, retryAfterMs })
const unanswered = (code: string) => ({ code, status: 0, retryAfterMs: undefined })

test('only a missing answer and one that says "later" are worth a retry, and only a pause of at most a minute', () => {
  assert.deepEqual(
    statuses.filter((status) => isWorthRetrying(answered(status), true)),
    [429, 502, 503, 504],
  )
  assert.ok(isWorthRetrying(unanswered('network_error'), true))
  assert.ok(isWorthRetrying(unanswered('timeout'), true))
  assert.ok(!isWorthRetrying(unanswered('unexpected_answer'), true))
  assert.ok(isWorthRetrying(answered(503, 60_000), true))
  assert.ok(!isWorthRetrying(answered(503, 60_001), true))
})

test('what may not be done twice is sent again only when it was refused as one too many', () => {
  assert.deepEqual(
    statuses.filter((status) => isWorthRetrying(answered(status), false)),
    [429],
  )
  assert.ok(!isWorthRetrying(unanswered('network_error'), false))
  assert.ok(!isWorthRetrying(unanswered('timeout'), false))
})
