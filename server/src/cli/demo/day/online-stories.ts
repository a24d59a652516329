import { chance, pick } from '../random.ts'
import { book, cancel, move, pickOpen } from './appointments.ts'
import { isFree, newcomer, register } from './customers.ts'
import type { Day } from './day.ts'
import { newThread, pickFrom, seconds } from './day.ts'
import { planMerge, planVisit } from './follow-ups.ts'
import type { Actor, Story } from './happening.ts'
import { findSlot, findSlotSoon } from './timetable.ts'

/** A customer books on the website or in the app, and registers before if new. */
export function* onlineBooking(day: Day): Story {
  const channel = pick(day.random, ['website', 'app'] as const)
  const branch = pick(day.random, day.business.branches)
  const known = chance(day.random, 0.5) ? pickFrom(day, day.customers, isFree) : undefined
  const customer = known ?? newcomer(day, branch)
  const thread = newThread(day, channel)
  const actor: Actor = { type: 'customer', id: customer.id }
  customer.busy++
  if (!known) {
    yield register(day, thread, customer, { actor, channel })
    planMerge(day, customer)
    yield seconds(day, 1, 40)
  }
  const service = pick(day.random, day.business.services)
  const slot = findSlotSoon(day, branch, service)
  const status = chance(day.random, 0.2) ? 'requested' : 'confirmed'
  const { appointment, event } = book(day, thread, { customer, branch, service, slot, status }, { actor, channel })
  customer.busy--
  planVisit(day, appointment)
  yield event
}

/** A customer moves or cancels an appointment without asking anyone. */
export function* onlineChange(day: Day): Story {
  const appointment = pickOpen(day, ({ customer }) => isFree(customer))
  if (!appointment) {
    yield* onlineBooking(day)
    return
  }
  const channel = pick(day.random, ['website', 'app'] as const)
  const by = { actor: { type: 'customer', id: appointment.customer.id }, channel } as const
  const thread = newThread(day, channel)
  if (chance(day.random, 0.4)) yield cancel(day, thread, appointment, by)
  else yield move(day, thread, appointment, findSlot(day, appointment.branch, appointment.service), by)
}
