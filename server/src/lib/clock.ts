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
  sleep,
}

/** Not that of `node:timers/promises`: it makes an error with a stack for each rest that is ended early, which is most of them. */
async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal?.addEventListener('abort', end)
  })
}
