interface Entry<Item> {
  readonly atMs: number
  readonly item: Item
}

/** What is still to come, in the order of time; at the same time, in the order in which it was planned. */
export class Agenda<Item> {
  /** Latest first, so that the next one is taken from the end. */
  readonly #entries: Entry<Item>[] = []

  plan(atMs: number, item: Item): void {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#entries[middle]?.atMs ?? 0) > atMs) low = middle + 1
      else high = middle
    }
    this.#entries.splice(low, 0, { atMs, item })
  }

  takeNext(): Entry<Item> | undefined {
    return this.#entries.pop()
  }
}
