/**
 * Answers that hold events, written as text: a payload goes into them byte for byte as it was published. Parsed and
 * written anew, 1.0 would become 1 and large numbers would lose digits.
 */
import type { ChosenFields, EventView } from '../events/event-view.ts'
import { eventJson } from '../events/event-view.ts'

/** One event with further members, which go behind the payload. */
export function eventWithJson(event: EventView, members: Readonly<Record<string, unknown>>): string {
  return `${eventJson(event).slice(0, -1)},${JSON.stringify(members).slice(1)}`
}

export function eventPageJson(events: readonly EventView[], nextCursor: string | null, chosen?: ChosenFields): string {
  const data = events.map((event) => eventJson(event, chosen)).join(',')
  return `{"data":[${data}],"next_cursor":${JSON.stringify(nextCursor)}}`
}
