import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'

/** A process whose engine cannot start: the thread throws, and nobody catches it. */
const program = `
  import { startEngine } from ${JSON.stringify(new URL('./start-engine.ts', import.meta.url).href)}
  startEngine({ failpoints: 'nowhere=kill' }, console)
  setTimeout(() => {}, 60_000)
`

test('an error that nobody caught in the engine ends the process, so that it is started anew', async () => {
  const args = ['--conditions=source', '--eval', program]
  const ended = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
    execFile(process.execPath, args, { timeout: 30_000 }, (error, _stdout, stderr) =>
      resolve({ code: error?.code, stderr }),
    )
  })
  assert.equal(ended.code, 1)
  assert.match(ended.stderr, /Not a failpoint/)
})
