import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PlanNode } from './plan-text.ts'
import { planText } from './plan-text.ts'

const scanOf = (month: string): PlanNode => ({
  'Node Type': 'Index Scan',
  'Scan Direction': 'Backward',
  'Index Name': `event_logs_${month}_company_id_idx`,
  'Relation Name': `event_logs_${month}`,
})

test('months that are read alike are one line of a plan, and no month is named', () => {
  const empty = { 'Node Type': 'Seq Scan', 'Relation Name': 'event_logs_2026_12' }
  const append = { 'Node Type': 'Append', Plans: [empty, scanOf('2026_10'), scanOf('2026_11')] }
  assert.equal(
    planText({ 'Node Type': 'Nested Loop', 'Join Type': 'Left', Plans: [append] }),
    [
      'Nested Loop Left',
      '  Append',
      '    Index Scan Backward using event_logs_<month>_company_id_idx on event_logs_<month>',
      '    Seq Scan on event_logs_<month>',
    ].join('\n'),
  )
})
