import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseOptions, scenarioNames } from './options.ts'

test('without options everything is measured, the quick run leaves the long scenarios out', () => {
  assert.deepEqual([...parseOptions([]).scenarios], scenarioNames)
  assert.equal(parseOptions(['--quick']).scenarios.has('hanging'), false)
  assert.deepEqual([...parseOptions(['--tiny']).scenarios], scenarioNames)
})

test('scenarios can be named one by one or in a list', () => {
  const { scenarios } = parseOptions(['--quick', '--only', 'hanging,start', '--only', 'singles'])
  assert.deepEqual([...scenarios], ['hanging', 'start', 'singles'])
})

test('an unknown scenario or option is an error that names it', () => {
  assert.throws(() => parseOptions(['--only', 'speed']), /speed is none of limits/)
  assert.throws(() => parseOptions(['--fast']), /--fast/)
})
