import type { LoggedEvent } from './event.ts'

/**
 * Events committed by this process a moment ago, so that routing and delivery need not read them back. Only ever a copy
 * of what the log holds: a miss costs a read, never correctness. Bounded by bytes; the oldest leave first.
 */
export class RecentEvents {
  readonly #bytesMax: number
  readonly #events = new Map<string, LoggedEvent>()
  #bytes = 0

  constructor(bytesMax = 4 * 1024 * 1024) {
    this.#bytesMax = bytesMax
  }

  add(event: LoggedEvent): void {
    const key = keyOf(event.companyId, event.id)
    if (this.#events.has(key)) return
    this.#events.set(key, event)
    this.#bytes += weightOf(event)
    for (const [oldest, old] of this.#events) {
      if (this.#bytes <= this.#bytesMax) break
      this.#events.delete(oldest)
      this.#bytes -= weightOf(old)
    }
  }

  get(companyId: string, id: string): LoggedEvent | undefined {
    return this.#events.get(keyOf(companyId, id))
  }
}

function keyOf(companyId: string, id: string): string {
  return companyId + id
}

/** Roughly the memory an event takes: its text and a fixed share for the object around it. */
function weightOf(event: LoggedEvent): number {
  return event.payload.length + 2_000
}
