import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { ProblemError } from './problems.ts'
import { parseTime } from './time-range.ts'

const nowMs = Date.UTC(2026, 6, 1, 12)

describe('an end of a time range', () => {
  test('is an RFC 3339 time with its offset', () => {
    assert.equal(parseTime('2026-06-30T12:00:00Z', nowMs).toISOString(), '2026-06-30T12:00:00.000Z')
    assert.equal(parseTime('2026-06-30T12:00:00.25+02:00', nowMs).toISOString(), '2026-06-30T10:00:00.250Z')
  })

  test('is now, or so long ago', () => {
    const ago = { now: 0, '-90s': 90_000, '-30m': 1_800_000, '-24h': 86_400_000, '-7d': 604_800_000, '-0s': 0 }
    for (const [text, ms] of Object.entries(ago)) assert.equal(parseTime(text, nowMs).getTime(), nowMs - ms, text)
  })

  test('is always a time that the database and an id can hold', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom('s', 'm', 'h', 'd'), (amount, unit) => {
        const time = parseTime(`-${amount % 1_000_000_000}${unit}`, nowMs)
        assert.ok(time.getTime() >= 0 && time.getTime() <= nowMs)
      }),
    )
    assert.equal(parseTime('0001-01-01T00:00:00Z', nowMs).getTime(), 0)
    assert.equal(parseTime('9999-12-31T23:59:59-12:00', nowMs).toISOString(), '9999-12-31T23:59:59.999Z')
  })

  test('in any other form is refused', () => {
    const wrong = [
      '',
      '-',
      '24h',
      '+24h',
      '-24',
      '-h',
      '-1w',
      '-1.5h',
      '-24H',
      ' now',
      'NOW',
      '2026-06-30',
      '1750000000',
    ]
    for (const text of [...wrong, '2026-06-30T12:00:00', '2026-02-30T12:00:00Z', '-9999999999s', 'toString']) {
      assert.throws(
        () => parseTime(text, nowMs),
        (error) => error instanceof ProblemError && error.code === 'invalid_time',
        text,
      )
    }
  })
})
