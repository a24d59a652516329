import { setTimeout as delay } from 'node:timers/promises'

/** Time as an argument, so that tests turn it by hand. */
export interface Clock {
  /** Milliseconds since 1970, wall clock. */
  now(): number
  /** Milliseconds on a clock that never jumps; only differences mean something. */
  elapsed(): number
  /** Resolves after `ms`, or at once when `signal` is aborted. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal ? { signal } : {}).catch(() => undefined)
  },
}
