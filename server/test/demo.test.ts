import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { DemoResult } from '../src/cli/demo/tally.ts'
import { makeTestDataDir } from '../src/db/embedded/test-directory.ts'
import { until } from './support/until.ts'
import { nodeFlags } from '../bin/node-flags.js'

const bin = fileURLToPath(new URL('../bin/daybook.js', import.meta.url))

interface Demo {
  readonly child: ChildProcess
  errorText(): string
  /** The exit code, and what it wrote to standard output. */
  readonly ended: Promise<{ readonly exitCode: number; readonly result: DemoResult }>
}

function startDemo(t: TestContext, args: readonly string[]): Demo {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], DATABASE_URL: 'postgres://not.this.one/' }
  const child = spawn(process.execPath, [...nodeFlags, bin, 'demo', '--json', ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const gone = once(child, 'close')
  t.after(async () => {
    child.kill('SIGTERM')
    await gone
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = gone.then(() => {
    assert.match(stdout, /^\{.*\}\n$/, stderr)
    return { exitCode: child.exitCode ?? -1, result: JSON.parse(stdout) as DemoResult }
  })
  return { child, errorText: () => stderr, ended }
}

test('a day of 300 events arrives whole, each event once and signed', async (t) => {
  const { exitCode, result } = await startDemo(t, ['--events', '300', '--seed', '7']).ended
  assert.equal(exitCode, 0)
  const { p50_ms, p99_ms, ...counts } = result
  assert.deepEqual(counts, { published: 300, delivered: 300, attempts: 300, lost: 0, duplicated: 0 })
  assert.ok(p50_ms !== null && p99_ms !== null && p50_ms <= p99_ms)
})

test('a server that is killed in the middle of the day loses nothing that it accepted', async (t) => {
  const dataDir = await makeTestDataDir(t)
  const demo = startDemo(t, ['--events', '3000', '--data-dir', dataDir])
  demo.ended.catch(() => undefined)
  await until('events flow', () => /^published [1-9]/m.test(demo.errorText()))
  process.kill(Number(await readFile(join(dataDir, 'daybook.pid'), 'utf8')), 'SIGKILL')
  const { exitCode, result } = await demo.ended
  assert.match(demo.errorText(), /The server ended \(SIGKILL\)/)
  assert.deepEqual([exitCode, result.published, result.delivered, result.lost], [0, 3_000, 3_000, 0])
})

test('Ctrl-C ends a demo in good order and leaves nothing behind', async (t) => {
  const demo = startDemo(t, ['--events', '100000'])
  const rejected = assert.rejects(demo.ended) // no result
  await until('events flow', () => /^published [1-9]/m.test(demo.errorText()))
  const [, dataDir = ''] = /^Starting a Daybook in (.*)$/m.exec(demo.errorText()) ?? []
  demo.child.kill('SIGINT')
  await rejected
  assert.equal(demo.child.exitCode, 130)
  await assert.rejects(readFile(join(dataDir, 'demo.json')), { code: 'ENOENT' })
})
