import type { Clock } from '../../src/lib/clock.ts'
import { systemClock } from '../../src/lib/clock.ts'

/** The system's clock, whose wall time is turned by hand. The database has its own. */
export interface TurnedClock extends Clock {
  turn(ms: number): void
}

export function turnedClock(): TurnedClock {
  let offsetMs = 0
  return {
    ...systemClock,
    now: () => Date.now() + offsetMs,
    turn: (ms) => {
      offsetMs += ms
    },
  }
}
