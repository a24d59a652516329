import type { FilteredEvent } from '../lib/filter/event-fields.ts'
import { parseStoredJson } from '../lib/json-text.ts'
import type { EventView } from './event-view.ts'

/** What a filter is asked about, of an event that is still in the log. */
export function toFilteredEvent(view: EventView): FilteredEvent {
  return {
    fields: {
      id: view.id,
      event_name: view.event_name,
      occurred_at: view.occurred_at ?? view.recorded_at,
      recorded_at: view.recorded_at,
      ...(view.entity_type !== null && { entity_type: view.entity_type, entity_id: view.entity_id ?? '' }),
      ...(view.related.length > 0 && { related: view.related }),
      ...(view.actor && { actor: view.actor }),
      ...(view.source !== null && { source: view.source }),
      ...(view.correlation_id !== null && { correlation_id: view.correlation_id }),
      ...(view.causation_id !== null && { causation_id: view.causation_id }),
    },
    /** Parsed when a filter looks into it. */
    get payload() {
      return parseStoredJson(view.payload_text ?? 'null')
    },
  }
}
