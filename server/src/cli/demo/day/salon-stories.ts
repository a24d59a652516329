import { chance, pick } from '../random.ts'
import { advance, book, cancel, move, pickOpen } from './appointments.ts'
import { newcomer, register } from './customers.ts'
import type { Day } from './day.ts'
import { newThread, seconds } from './day.ts'
import { beServed, planMerge, staffActor } from './follow-ups.ts'
import type { Story } from './happening.ts'
import { onlineBooking } from './online-stories.ts'
import { findSlot, findSlotNow } from './timetable.ts'

/** Someone new comes in from the street, and stays if anyone has time for them. */
export function* walkIn(day: Day): Story {
  const branch = pick(day.random, day.business.branches)
  const service = pick(day.random, day.business.services)
  const thread = newThread(day, 'front-desk')
  const customer = newcomer(day, branch)
  customer.busy++
  const host = staffActor(pick(day.random, branch.staff))
  yield register(day, thread, customer, { actor: host, channel: 'walk_in' })
  planMerge(day, customer)
  yield seconds(day, 20, 60)
  customer.busy--
  const slot = findSlotNow(day, branch, service)
  if (!slot) return
  const wish = { customer, branch, service, slot, status: 'checked_in' } as const
  const { appointment, event } = book(day, thread, wish, { actor: host, channel: 'walk_in' })
  yield event
  yield* beServed(day, thread, appointment)
}

/** Staff go through the calendar: they confirm what was requested, and move or cancel what they cannot keep. */
export function* frontDesk(day: Day): Story {
  const requested = chance(day.random, 0.7) ? pickOpen(day, ({ status }) => status === 'requested') : undefined
  const appointment = requested ?? pickOpen(day)
  if (!appointment) {
    yield* onlineBooking(day)
    return
  }
  const thread = newThread(day, 'front-desk')
  const by = { actor: staffActor(appointment.staff) }
  if (requested) yield advance(day, thread, appointment, 'confirmed', by.actor)
  else if (chance(day.random, 0.3)) yield cancel(day, thread, appointment, by)
  else yield move(day, thread, appointment, findSlot(day, appointment.branch, appointment.service), by)
}
