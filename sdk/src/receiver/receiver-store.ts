/** What has become of a call before: nothing, it was handled, or somebody is at it. */
export type Claim = 'claimed' | 'done' | 'busy'

/**
 * Remembers which calls were handled. Receivers in several processes share one, over Redis or a table for example; each method
 * must be atomic there. Keys hold visible ASCII characters only.
 */
export interface ReceiverStore {
  /**
   * Takes the call, for `leaseMs` at most: a handler whose process died must not keep its call for ever. `done` when it was
   * completed, `busy` when somebody holds it.
   */
  claim(key: string, leaseMs: number): Promise<Claim>
  /** It was handled; remember that for `keepMs`. */
  complete(key: string, keepMs: number): Promise<void>
  /** The handler failed: the next copy may be claimed. */
  release(key: string): Promise<void>
}

export interface MemoryStoreOptions {
  /** Of which the oldest are forgotten; 100,000 when not given. */
  readonly keysMax?: number
  readonly now?: () => number
}

interface Entry {
  readonly claim: 'done' | 'busy'
  readonly untilMs: number
}

/** Remembers in this process only: enough for one process, and for copies that come before it ends. */
export function memoryStore({ keysMax = 100_000, now = Date.now }: MemoryStoreOptions = {}): ReceiverStore {
  // In the order in which they were written, which is nearly that in which they end.
  const entries = new Map<string, Entry>()
  const write = (key: string, entry: Entry): void => {
    entries.delete(key)
    entries.set(key, entry)
    for (const [oldest, { untilMs }] of entries) {
      if (entries.size <= keysMax && untilMs > now()) break
      entries.delete(oldest)
    }
  }
  return {
    claim: async (key, leaseMs) => {
      const entry = entries.get(key)
      if (entry && entry.untilMs > now()) return entry.claim
      write(key, { claim: 'busy', untilMs: now() + leaseMs })
      return 'claimed'
    },
    complete: async (key, keepMs) => write(key, { claim: 'done', untilMs: now() + keepMs }),
    release: async (key) => void entries.delete(key),
  }
}
