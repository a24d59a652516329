import assert from 'node:assert/strict'
import { test } from 'node:test'
import { comparePlans, parsePlans, renderPlans } from './committed-plans.ts'

test('plans are read back as they were written', () => {
  const plans = new Map([
    ['trail.find', ['Index Scan using a on t']],
    ['trail.page', ['Limit\n  Index Scan using a on t', 'Limit\n  Seq Scan on t']],
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
