interface Count {
  /** When its publish was answered; undefined for an event that is under way, or that an earlier run published. */
  acceptedAtMs?: number
  receivedAtMs?: number
  copies: number
}

/** What a demo ends with. Milliseconds with two decimals; null when nothing arrived. */
export interface DemoResult {
  readonly published: number
  readonly delivered: number
  /** Calls that the receiver got. */
  readonly attempts: number
  readonly lost: number
  readonly duplicated: number
  readonly p50_ms: number | null
  readonly p99_ms: number | null
}

/** Holds every id that was published against every id that arrived. Times are of one clock that never jumps. */
export class Tally {
  readonly #counts = new Map<string, Count>()
  #published = 0
  #delivered = 0
  #attempts = 0

  /** Accepted by the server. */
  get published(): number {
    return this.#published
  }

  /** Of those, how many have arrived. */
  get delivered(): number {
    return this.#delivered
  }

  get attempts(): number {
    return this.#attempts
  }

  /** Events that arrived and that nobody published since this tally began. */
  get earlier(): number {
    return [...this.#counts.values()].filter(({ acceptedAtMs }) => acceptedAtMs === undefined).length
  }

  accept(id: string, atMs: number): void {
    const count = this.#countOf(id)
    if (count.acceptedAtMs !== undefined) return
    count.acceptedAtMs = atMs
    this.#published++
    if (count.copies > 0) this.#delivered++
  }

  receive(id: string, atMs: number): void {
    const count = this.#countOf(id)
    this.#attempts++
    count.copies++
    if (count.copies > 1) return
    count.receivedAtMs = atMs
    if (count.acceptedAtMs !== undefined) this.#delivered++
  }

  /** A call that could not be attributed to an event. */
  refuse(): void {
    this.#attempts++
  }

  result(): DemoResult {
    const counts = [...this.#counts.values()]
    const latencies = counts.flatMap(latencyOf).sort((a, b) => a - b)
    return {
      published: this.#published,
      delivered: this.#delivered,
      attempts: this.#attempts,
      lost: this.#published - this.#delivered,
      duplicated: counts.reduce((sum, { copies }) => sum + Math.max(0, copies - 1), 0),
      p50_ms: percentile(latencies, 0.5),
      p99_ms: percentile(latencies, 0.99),
    }
  }

  #countOf(id: string): Count {
    let count = this.#counts.get(id)
    if (!count) this.#counts.set(id, (count = { copies: 0 }))
    return count
  }
}

/**
 * From commit to first receipt. The commit lies just before the answer to the publish, so the answer's arrival stands for
 * it; an event that came in before that answer counts as 0.
 */
function latencyOf({ acceptedAtMs, receivedAtMs }: Count): number[] {
  if (acceptedAtMs === undefined || receivedAtMs === undefined) return []
  return [Math.max(0, receivedAtMs - acceptedAtMs)]
}

/** Nearest rank. */
function percentile(sorted: readonly number[], share: number): number | null {
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
  return value === undefined ? null : Math.round(value * 100) / 100
}
