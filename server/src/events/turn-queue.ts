/** What waits, by who waits: owners take turns, each in the order of arrival. */
export class TurnQueue<Item> {
  readonly #perOwnerMax: number
  readonly #totalMax: number
  /** The owner whose turn is next comes first. */
  readonly #waiting = new Map<string, Item[]>()
  #total = 0

  constructor(limits: { readonly perOwner: number; readonly total: number }) {
    this.#perOwnerMax = limits.perOwner
    this.#totalMax = limits.total
  }

  /** False if the owner, or all together, have as much waiting as may be. */
  add(owner: string, item: Item): boolean {
    const own = this.#waiting.get(owner) ?? []
    if (own.length >= this.#perOwnerMax || this.#total >= this.#totalMax) return false
    own.push(item)
    this.#waiting.set(owner, own)
    this.#total++
    return true
  }

  /** Takes one out; undefined if nothing waits. */
  next(): Item | undefined {
    for (const [owner, own] of this.#waiting) {
      const item = own.shift()
      this.#waiting.delete(owner)
      if (own.length > 0) this.#waiting.set(owner, own) // at the end
      this.#total--
      return item
    }
    return undefined
  }
}
