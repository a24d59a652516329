interface Turns {
  held: number
  /** In the order of asking; each says whether it still wants its turn. */
  readonly waiting: (() => boolean)[]
}

/** At most so many at once per key; others of that key wait in order, and no other key waits for them. */
export class TurnsByKey {
  readonly #atOnce: number
  readonly #byKey = new Map<string, Turns>()

  constructor(atOnce: number) {
    this.#atOnce = atOnce
  }

  /** True: it is the caller's turn, until `give`. False: not within `limitMs`, and there is nothing to give back. */
  async take(key: string, limitMs: number): Promise<boolean> {
    const turns = this.#byKey.get(key)
    if (!turns || turns.held < this.#atOnce) {
      if (turns) turns.held++
      else this.#byKey.set(key, { held: 1, waiting: [] })
      return true
    }
    return await new Promise((resolve) => {
      let isOver = false
      const timer = setTimeout(() => {
        isOver = true
        resolve(false)
      }, limitMs)
      turns.waiting.push(() => {
        if (isOver) return false
        clearTimeout(timer)
        resolve(true)
        return true
      })
    })
  }

  give(key: string): void {
    const turns = this.#byKey.get(key)
    if (!turns) return
    for (let next = turns.waiting.shift(); next; next = turns.waiting.shift()) {
      if (next()) return // the turn goes from hand to hand
    }
    if (--turns.held === 0) this.#byKey.delete(key)
  }
}
