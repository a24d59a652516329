import { pickWeighted } from '../random.ts'
import type { Day } from './day.ts'
import type { Story } from './happening.ts'
import { onlineBooking, onlineChange } from './online-stories.ts'
import { inboundCall, reminderCall } from './phone-stories.ts'
import { frontDesk, walkIn } from './salon-stories.ts'
import { isOpenAt } from './timetable.ts'

type Weighted = readonly (readonly [story: (day: Day) => Story, weight: number])[]

const online: Weighted = [
  [onlineBooking, 34],
  [onlineChange, 10],
]

const inTheSalon: Weighted = [
  [walkIn, 8],
  [frontDesk, 8],
  [inboundCall, 32],
  [reminderCall, 8],
]

/** Something that fits the hour. Its first step is an event: something happens at once. */
export function anyStory(day: Day): Story {
  const fitting = isOpenAt(day, day.nowMs) ? [...online, ...inTheSalon] : online
  return pickWeighted(day.random, fitting)(day)
}
