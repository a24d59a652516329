import { setImmediate as nextTurn } from 'node:timers/promises'

const OWN_TURN_MS = 10

/** Long work in steps on a thread that others need too: who asks for {@link next} after each step keeps nobody waiting for long. */
export class TurnTaker {
  readonly #elapsedMs: () => number
  #sinceMs: number

  constructor(elapsedMs: () => number) {
    this.#elapsedMs = elapsedMs
    this.#sinceMs = elapsedMs()
  }

  /** Lets everything else that waits have its turn, where the own one has lasted ten milliseconds. */
  async next(): Promise<void> {
    if (this.#elapsedMs() - this.#sinceMs < OWN_TURN_MS) return
    await nextTurn()
    this.#sinceMs = this.#elapsedMs()
  }
}
