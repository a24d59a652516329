import assert from 'node:assert/strict'
import { test } from 'node:test'
import { comparePlans, parsePlans, renderPlans } from './committed-plans.ts'
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

test('plans are read back as they were written', () => {
  const plans = new Map([
    ['trail.find', ['Index Scan using a on t']],
    ['trail.page', ['Limit\n  Seq Scan on t', 'Limit\n  Index Scan using a on t']],
  ])
  assert.deepEqual(parsePlans(renderPlans(plans)), plans)
})

test('another plan, a new statement and one that is gone are told by name', () => {
  const committed = new Map([
    ['one', ['Limit']],
    ['two', ['Sort']],
    ['gone', ['Sort']],
  ])
  const met = new Map([
    ['one', ['Limit']],
    ['two', ['Sort', 'Seq Scan on t']],
    ['new', ['Sort']],
  ])
  assert.deepEqual(comparePlans(committed, met), ['two', 'new (not committed)', 'gone (not met)'])
})
