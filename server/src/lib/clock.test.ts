import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { systemClock } from './clock.ts'

const AN_HOUR_MS = 3_600_000

test('a sleep ends with its time and leaves nothing on its signal', async () => {
  const { signal } = new AbortController()
  await systemClock.sleep(1, signal)
  assert.deepEqual(getEventListeners(signal, 'abort'), [])
})

test('a sleep ends at once when its signal is aborted, before or meanwhile, and keeps no timer', async () => {
  const stop = new AbortController()
  const sleeping = systemClock.sleep(AN_HOUR_MS, stop.signal)
  stop.abort()
  await sleeping
  await systemClock.sleep(AN_HOUR_MS, stop.signal)
  assert.ok(!process.getActiveResourcesInfo().includes('Timeout'))
})
