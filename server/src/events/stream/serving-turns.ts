import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../lib/clock.ts'

export type Lane = 'quick' | 'costly'

export interface ServingTurnsOptions<Item> {
  readonly clock: Clock
  /** A few milliseconds of work at most. Answers whether there is more to do for the item. */
  readonly step: (item: Item) => boolean
  /** A step threw; the item is dropped. */
  readonly onError: (error: unknown) => void
  /** Nobody waits any more. */
  readonly onIdle: () => void
}

const TURN_MS = 10
/** What took less is not rested from. */
const SHORT_MS = 5

/**
 * One worker for all who wait for a page. However many they are, the thread is held for one turn of ten milliseconds and is
 * then free for what else waits: a chain of turns for each of them would hold it for the turns of all.
 *
 * Within a lane everyone has one step in turn. The lanes take turns too, so that nobody quick waits for all that is costly.
 * The costly lane rests as long as it worked.
 */
export class ServingTurns<Item> {
  readonly #options: ServingTurnsOptions<Item>
  readonly #lanes: Readonly<Record<Lane, Set<Item>>> = { quick: new Set(), costly: new Set() }
  #costlyFromMs = 0
  #isRunning = false
  #rest: AbortController | undefined

  constructor(options: ServingTurnsOptions<Item>) {
    this.#options = options
  }

  /** Safe to call for an item that waits already, and from within a step. */
  add(item: Item, lane: Lane): void {
    this.#lanes[lane].add(item)
    if (lane === 'quick') this.#rest?.abort('quick work')
    if (!this.#isRunning) void this.#run()
  }

  async #run(): Promise<void> {
    const { clock, onIdle } = this.#options
    const { quick, costly } = this.#lanes
    this.#isRunning = true
    while (quick.size + costly.size > 0) {
      this.#turn(quick)
      if (quick.size > 0) await nextTurn()
      if (costly.size === 0) continue
      const restMs = this.#costlyFromMs - clock.elapsed()
      if (restMs <= 0) {
        await nextTurn()
        const tookMs = this.#turn(costly)
        this.#costlyFromMs = clock.elapsed() + (tookMs < SHORT_MS ? 0 : tookMs)
        await nextTurn()
      } else if (quick.size === 0) {
        this.#rest = new AbortController()
        await clock.sleep(restMs, this.#rest.signal)
        this.#rest = undefined
      }
    }
    this.#isRunning = false
    onIdle()
  }

  /** Answers with the milliseconds that it took. */
  #turn(lane: Set<Item>): number {
    const { clock, step, onError } = this.#options
    const startMs = clock.elapsed()
    let tookMs = 0
    // What is added again while a set is walked through comes last, and is come to.
    for (const item of lane) {
      lane.delete(item)
      try {
        if (step(item)) lane.add(item)
      } catch (error) {
        onError(error)
      }
      tookMs = clock.elapsed() - startMs
      if (tookMs >= TURN_MS) break
    }
    return tookMs
  }
}
