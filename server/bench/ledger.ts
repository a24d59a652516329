/** What the receiver answered: ids of events, with the arrival of each. */
export interface Receipts {
  readonly ids: readonly string[]
  readonly atMs: Float64Array
}

/**
 * Reconciles every event over the whole run: what was accepted has to be received, once. An event goes to one subscription
 * here, so its id names its delivery. A publish that was not answered with a 2xx owes nothing.
 */
export class Ledger {
  readonly #accepted = new Set<string>()
  readonly #receivedAtMs = new Map<string, number>()
  #duplicated = 0

  accept(ids: readonly string[]): void {
    for (const id of ids) this.#accepted.add(id)
  }

  receive({ ids, atMs }: Receipts): void {
    for (const [index, id] of ids.entries()) {
      if (this.#receivedAtMs.has(id)) this.#duplicated++
      else this.#receivedAtMs.set(id, atMs[index] ?? Number.NaN)
    }
  }

  /** When the first copy arrived; undefined while none did. */
  receivedAtMs(id: string): number | undefined {
    return this.#receivedAtMs.get(id)
  }

  get accepted(): number {
    return this.#accepted.size
  }

  /** Accepted and not received so far. */
  get lost(): number {
    let lost = 0
    for (const id of this.#accepted) if (!this.#receivedAtMs.has(id)) lost++
    return lost
  }

  /** Copies beyond the first. */
  get duplicated(): number {
    return this.#duplicated
  }
}
