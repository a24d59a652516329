import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseOptions } from './options.ts'
import { torture } from './torture.ts'

test('[at-least-once] a short run of load with a database that dies and a process that is replaced holds (F12, F33)', async (t) => {
  const options = parseOptions(['--minutes', '0.06', '--seed', '7', '--faults', 'F12,F33', '--rate', '60'], () => 1)
  const { complaints, nemesis, verdict } = await torture(t, options, () => {})
  assert.deepEqual(complaints, [], nemesis.log.join('\n'))
  assert.ok(verdict.owed > 0)
})

test('the options of a run: defaults, a list of faults, and what is refused', () => {
  const options = parseOptions(['--faults', 'F10, F12'], () => 42)
  assert.deepEqual([options.seed, options.minutes, options.faults], [42, 1, ['F10', 'F12']])
  assert.throws(() => parseOptions(['--faults', 'F99'], () => 1), /F99 is none of/)
  assert.throws(() => parseOptions(['--faults', 'F17'], () => 1), /--disk/)
  assert.throws(() => parseOptions(['--minutes', '0'], () => 1), /above 0/)
})
