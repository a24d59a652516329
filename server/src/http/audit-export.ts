import type { AuditEntry } from '../audit/audit-entry.ts'
import { auditEntryJson, toAuditEntry } from '../audit/audit-entry.ts'
import type { EventView } from '../events/event-view.ts'
import type { Column } from './export-texts.ts'
import { exportTexts } from './export-texts.ts'
import type { ExportFormat } from './send-export.ts'

export function auditTexts(pages: AsyncIterable<readonly EventView[]>, format: ExportFormat): AsyncGenerator<string> {
  return exportTexts(entriesOf(pages), format, columns, auditEntryJson)
}

async function* entriesOf(pages: AsyncIterable<readonly EventView[]>): AsyncGenerator<readonly AuditEntry[]> {
  for await (const events of pages) yield events.map(toAuditEntry)
}

const columns: readonly Column<AuditEntry>[] = [
  ['position', ({ position }) => position],
  ['event_id', (entry) => entry.event_id],
  ['event_name', (entry) => entry.event_name],
  ['actor_type', ({ actor }) => actor?.type],
  ['actor_id', ({ actor }) => actor?.id],
  ['actor_name', ({ actor }) => actor?.name],
  ['entity_type', ({ entity }) => entity?.type],
  ['entity_id', ({ entity }) => entity?.id],
  ['related', ({ related }) => (related.length === 0 ? null : JSON.stringify(related))],
  ['source', ({ source }) => source],
  ['correlation_id', (entry) => entry.correlation_id],
  ['causation_id', (entry) => entry.causation_id],
  ['reason', ({ reason }) => reason],
  ['occurred_at', (entry) => entry.occurred_at],
  ['recorded_at', (entry) => entry.recorded_at],
  ['digest', ({ digest }) => digest],
  ['payload_expired', (entry) => entry.payload_expired],
  ['before', (entry) => entry.before_text],
  ['after', (entry) => entry.after_text],
]
