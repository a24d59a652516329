import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { endOfDaysMs, endsAnything, keepAll, longestPayloadDays, payloadDaysOf } from './retention-rules.ts'

const rule = (event_name: string, payload_retention_days: number | null) => ({ event_name, payload_retention_days })

describe('the days of a name', () => {
  const rules = [rule('*', 40), rule('a.*', 50), rule('a.b.*', null), rule('a.b.c', 60), rule('daybook.key.*', 70)]
  const retention = { payload_retention_days: 35, ledger_retention_days: null, rules }

  for (const [name, days, why] of [
    ['a.b.c', 60, 'its own rule'],
    ['a.b.d', null, 'the longest prefix'],
    ['a.c', 50, 'a shorter prefix'],
    ['a', 40, 'a prefix does not choose itself; * does'],
    ['daybook.key.revoked', 70, 'a prefix of reserved names'],
    ['daybook.company.created', 35, '* chooses business events only'],
  ] as const) {
    test(`${name}: ${why}`, () => {
      assert.equal(payloadDaysOf(retention, name), days)
      assert.equal(payloadDaysOf({ ...retention, rules: rules.toReversed() }, name), days, 'in whatever order')
    })
  }
})

test('a month goes by the longest of all days, and never where one is for ever', () => {
  const retention = { ...keepAll, payload_retention_days: 40 }
  assert.equal(longestPayloadDays(retention), 40)
  assert.equal(longestPayloadDays({ ...retention, rules: [rule('a.b', 90)] }), 90)
  assert.equal(longestPayloadDays({ ...retention, rules: [rule('a.b', null), rule('b', 90)] }), null)
  assert.equal(longestPayloadDays(keepAll), null)
  assert.deepEqual([endsAnything(keepAll), endsAnything({ ...keepAll, rules: [rule('a', 31)] })], [false, true])
})

test('days are whole: they end with the midnight in UTC after the last of them', () => {
  const end = (now: string): string => new Date(endOfDaysMs(31, Date.parse(now))).toISOString()
  assert.equal(end('2026-03-31T23:59:59.999Z'), '2026-02-28T00:00:00.000Z')
  assert.equal(end('2026-04-01T00:00:00.000Z'), '2026-03-01T00:00:00.000Z')
})
