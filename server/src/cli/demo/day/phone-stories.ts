import { chance, pick, pickWeighted } from '../random.ts'
import type { Appointment } from './appointments.ts'
import { advance, book, cancel, move, pickOpen } from './appointments.ts'
import type { Call } from './calls.ts'
import { answer, complete, fail, ring, transcribe } from './calls.ts'
import type { Branch } from './business.ts'
import type { Customer } from './customers.ts'
import { isFree, newcomer, register } from './customers.ts'
import type { Day } from './day.ts'
import { minutes, pickFrom, seconds } from './day.ts'
import { planMerge, planVisit, staffActor } from './follow-ups.ts'
import type { Actor, Story } from './happening.ts'
import { onlineBooking } from './online-stories.ts'
import { findSlot, findSlotSoon } from './timetable.ts'

const wishes = [
  ['book', 55],
  ['move', 18],
  ['cancel', 9],
  ['ask', 18],
] as const

/** Someone calls the business, to book, move, cancel or ask. */
export function* inboundCall(day: Day): Story {
  const wish = pickWeighted(day.random, wishes)
  const theirs = wish === 'move' || wish === 'cancel' ? pickOpen(day, ({ customer }) => isFree(customer)) : undefined
  const known = theirs?.customer ?? (chance(day.random, 0.45) ? pickFrom(day, day.customers, isFree) : undefined)
  const branch = theirs?.branch ?? known?.branch ?? pick(day.random, day.business.branches)
  const caller = known ?? newcomer(day, branch)
  caller.busy++
  if (theirs) theirs.reserved = true

  const purpose = wish === 'ask' ? 'support' : 'booking'
  const { call, event } = ring(day, { branch, direction: 'inbound', phone: caller.phone, purpose, customer: known })
  yield event
  if (chance(day.random, 0.08)) {
    yield seconds(day, 20, 60)
    yield fail(day, call, 'abandoned')
  } else {
    yield seconds(day, 3, 20)
    const handler = handlerOf(day, branch)
    yield answer(day, call, handler)
    yield seconds(day, 20, 150)
    if (theirs) yield* changeByPhone(day, call, theirs, wish === 'cancel', handler)
    else if (wish === 'ask') yield complete(day, call, 'question_answered')
    else yield* bookByPhone(day, call, caller, handler)
  }
  caller.busy--
  if (theirs) theirs.reserved = false
  if (call.answerMs === undefined || chance(day.random, 0.4)) return
  yield minutes(day, 1, 4)
  yield transcribe(day, call)
}

/** The business calls a customer about an appointment to come. */
export function* reminderCall(day: Day): Story {
  const appointment = pickOpen(day, ({ customer }) => isFree(customer))
  if (!appointment) {
    yield* onlineBooking(day)
    return
  }
  const { customer, branch } = appointment
  customer.busy++
  appointment.reserved = true
  const about = { branch, direction: 'outbound', phone: customer.phone, purpose: 'reminder' } as const
  const { call, event } = ring(day, { ...about, customer, appointment })
  yield event
  if (chance(day.random, 0.35)) {
    yield seconds(day, 15, 35)
    yield fail(day, call, pick(day.random, ['no_answer', 'busy']))
  } else {
    yield seconds(day, 4, 15)
    const bot: Actor = { type: 'agent', id: 'reminder-bot' }
    yield answer(day, call, bot)
    yield seconds(day, 15, 50)
    if (appointment.status === 'requested') yield advance(day, call.thread, appointment, 'confirmed', bot)
    yield seconds(day, 2, 9)
    yield complete(day, call, 'appointment_confirmed')
  }
  customer.busy--
  appointment.reserved = false
}

function* bookByPhone(day: Day, call: Call, caller: Customer, handler: Actor): Story {
  const by = { actor: handler, channel: 'phone', callId: call.id } as const
  const { branch } = call
  if (!call.customer) {
    call.customer = caller
    caller.calls++
    yield register(day, call.thread, caller, by)
    planMerge(day, caller)
    yield seconds(day, 10, 60)
  }
  const service = pick(day.random, day.business.services)
  const slot = findSlotSoon(day, branch, service)
  const wish = { customer: caller, branch, service, slot, status: 'confirmed' } as const
  const { appointment, event } = book(day, call.thread, wish, by)
  call.appointment = appointment
  planVisit(day, appointment)
  yield event
  yield seconds(day, 5, 40)
  yield complete(day, call, 'appointment_booked')
}

function* changeByPhone(day: Day, call: Call, appointment: Appointment, isCancelled: boolean, handler: Actor): Story {
  const by = { actor: handler, channel: 'phone', callId: call.id } as const
  const { branch, service } = appointment
  call.appointment = appointment
  if (isCancelled) yield cancel(day, call.thread, appointment, by)
  else yield move(day, call.thread, appointment, findSlot(day, branch, service), by)
  yield seconds(day, 5, 40)
  yield complete(day, call, isCancelled ? 'appointment_cancelled' : 'appointment_rescheduled')
}

/** A person at the branch, or the agent that helps them out. */
function handlerOf(day: Day, branch: Branch): Actor {
  if (chance(day.random, 0.3)) return { type: 'agent', id: 'voice-desk', name: 'Voice desk' }
  return staffActor(pick(day.random, branch.staff))
}
