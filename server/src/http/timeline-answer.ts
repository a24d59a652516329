import type { StateEvent } from '../events/timeline/entity-state.ts'
import { eventJson } from '../events/event-view.ts'
import type { EntityRef } from '../events/event.ts'
import type { Change } from '../events/timeline/entity-state.ts'
import type { StateRead } from '../events/timeline/read-state.ts'
import type { Timeline, TimelineEntry } from '../events/timeline/read-timeline.ts'

/** Written as text: values of payloads stand in it as they were published. */
export function timelineJson(timeline: Timeline, { type }: EntityRef, at: Date | undefined): string {
  const { entries, nextCursor, identities, state, hasAllChanges } = timeline
  const refs = (ids: readonly string[]): EntityRef[] => ids.map((id) => ({ type, id }))
  const rest = {
    next_cursor: nextCursor,
    identities: refs(identities.ids),
    has_all_identities: identities.isComplete,
    merged_into: refs(identities.mergedInto),
    has_all_changes: hasAllChanges,
  }
  const stateText = state && at ? stateJson(state, at) : 'null'
  return `{"data":[${entries.map(entryJson).join(',')}],${JSON.stringify(rest).slice(1, -1)},"state":${stateText}}`
}

function entryJson({ event, relation, changes }: TimelineEntry): string {
  return `${eventJson(event).slice(0, -1)},"relation":"${relation}","changes":[${changes.map(changeJson).join(',')}]}`
}

function changeJson({ member, before, after }: Change): string {
  const told = before === undefined ? '' : `"before":${before},`
  return `{"member":${JSON.stringify(member)},${told}"after":${after}}`
}

function stateJson({ state, position, isComplete }: StateRead, at: Date): string {
  const members = [...state].map(
    ([name, { text, event }]) => `${JSON.stringify(name)}:{"value":${text},${setBy(event)}}`,
  )
  const head = JSON.stringify({ at: at.toISOString(), position, is_complete: isComplete }).slice(0, -1)
  return `${head},"members":{${members.join(',')}}}`
}

function setBy({ id, position, recorded_at }: StateEvent): string {
  return JSON.stringify({ event_id: id, position, recorded_at }).slice(1, -1)
}
