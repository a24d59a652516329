import { setTimeout as delay } from 'node:timers/promises'

/** Polls until `check` gives something, for `limitMs` at most; the error says what was waited for. */
export async function until<Value>(
  what: string,
  check: () => Promise<Value | undefined | false> | Value | undefined | false,
  limitMs = 30_000,
): Promise<Value> {
  const end = performance.now() + limitMs
  for (;;) {
    const value = await check()
    if (value !== undefined && value !== false) return value
    if (performance.now() > end) throw new Error(`waited ${limitMs} ms for: ${what}`)
    await delay(20)
  }
}
