import type { Appointment } from './appointments.ts'
import type { Branch } from './business.ts'
import { localTime } from './business.ts'
import type { Customer } from './customers.ts'
import { survivor } from './customers.ts'
import type { Day } from './day.ts'
import { happen, newBusinessId } from './day.ts'
import type { Actor, Happening, Thread } from './happening.ts'

export interface Call {
  readonly id: string
  readonly thread: Thread
  readonly branch: Branch
  readonly direction: 'inbound' | 'outbound'
  readonly from: string
  readonly to: string
  readonly startMs: number
  /** Undefined while the caller is not recognised. */
  customer: Customer | undefined
  appointment: Appointment | undefined
  /** Who speaks for the business, once somebody does. */
  handler: Actor | undefined
  answerMs: number | undefined
}

type Outcome =
  | 'appointment_booked'
  | 'appointment_rescheduled'
  | 'appointment_cancelled'
  | 'appointment_confirmed'
  | 'question_answered'

const telephony: Actor = { type: 'system', id: 'telephony' }

/** A call begins: somebody's phone rings. */
export function ring(
  day: Day,
  about: {
    readonly branch: Branch
    readonly direction: 'inbound' | 'outbound'
    readonly phone: string
    readonly purpose: 'booking' | 'reminder' | 'support'
    readonly customer?: Customer | undefined
    readonly appointment?: Appointment
  },
): { readonly call: Call; readonly event: Happening } {
  const { branch, direction, phone, purpose, customer, appointment } = about
  const id = newBusinessId(day, 'call')
  const [from, to] = direction === 'inbound' ? [phone, branch.phone] : [branch.phone, phone]
  const thread = { correlationId: id, source: 'phone-system' }
  const startMs = day.nowMs
  const call: Call = {
    id,
    thread,
    branch,
    direction,
    from,
    to,
    startMs,
    customer,
    appointment,
    handler: undefined,
    answerMs: undefined,
  }
  if (customer) customer.calls++
  const event = happen(day, thread, telephony, 'call.created', {
    ...partiesOf(call),
    direction,
    from,
    to,
    started_at: localTime(startMs),
    status: 'ringing',
    purpose,
    ...(direction === 'inbound' && { queue: 'front-desk' }),
    provider: 'example-voice',
  })
  return { call, event }
}

export function answer(day: Day, call: Call, handler: Actor | undefined): Happening {
  const at = localTime(day.nowMs)
  call.handler = handler
  call.answerMs = day.nowMs
  return happen(day, call.thread, telephony, 'call.updated', {
    ...partiesOf(call),
    direction: call.direction,
    status: 'in_progress',
    changes: { status: { before: 'ringing', after: 'in_progress' }, answered_at: { after: at } },
    answered_at: at,
    updated_at: at,
  })
}

/** Nobody answered, or the caller gave up. */
export function fail(day: Day, call: Call, failureCode: 'abandoned' | 'no_answer' | 'busy'): Happening {
  return happen(day, call.thread, telephony, 'call.failed', {
    ...partiesOf(call),
    direction: call.direction,
    from: call.from,
    to: call.to,
    started_at: localTime(call.startMs),
    failed_at: localTime(day.nowMs),
    failure_code: failureCode,
    wait_seconds: Math.round((day.nowMs - call.startMs) / 1_000),
  })
}

export function complete(day: Day, call: Call, outcome: Outcome): Happening {
  const answerMs = call.answerMs ?? call.startMs
  return happen(day, call.thread, telephony, 'call.completed', {
    ...partiesOf(call),
    direction: call.direction,
    from: call.from,
    to: call.to,
    started_at: localTime(call.startMs),
    answered_at: localTime(answerMs),
    ended_at: localTime(day.nowMs),
    duration_seconds: Math.round((day.nowMs - answerMs) / 1_000),
    wait_seconds: Math.round((answerMs - call.startMs) / 1_000),
    outcome,
    ended_by: call.direction === 'inbound' ? 'caller' : 'callee',
  })
}

/** Some time after its end the transcript is there. */
export function transcribe(day: Day, call: Call): Happening {
  return happen(day, call.thread, { type: 'system', id: 'transcriber' }, 'call.updated', {
    ...partiesOf(call),
    direction: call.direction,
    status: 'completed',
    changes: { transcript: {} },
    updated_by: { type: 'system', id: 'transcriber' },
    updated_at: localTime(day.nowMs),
  })
}

function partiesOf({ id, customer, branch, handler, appointment }: Call): Readonly<Record<string, string>> {
  return {
    call_id: id,
    ...(customer && { customer_id: survivor(customer).id }),
    branch_id: branch.id,
    ...(handler?.type === 'staff' && { staff_id: handler.id }),
    ...(handler?.type === 'agent' && { agent_id: handler.id }),
    ...(appointment && { appointment_id: appointment.id }),
  }
}
