import type { Clock } from './clock.ts'

export interface LoopOptions {
  readonly clock: Clock
  /**
   * One piece of work. Answers with the milliseconds to rest before the next round; 0 means there is more to do now.
   * `signal` is aborted when the loop is asked to stop.
   */
  readonly round: (signal: AbortSignal) => Promise<number>
  /** Rest after a round that threw, so that a broken database is asked once per pause and not in a tight circle. */
  readonly errorPauseMs: number
  readonly onError: (error: unknown) => void
}

/**
 * The one form of every background loop: rounds, one at a time, until stopped.
 *
 * `start` and `stop` may be called in any order and more than once. `stop` resolves when the last round has ended.
 * `wake` ends the present rest; a wake during a round is not lost, the next round follows at once.
 */
export class Loop {
  readonly #options: LoopOptions
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #rest: AbortController | undefined
  #woken = false

  constructor(options: LoopOptions) {
    this.#options = options
  }

  start(): void {
    if (this.#stopping.signal.aborted) return
    this.#running ??= this.#run()
  }

  wake(): void {
    this.#woken = true
    this.#rest?.abort('woken') // without a reason given, an error with a stack is made
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#rest?.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock, errorPauseMs, onError, round } = this.#options
    const { signal } = this.#stopping
    while (!signal.aborted) {
      this.#woken = false
      let restMs: number
      let failed = false
      try {
        restMs = await round(signal)
      } catch (error) {
        onError(error)
        restMs = errorPauseMs
        failed = true
      }
      if (signal.aborted || restMs <= 0 || (this.#woken && !failed)) continue
      this.#rest = new AbortController()
      await clock.sleep(restMs, this.#rest.signal)
      this.#rest = undefined
    }
  }
}
