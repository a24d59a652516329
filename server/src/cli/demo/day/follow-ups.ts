/** What comes of something later in the day. */
import { chance } from '../random.ts'
import type { Appointment } from './appointments.ts'
import { advance } from './appointments.ts'
import type { Staff } from './business.ts'
import type { Customer } from './customers.ts'
import { isFree, merge } from './customers.ts'
import type { Day } from './day.ts'
import { minutes, newThread } from './day.ts'
import type { Actor, Story, Thread } from './happening.ts'

/** If the appointment is today, the customer will come, or not. */
export function planVisit(day: Day, appointment: Appointment): void {
  if (appointment.startMs < day.endMs)
    day.agenda.plan(appointment.startMs - minutes(day, 1, 9), visit(day, appointment))
}

/** If there is an older record of the same person, somebody will notice. */
export function planMerge(day: Day, customer: Customer): void {
  if (customer.twinOf) day.agenda.plan(day.nowMs + minutes(day, 20, 120), tidyUp(day, customer, customer.twinOf))
}

export function staffActor({ id, name }: Staff): Actor {
  return { type: 'staff', id, name }
}

function* visit(day: Day, appointment: Appointment): Story {
  const { startMs, status, reserved } = appointment
  const isStillDue = startMs >= day.nowMs && startMs <= day.nowMs + 600_000
  if (status !== 'confirmed' || reserved || !isStillDue) return
  appointment.reserved = true
  const thread = newThread(day, 'front-desk')
  const actor = staffActor(appointment.staff)
  if (chance(day.random, 0.9)) {
    yield advance(day, thread, appointment, 'checked_in', actor)
    yield* beServed(day, thread, appointment)
  } else {
    yield startMs - day.nowMs + minutes(day, 15, 25)
    yield advance(day, thread, appointment, 'no_show', actor)
  }
}

/** From the waiting chair to the door. */
export function* beServed(day: Day, thread: Thread, appointment: Appointment): Story {
  const actor = staffActor(appointment.staff)
  yield Math.max(0, appointment.startMs - day.nowMs) + minutes(day, 0, 4)
  yield advance(day, thread, appointment, 'in_progress', actor)
  yield appointment.endMs - appointment.startMs - minutes(day, 0, 4)
  yield advance(day, thread, appointment, 'completed', actor)
}

/** Two records of one person become one, as soon as nothing is going on with either. */
function* tidyUp(day: Day, from: Customer, twin: Customer): Story {
  const actor: Actor = chance(day.random, 0.7)
    ? { type: 'system', id: 'duplicate-finder' }
    : { type: 'staff', id: 'stf_office' }
  for (let isMerged = false; !isMerged;) {
    isMerged = isFree(from) && isFree(twin)
    yield isMerged ? merge(day, newThread(day, 'crm'), from, twin, actor) : minutes(day, 5, 15)
  }
}
