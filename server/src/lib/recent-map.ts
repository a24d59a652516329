/**
 * A map that forgets what was not used for the longest time, so that its memory has a bound: it holds the last `size`
 * names that were used, and up to as many more. Two plain maps: a full one becomes the old one, and what is found there
 * moves into the new one.
 */
export class RecentMap<Value> {
  readonly #size: number
  #young = new Map<string, Value>()
  #old = new Map<string, Value>()

  constructor(size: number) {
    this.#size = size
  }

  get(name: string): Value | undefined {
    const value = this.#young.get(name)
    if (value !== undefined) return value
    const old = this.#old.get(name)
    if (old !== undefined) this.set(name, old)
    return old
  }

  set(name: string, value: Value): void {
    if (this.#young.size >= this.#size && !this.#young.has(name)) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(name, value)
  }
}
