import { pick } from '../random.ts'
import type { Branch, Service, Staff } from './business.ts'
import { localTime, timeZone } from './business.ts'
import type { Customer } from './customers.ts'
import type { Day } from './day.ts'
import { happen, newBusinessId, pickFrom } from './day.ts'
import type { Actor, Happening, Thread } from './happening.ts'
import type { Slot } from './timetable.ts'
import { occupy, vacate } from './timetable.ts'

type Status = 'requested' | 'confirmed' | 'checked_in' | 'in_progress' | 'completed' | 'no_show' | 'cancelled'
type Channel = 'website' | 'app' | 'phone' | 'walk_in'

export interface Appointment {
  readonly id: string
  customer: Customer
  readonly branch: Branch
  readonly service: Service
  staff: Staff
  startMs: number
  endMs: number
  status: Status
  moves: number
  /** A story is about to change it; others leave it alone. */
  reserved: boolean
}

interface By {
  readonly actor: Actor
  readonly channel?: Channel
  readonly callId?: string
}

/** Puts an appointment in the calendar; the event is of now. */
export function book(
  day: Day,
  thread: Thread,
  wish: {
    readonly customer: Customer
    readonly branch: Branch
    readonly service: Service
    readonly slot: Slot
    readonly status: 'requested' | 'confirmed' | 'checked_in'
  },
  by: By,
): { readonly appointment: Appointment; readonly event: Happening } {
  const { customer, branch, service, slot, status } = wish
  const id = newBusinessId(day, 'apt')
  const appointment: Appointment = { id, customer, branch, service, ...slot, status, moves: 0, reserved: false }
  const isFirst = customer.appointments.size === 0
  customer.appointments.add(appointment)
  if (status !== 'checked_in') day.open.add(appointment)
  occupy(day, appointment)
  const event = happen(day, thread, by.actor, 'appointment.created', {
    ...placeOf(appointment),
    ...(by.callId !== undefined && { call_id: by.callId }),
    service,
    ...timesOf(appointment),
    duration_minutes: service.duration_minutes,
    status,
    ...(by.channel && { channel: by.channel }),
    booked_by: whoOf(by.actor),
    price: service.price,
    first_visit: isFirst && customer.twinOf === undefined,
  })
  return { appointment, event }
}

/** Moves an open appointment to another time. */
export function move(day: Day, thread: Thread, appointment: Appointment, slot: Slot, by: By): Happening {
  checkOpen(appointment)
  const previous = {
    starts_at: localTime(appointment.startMs),
    ends_at: localTime(appointment.endMs),
    staff_id: appointment.staff.id,
  }
  vacate(day, appointment)
  Object.assign(appointment, slot)
  appointment.moves++
  occupy(day, appointment)
  return happen(day, thread, by.actor, 'appointment.rescheduled', {
    ...placeOf(appointment),
    ...(by.callId !== undefined && { call_id: by.callId }),
    service: appointment.service,
    ...timesOf(appointment),
    previous,
    rescheduled_by: whoOf(by.actor),
    rescheduled_at: localTime(day.nowMs),
    ...(by.channel && { channel: by.channel }),
    reason:
      by.actor.type === 'staff' && by.callId === undefined
        ? 'staff_unavailable'
        : pick(day.random, ['customer_request', 'schedule_conflict', 'illness']),
    reschedule_count: appointment.moves,
  })
}

/** Cancels an open appointment; its time is free again. */
export function cancel(day: Day, thread: Thread, appointment: Appointment, by: By): Happening {
  checkOpen(appointment)
  vacate(day, appointment)
  day.open.delete(appointment)
  appointment.status = 'cancelled'
  const noticeMinutes = Math.floor((appointment.startMs - day.nowMs) / 60_000)
  return happen(day, thread, by.actor, 'appointment.cancelled', {
    ...placeOf(appointment),
    ...(by.callId !== undefined && { call_id: by.callId }),
    service: appointment.service,
    ...timesOf(appointment),
    cancelled_at: localTime(day.nowMs),
    cancelled_by: whoOf(by.actor),
    ...(by.channel && { channel: by.channel }),
    reason:
      by.actor.type === 'staff' && by.callId === undefined
        ? 'staff_unavailable'
        : pick(day.random, ['customer_request', 'illness', 'schedule_conflict', 'booked_by_mistake']),
    notice_minutes: noticeMinutes,
    late: noticeMinutes < 24 * 60,
  })
}

/** The next status of an appointment that is not cancelled. */
export function advance(
  day: Day,
  thread: Thread,
  appointment: Appointment,
  status: 'confirmed' | 'checked_in' | 'in_progress' | 'completed' | 'no_show',
  actor: Actor,
): Happening {
  const before = appointment.status
  if (before === 'cancelled') throw new Error(`${appointment.id} is cancelled`)
  appointment.status = status
  if (status !== 'confirmed') day.open.delete(appointment)
  return happen(day, thread, actor, 'appointment.updated', {
    ...placeOf(appointment),
    ...timesOf(appointment),
    status,
    changes: { status: { before, after: status } },
    updated_by: whoOf(actor),
    updated_at: localTime(day.nowMs),
  })
}

/** One that can be moved or cancelled and that no other story is at; `fits` may ask for more. */
export function pickOpen(day: Day, fits: (appointment: Appointment) => boolean = () => true): Appointment | undefined {
  return pickFrom(day, day.open, (one) => !one.reserved && one.startMs > day.nowMs + 600_000 && fits(one))
}

function checkOpen({ id, status }: Appointment): void {
  if (status !== 'requested' && status !== 'confirmed') throw new Error(`${id} is ${status}`)
}

function placeOf({ id, customer, branch, staff }: Appointment): Readonly<Record<string, string>> {
  return { appointment_id: id, customer_id: customer.id, branch_id: branch.id, staff_id: staff.id }
}

function timesOf({ startMs, endMs }: Appointment): Readonly<Record<string, string>> {
  return { starts_at: localTime(startMs), ends_at: localTime(endMs), time_zone: timeZone }
}

function whoOf({ type, id }: Actor): { readonly type: Actor['type']; readonly id: string } {
  return { type, id }
}
