import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { showProgress } from './progress.ts'

function shown(isTTY: boolean, act: (progress: ReturnType<typeof showProgress>) => void, tick: () => void): string {
  const stderr = Object.assign(new PassThrough(), { isTTY })
  let text = 'one'
  const progress = showProgress({ stderr }, () => text)
  tick()
  text = 'two'
  act(progress)
  progress.end()
  return String(stderr.read())
}

test('in a terminal one line is rewritten, and a remark stays above it', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const written = shown(
    true,
    (progress) => progress.say('remark'),
    () => t.mock.timers.tick(100),
  )
  assert.equal(written, '\r\u001b[2Kone\r\u001b[2Kremark\n\r\u001b[2Ktwo\n')
})

test('elsewhere there is a line now and then, and none twice', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const written = shown(
    false,
    (progress) => progress.say('remark'),
    () => t.mock.timers.tick(6_000),
  )
  assert.equal(written, 'one\nremark\ntwo\n')
})
