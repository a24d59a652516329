import { anyStory } from './day/any-story.ts'
import { localMidnight } from './day/business.ts'
import type { Day } from './day/day.ts'
import { openDay } from './day/day.ts'
import type { Happening, Story } from './day/happening.ts'
import type { Random } from './random.ts'
import { between, pickWeighted, seededRandom } from './random.ts'

export interface BookingDayOptions {
  /** How many events. */
  readonly events: number
  readonly seed: number
  /** The day is the last one that was over before this moment. */
  readonly nowMs: number
  /** UUIDv7. */
  readonly newEventId: () => string
}

/**
 * A day of a chain of salons, event by event in the order of their time: customers register, book, move, cancel and come;
 * they call and are called; records of the same person are merged. Every event follows from the state that those before it
 * made: ids refer to what exists, nothing is cancelled twice, nobody is in two places at once. So any beginning
 * of a day is as consistent as the whole.
 *
 * The same options, with ids that come in the same order, give the same day.
 */
export function* bookingDay(options: BookingDayOptions): Generator<Happening, void> {
  const { events, seed, nowMs, newEventId } = options
  const startMs = localMidnight(localMidnight(nowMs) - 1)
  const day = openDay({ random: seededRandom(seed), events, startMs, newEventId })
  for (const atMs of arrivalTimes(day.random, events / eventsPerArrival)) day.agenda.plan(startMs + atMs, arrival(day))
  for (let left = events; left > 0;) {
    const next = day.agenda.takeNext()
    if (!next || next.atMs >= day.endMs) {
      planLateArrivals(day, left)
      continue
    }
    day.nowMs = next.atMs
    for (const event of goOn(day, next.item)) {
      yield event
      if (--left === 0) return
    }
  }
}

/** What a story does now; if it goes on after a pause, that is planned. */
function* goOn(day: Day, story: Story): Generator<Happening, void> {
  for (let step = story.next(); !step.done; step = story.next()) {
    if (typeof step.value === 'number') {
      day.agenda.plan(day.nowMs + step.value, story)
      return
    }
    yield step.value
  }
}

/** Decides what it is only when its time comes, by how things stand then. */
function* arrival(day: Day): Story {
  yield* anyStory(day)
}

/** On average, counted over many days. It only decides how evenly a day is filled. */
const eventsPerArrival = 2.45

/** How many arrive in which hour, from seven in the morning on, in proportion. */
const arrivalsByHour = [2, 5, 9, 10, 9, 8, 6, 8, 8, 8, 9, 8, 6, 4, 2].map((weight, at) => [7 + at, weight] as const)

function arrivalTimes(random: Random, count: number): number[] {
  const hour = 3_600_000
  return Array.from({ length: Math.ceil(count) }, () => {
    return pickWeighted(random, arrivalsByHour) * hour + between(random, 0, hour - 1)
  })
}

/** The day was quieter than planned: the missing events happen in the first half of the time that is left. */
function planLateArrivals(day: Day, missing: number): void {
  const fromMs = Math.max(day.nowMs, day.startMs + 7 * 3_600_000)
  const untilMs = Math.floor((fromMs + day.endMs) / 2)
  const count = Math.ceil(missing / eventsPerArrival)
  for (let one = 0; one < count; one++) day.agenda.plan(between(day.random, fromMs, untilMs), arrival(day))
}
