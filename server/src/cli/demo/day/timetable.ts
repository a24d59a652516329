import { between, chance, pick } from '../random.ts'
import type { Appointment } from './appointments.ts'
import type { Branch, Service, Staff } from './business.ts'
import type { Day } from './day.ts'

export interface Slot {
  readonly staff: Staff
  readonly startMs: number
  readonly endMs: number
}

const dayMs = 86_400_000
const minuteMs = 60_000
const opensAtMinute = 9 * 60
const closesAtMinute = 19 * 60

export function isOpenAt(day: Day, ms: number): boolean {
  const minute = (ms - day.startMs) / minuteMs
  return minute >= opensAtMinute && minute < closesAtMinute
}

/** Free time of someone at the branch, in the days to come; the fuller they are, the further ahead it looks. */
export function findSlot(day: Day, branch: Branch, service: Service): Slot {
  for (let horizonDays = 14; ; horizonDays++) {
    const ahead = between(day.random, 1, horizonDays)
    const slot = slotOn(day, branch, service, day.startMs + ahead * dayMs, opensAtMinute)
    if (slot) return slot
  }
}

/** For some later today, for most in the days to come. */
export function findSlotSoon(day: Day, branch: Branch, service: Service): Slot {
  const today = chance(day.random, 0.15) ? findSlotToday(day, branch, service) : undefined
  return today ?? findSlot(day, branch, service)
}

/** Free time later today, an hour from now or more; undefined when the day is full or over. */
function findSlotToday(day: Day, branch: Branch, service: Service): Slot | undefined {
  const earliest = Math.ceil((day.nowMs - day.startMs) / minuteMs / 15 + 4) * 15
  return slotOn(day, branch, service, day.startMs, Math.max(opensAtMinute, earliest))
}

/** Someone at the branch who is free from now on. */
export function findSlotNow(day: Day, branch: Branch, service: Service): Slot | undefined {
  const startMs = Math.ceil(day.nowMs / minuteMs) * minuteMs + 5 * minuteMs
  const endMs = startMs + service.duration_minutes * minuteMs
  const staff = branch.staff.find((one) => isFreeAt(day, one, startMs, endMs))
  return staff && { staff, startMs, endMs }
}

function isFreeAt(day: Day, staff: Staff, startMs: number, endMs: number): boolean {
  const taken = [...(day.timetable.get(keyOf(day, staff, startMs)) ?? [])]
  return !taken.some((one) => one.startMs < endMs && startMs < one.endMs)
}

export function occupy(day: Day, appointment: Appointment): void {
  const key = keyOf(day, appointment.staff, appointment.startMs)
  const taken = day.timetable.get(key)
  if (taken) taken.add(appointment)
  else day.timetable.set(key, new Set([appointment]))
}

export function vacate(day: Day, appointment: Appointment): void {
  day.timetable.get(keyOf(day, appointment.staff, appointment.startMs))?.delete(appointment)
}

function slotOn(day: Day, branch: Branch, service: Service, midnightMs: number, fromMinute: number): Slot | undefined {
  const quarters = Math.floor((closesAtMinute - service.duration_minutes - fromMinute) / 15)
  if (quarters < 0) return undefined
  const staff = pick(day.random, branch.staff)
  const startMs = midnightMs + (fromMinute + 15 * between(day.random, 0, quarters)) * minuteMs
  const endMs = startMs + service.duration_minutes * minuteMs
  return isFreeAt(day, staff, startMs, endMs) ? { staff, startMs, endMs } : undefined
}

/** Nothing is booked across midnight. */
function keyOf(day: Day, staff: Staff, ms: number): string {
  return `${staff.id} ${Math.floor((ms - day.startMs) / dayMs)}`
}
