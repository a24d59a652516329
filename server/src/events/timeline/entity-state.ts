import { isDeepStrictEqual } from 'node:util'
import { jsonMembers } from '../../lib/json-members.ts'
import { parseStoredJson } from '../../lib/json-text.ts'
import type { EventView } from '../event-view.ts'

/** The last value of a member, as it was written, and the event that set it. */
export interface MemberState {
  readonly text: string
  readonly event: EventView
}

/** By the name of the member, at the top of payloads. */
export type EntityState = Map<string, MemberState>

/** A member that an event gave another value than it had; `before` is undefined for one that had none. */
export interface Change {
  readonly member: string
  readonly before: string | undefined
  readonly after: string
}

/** Folds the next event into the state. Members that the event does not name keep their value. */
export function applyEvent(state: EntityState, event: EventView): Change[] {
  const changes: Change[] = []
  for (const [member, text] of jsonMembers(event.payload_text ?? 'null') ?? []) {
    const before = state.get(member)?.text
    if (before === undefined || !isSameValue(before, text)) changes.push({ member, before, after: text })
    state.set(member, { text, event })
  }
  return changes
}

/** Folds an event that came before all that the state has. */
export function applyEarlierEvent(state: EntityState, event: EventView): void {
  for (const [member, text] of jsonMembers(event.payload_text ?? 'null') ?? []) {
    if (!state.has(member)) state.set(member, { text, event })
  }
}

/** Numbers are compared as 64-bit floats, as filters do. */
function isSameValue(one: string, other: string): boolean {
  return one === other || isDeepStrictEqual(parseStoredJson(one), parseStoredJson(other))
}
