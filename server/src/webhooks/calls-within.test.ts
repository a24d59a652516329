import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import { callsWithin, openFilesMax } from './calls-within.ts'

test('a usual limit leaves the calls as they are wanted, a small one allows a third of what is left over', () => {
  assert.equal(callsWithin(Infinity, 512), 512)
  assert.equal(callsWithin(1_048_576, 10_000), 10_000)
  assert.equal(callsWithin(1_024, 512), 309)
  assert.equal(callsWithin(256, 512), 53)
  assert.equal(callsWithin(120, 512), 8)
  assert.equal(callsWithin(16, 512), 1)
})

test('there is always one call, never more than wanted, and never as many as files', () => {
  fc.assert(
    fc.property(fc.nat(2_000_000), fc.integer({ min: 1, max: 10_000 }), (limit, wanted) => {
      const calls = callsWithin(limit, wanted)
      assert.ok(calls >= 1 && calls <= wanted)
      assert.ok(calls === 1 || calls * 3 < limit)
      assert.ok(callsWithin(limit + 1, wanted) >= calls)
    }),
  )
})

test('the limit is that of the process', () => {
  const module = fileURLToPath(new URL('calls-within.ts', import.meta.url))
  const script = `import { openFilesMax } from '${module}'; console.log(openFilesMax())`
  const told = execFileSync('sh', [
    '-c',
    'ulimit -n 123 && exec "$0" "$@"',
    process.execPath,
    '--input-type=module',
    '-e',
    script,
  ])
  assert.equal(told.toString().trim(), '123')
})

test('to read the limit waits for no name server, and leaves reports as they were', () => {
  const readSetting = (): unknown => Reflect.get(process.report, 'excludeNetwork')
  const { getReport } = process.report
  const before = readSetting()
  let during: unknown
  process.report.getReport = () => {
    during = readSetting()
    return getReport.call(process.report)
  }
  try {
    openFilesMax()
  } finally {
    process.report.getReport = getReport
  }
  assert.deepEqual([during, readSetting()], [true, before])
})
