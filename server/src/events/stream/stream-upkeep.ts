import type { Clock } from '../../lib/clock.ts'
import { Loop } from '../../lib/loop.ts'
import type { StreamListener } from './stream-listener.ts'

/** A key with which somebody listens. */
export interface ListenersKey {
  readonly companyId: string
  readonly keyId: string
}

export interface StreamUpkeepOptions {
  readonly clock: Clock
  readonly listeners: () => readonly StreamListener[]
  /** Ids of those of these keys that are in force. */
  readonly keysInForce: (keys: readonly ListenersKey[]) => Promise<ReadonlySet<string>>
  readonly heartbeatMs: number
  readonly onError: (error: unknown) => void
}

const ROUND_MS = 1_000
const KEYS_EVERY_MS = 2_000

/**
 * Writes to streams on which nothing was written for a while, so that proxies keep them and dead ones are found; and ends those
 * whose key is no longer in force. All keys are asked for in one statement; as long as there is no answer, streams go on, and are
 * written to: a database that hangs does not make them look dead.
 */
export function streamUpkeep(options: StreamUpkeepOptions): Loop {
  const { clock, heartbeatMs, onError } = options
  let keysAtMs = clock.elapsed()
  let asking: Promise<void> | undefined
  const endOutOfForce = async (listeners: readonly StreamListener[]): Promise<void> => {
    const keys = new Map(listeners.map(({ companyId, keyId }) => [keyId, { companyId, keyId }]))
    const inForce = await options.keysInForce([...keys.values()])
    for (const listener of listeners) if (!inForce.has(listener.keyId)) listener.end('key_ended')
  }
  const round = async (): Promise<number> => {
    const nowMs = clock.elapsed()
    const listeners = options.listeners()
    for (const listener of listeners) listener.beat(nowMs, heartbeatMs)
    if (listeners.length > 0 && nowMs - keysAtMs >= KEYS_EVERY_MS && !asking) {
      keysAtMs = nowMs
      asking = endOutOfForce(listeners)
        .catch(onError)
        .finally(() => (asking = undefined))
    }
    return Math.min(ROUND_MS, heartbeatMs)
  }
  return new Loop({ clock, round, errorPauseMs: ROUND_MS, onError })
}
