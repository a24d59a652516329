import { setTimeout as delay } from 'node:timers/promises'

/**
 * Asks `probe` every `everyMs` until it answers with something other than undefined, and hands that on; undefined when
 * `limitMs` have passed. What the probe throws ends it.
 */
export async function poll<T>(
  limitMs: number,
  everyMs: number,
  probe: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const deadline = performance.now() + limitMs
  for (;;) {
    const answer = await probe()
    if (answer !== undefined || performance.now() >= deadline) return answer
    await delay(everyMs)
  }
}
