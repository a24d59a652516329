import type { Clock } from '../lib/clock.ts'
import { spentSteps } from '../lib/filter/purse.ts'

/** Events are judged for so long in one transaction or without letting others go on: it holds the heads of companies. */
export const JUDGING_MAX_MS = 250

/** Questions that cost fewer steps are as quick as looking at the clock. */
const COSTLY_STEPS = 5_000
const LOOK_EVERY = 16

/** The time in which filters are asked, from when this is made. One question more may be asked than there was time for. */
export class JudgingTime {
  readonly #clock: Pick<Clock, 'elapsed'>
  readonly #endsMs: number
  #unlooked = 0

  constructor(clock: Pick<Clock, 'elapsed'>, maxMs: number) {
    this.#clock = clock
    this.#endsMs = clock.elapsed() + maxMs
  }

  isUp(): boolean {
    this.#unlooked = 0
    return this.#clock.elapsed() >= this.#endsMs
  }

  /** To be asked after each filter; looks at the clock after a costly one, and after every few. */
  isUpAfterFilter(): boolean {
    this.#unlooked++
    return (this.#unlooked >= LOOK_EVERY || spentSteps() > COSTLY_STEPS) && this.isUp()
  }
}
