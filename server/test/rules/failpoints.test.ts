import assert from 'node:assert/strict'
import { test } from 'node:test'
import { armFailpoints, failpoint, failpoints } from '../../src/lib/failpoint.ts'
import { read, sourceFiles, testFiles } from './source-files.ts'

test('every failpoint is called in the code and broken at by a test', () => {
  const code = sourceFiles()
    .filter((file) => !file.endsWith('lib/failpoint.ts'))
    .map(read)
    .join('\n')
  const tests = testFiles()
    .filter((file) => !file.endsWith('failpoints.test.ts'))
    .map(read)
    .join('\n')
  for (const name of failpoints) {
    assert.ok(code.includes(`failpoint('${name}')`), `${name} is called nowhere`)
    assert.ok(tests.includes(`${name}=`) || tests.includes(`'${name}'`), `no test breaks at ${name}`)
  }
})

test('a failpoint acts from the time it is told to, and an unknown one is refused', async (t) => {
  t.after(() => armFailpoints(''))
  armFailpoints('fan_out.slice=throw@3')
  await failpoint('fan_out.slice')
  await failpoint('fan_out.slice')
  await assert.rejects(failpoint('fan_out.slice'), /failpoint fan_out.slice/)
  assert.throws(() => armFailpoints('nowhere=kill'), /Not a failpoint/)
})
