import { globSync } from 'node:fs'
import { join, relative } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'

/**
 * Runs all tests, or those whose path contains one of the arguments, and ends with one plain line for machines:
 * `N passed, N failed`. `--quiet` prints failures only.
 */
const root = fileURLToPath(new URL('../../', import.meta.url))
const patterns = [
  'sdk/src/**/*.test.ts',
  'server/src/**/*.test.ts',
  'server/test/**/*.test.ts',
  'server/bench/**/*.test.ts',
]
const words = process.argv.slice(2).filter((word) => !word.startsWith('--'))
const files = patterns
  .flatMap((pattern) => globSync(pattern, { cwd: root }))
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .map((file) => join(root, file))
  .sort()

const counts = { passed: 0, failed: 0 }
const options: Parameters<typeof run>[0] & { globalSetupPath: string } = {
  files,
  concurrency: 2,
  globalSetupPath: fileURLToPath(new URL('support/global-setup.ts', import.meta.url)),
  execArgv: ['--conditions=source', '--disable-warning=ExperimentalWarning'],
  timeout: 300_000,
}
const stream = run(options)
stream.on('test:pass', ({ details, skip, todo }) => {
  if (details.type === 'suite') return
  if (skip !== undefined || todo !== undefined) counts.failed++ // no test is left behind
  else counts.passed++
})
stream.on('test:fail', ({ details, name, file }) => {
  if (details.type === 'suite') return
  counts.failed++
  process.exitCode = 1
  console.error(`failed: ${name} (${file ? relative(root, file) : '?'})`)
})
const report = stream.compose(spec)
report.on('end', () => {
  if (counts.passed === 0) process.exitCode = 1
  if (counts.failed > 0) process.exitCode = 1
  console.log(`${counts.passed} passed, ${counts.failed} failed`)
})
report.pipe(process.stdout, { end: false })
