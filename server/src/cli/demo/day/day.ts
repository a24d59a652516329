import type { Random } from '../random.ts'
import { between, pick } from '../random.ts'
import { Agenda } from './agenda.ts'
import type { Appointment } from './appointments.ts'
import type { Business } from './business.ts'
import { localTime, openBusiness } from './business.ts'
import type { Customer } from './customers.ts'
import type { Actor, Happening, Story, Thread } from './happening.ts'

/** The state of the business at one moment of its day. Stories read and change it, always before their event is yielded. */
export interface Day {
  readonly random: Random
  readonly business: Business
  readonly startMs: number
  readonly endMs: number
  nowMs: number
  readonly agenda: Agenda<Story>
  /** All who have not been merged into another. */
  readonly customers: Set<Customer>
  /** Requested or confirmed: those that can be moved and cancelled. */
  readonly open: Set<Appointment>
  /** Appointments that take up time, by staff and day. */
  readonly timetable: Map<string, Set<Appointment>>
  readonly newEventId: () => string
  readonly usedIds: Set<string>
}

export interface DayOptions {
  readonly random: Random
  /** How many events it is to have: it decides the size of the business. */
  readonly events: number
  /** The day's midnight. */
  readonly startMs: number
  readonly newEventId: () => string
}

export function openDay({ random, events, startMs, newEventId }: DayOptions): Day {
  return {
    random,
    business: openBusiness(events),
    startMs,
    endMs: startMs + 24 * 3_600_000,
    nowMs: startMs,
    agenda: new Agenda(),
    customers: new Set(),
    open: new Set(),
    timetable: new Map(),
    newEventId,
    usedIds: new Set(),
  }
}

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'.split('')

/** An id as the business's own programs would give: `apt_7Q2M4XJ8`. */
export function newBusinessId(day: Day, prefix: string): string {
  for (;;) {
    const id = `${prefix}_${Array.from({ length: 8 }, () => pick(day.random, alphabet)).join('')}`
    if (day.usedIds.has(id)) continue
    day.usedIds.add(id)
    return id
  }
}

export function newThread(day: Day, source: string): Thread {
  return { correlationId: newBusinessId(day, 'ses'), source }
}

/** Makes the event of something that happens now. It is caused by the event before it in its thread. */
export function happen(
  day: Day,
  thread: Thread,
  actor: Actor,
  eventName: string,
  payload: Readonly<Record<string, unknown>>,
): Happening {
  const id = day.newEventId()
  const { correlationId, source, lastEventId } = thread
  thread.lastEventId = id
  return {
    id,
    event_name: eventName,
    payload,
    occurred_at: localTime(day.nowMs),
    actor,
    source,
    correlation_id: correlationId,
    ...(lastEventId !== undefined && { causation_id: lastEventId }),
  }
}

/** A random time to pass, in milliseconds. */
export function seconds(day: Day, least: number, most: number): number {
  return between(day.random, least * 1_000, most * 1_000)
}

export function minutes(day: Day, least: number, most: number): number {
  return seconds(day, least * 60, most * 60)
}

/** A member of the set that fits, found by looking at up to `tries` random ones; sets are large and most members fit. */
export function pickFrom<Item>(
  day: Day,
  set: ReadonlySet<Item>,
  fits: (item: Item) => boolean = () => true,
  tries = 8,
): Item | undefined {
  const items = [...set]
  for (let turn = 0; turn < tries && items.length > 0; turn++) {
    const item = pick(day.random, items)
    if (fits(item)) return item
  }
  return undefined
}
