import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { TerminableThread, tooCostly } from './terminable-thread.ts'

/** Answers after so many milliseconds in which it works, or in which it does nothing. */
const body = `
  import { parentPort } from 'node:worker_threads'
  parentPort.on('message', ({ workMs, pauseMs }) => {
    if (pauseMs) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs)
    const before = process.threadCpuUsage()
    const workedMs = () => { const { user, system } = process.threadCpuUsage(before); return (user + system) / 1000 }
    while (workedMs() < workMs) {}
    parentPort.postMessage({ type: 'answer', answer: 'done' })
  })
  parentPort.postMessage({ type: 'ready' })
`

function testThread(t: TestContext): TerminableThread<{ workMs: number; pauseMs: number }, string> {
  const thread = new TerminableThread<{ workMs: number; pauseMs: number }, string>({
    name: 'test',
    url: new URL(`data:text/javascript,${encodeURIComponent(body)}`),
    memory: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 },
  })
  t.after(async () => await thread.stop())
  return thread
}

test('the deadline counts what the thread works: one that is kept waiting by others is not too costly', async (t) => {
  const thread = testThread(t)
  assert.equal(await thread.ask({ workMs: 0, pauseMs: 700 }, 300), 'done')
  assert.equal(await thread.ask({ workMs: 10_000, pauseMs: 0 }, 300), tooCostly)
  // The work of earlier questions does not count.
  for (let asked = 0; asked < 4; asked++) assert.equal(await thread.ask({ workMs: 150, pauseMs: 0 }, 300), 'done')
})

test('a thread that does not come to work at all is given up in the end', async (t) => {
  const thread = testThread(t)
  const startedAt = performance.now()
  assert.equal(await thread.ask({ workMs: 0, pauseMs: 60_000 }, 100), tooCostly)
  assert.ok(performance.now() - startedAt < 30_000)
})
