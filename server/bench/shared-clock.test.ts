import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startHelper } from './calls.ts'
import type { Receiver } from './receiver.ts'
import { sharedNowMs } from './shared-clock.ts'

test("another process's clock is neither ahead nor behind, from its first reading on", async (t) => {
  const receiver = startHelper<Receiver>(new URL('./receiver.ts', import.meta.url))
  t.after(async () => await receiver.stop())
  for (let reading = 0; reading < 5; reading++) {
    const beforeMs = sharedNowMs()
    const thereMs = await receiver.ask('now')
    const afterMs = sharedNowMs()
    assert.ok(beforeMs <= thereMs && thereMs <= afterMs, `${beforeMs} ≤ ${thereMs} ≤ ${afterMs}`)
  }
})
