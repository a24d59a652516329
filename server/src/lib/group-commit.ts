export interface GroupCommitOptions<Item> {
  /** Writes the items together. It settles each item itself and never rejects. */
  readonly write: (items: readonly Item[]) => Promise<void>
  /** How much an item counts towards `weightMax`. */
  readonly weight: (item: Item) => number
  /** A group takes items until it weighs this much; a single heavier item is a group of its own. */
  readonly weightMax: number
  /** Groups written at the same time. */
  readonly writersMax: number
}

/**
 * Commits what arrives while a commit is under way together with the next one: a lone item is written at once, and under
 * load groups grow to what the disk's pace asks for. No timer, no waiting for company.
 */
export class GroupCommit<Item> {
  readonly #options: GroupCommitOptions<Item>
  #queue: Item[] = []
  #head = 0
  #writers = 0
  #scheduled = false
  #onIdle: (() => void)[] = []

  constructor(options: GroupCommitOptions<Item>) {
    this.#options = options
  }

  /** Items not yet handed to a writer. */
  get waiting(): number {
    return this.#queue.length - this.#head
  }

  add(item: Item): void {
    this.#queue.push(item)
    if (this.#scheduled) return
    this.#scheduled = true
    // Everything that arrives in the same turn of the event loop goes into the same group.
    setImmediate(() => {
      this.#scheduled = false
      this.#pump()
    })
  }

  /** Resolves when everything added so far is settled. */
  async idle(): Promise<void> {
    if (this.waiting === 0 && this.#writers === 0) return
    await new Promise<void>((resolve) => this.#onIdle.push(resolve))
  }

  #pump(): void {
    while (this.#writers < this.#options.writersMax && this.waiting > 0) {
      this.#writers++
      void this.#options.write(this.#take()).finally(() => {
        this.#writers--
        this.#pump()
      })
    }
    if (this.waiting > 0 || this.#writers > 0) return
    const resolvers = this.#onIdle
    this.#onIdle = []
    for (const resolve of resolvers) resolve()
  }

  #take(): readonly Item[] {
    const { weight, weightMax } = this.#options
    const from = this.#head
    let total = 0
    while (this.#head < this.#queue.length) {
      const item = this.#queue[this.#head] as Item
      total += weight(item)
      if (total > weightMax && this.#head > from) break
      this.#head++
    }
    const taken = this.#queue.slice(from, this.#head)
    if (this.#head === this.#queue.length) {
      this.#queue = []
      this.#head = 0
    } else if (this.#head > 4_096) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
    return taken
  }
}
