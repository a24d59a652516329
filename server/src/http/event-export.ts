import type { ChosenFields, EventField, EventView } from '../events/event-view.ts'
import { eventFields, eventJson } from '../events/event-view.ts'
import type { Column } from './export-texts.ts'
import { exportTexts } from './export-texts.ts'
import type { ExportFormat } from './send-export.ts'

export function eventTexts(
  pages: AsyncIterable<readonly EventView[]>,
  format: ExportFormat,
  chosen: ChosenFields,
): AsyncGenerator<string> {
  const columns = eventFields.filter((field) => chosen?.has(field) ?? true).flatMap((field) => columnsOf[field])
  return exportTexts(pages, format, columns, (event) => eventJson(event, chosen))
}

const columnsOf: Readonly<Record<EventField, readonly Column<EventView>[]>> = {
  id: [['id', ({ id }) => id]],
  position: [['position', ({ position }) => position]],
  state: [['state', ({ state }) => state]],
  event_name: [['event_name', (event) => event.event_name]],
  definition_version: [['definition_version', (event) => event.definition_version]],
  entity_type: [['entity_type', (event) => event.entity_type]],
  entity_id: [['entity_id', (event) => event.entity_id]],
  related: [['related', ({ related }) => (related.length === 0 ? null : JSON.stringify(related))]],
  actor: [
    ['actor_type', ({ actor }) => actor?.type],
    ['actor_id', ({ actor }) => actor?.id],
    ['actor_name', ({ actor }) => actor?.name],
  ],
  source: [['source', ({ source }) => source]],
  correlation_id: [['correlation_id', (event) => event.correlation_id]],
  causation_id: [['causation_id', (event) => event.causation_id]],
  occurred_at: [['occurred_at', (event) => event.occurred_at]],
  recorded_at: [['recorded_at', (event) => event.recorded_at]],
  digest: [['digest', ({ digest }) => digest]],
  payload_expired: [['payload_expired', (event) => event.payload_expired]],
  payload: [['payload', (event) => event.payload_text]],
}
