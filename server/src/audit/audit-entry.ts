import type { Actor, EntityRef } from '../events/event.ts'
import type { EventView } from '../events/event-view.ts'
import { jsonMembers } from '../lib/json-members.ts'

/** An event as an auditor asks for it: who did what to which entity, when, from where and why. */
export interface AuditEntry {
  readonly position: number | null
  readonly event_id: string
  /** What was done. */
  readonly event_name: string
  readonly actor: Actor | null
  readonly entity: EntityRef | null
  readonly related: readonly EntityRef[]
  readonly source: string | null
  readonly correlation_id: string | null
  readonly causation_id: string | null
  /** The member `reason` of the payload, where it is a text. */
  readonly reason: string | null
  readonly occurred_at: string | null
  readonly recorded_at: string
  readonly digest: string
  readonly payload_expired: boolean
  /** Members `before` and `after` of the payload, as they are written; what `daybook.*` events tell of a change. */
  readonly before_text: string | null
  readonly after_text: string | null
}

export function toAuditEntry(view: EventView): AuditEntry {
  const { entity_type: type, entity_id: id } = view
  const members = jsonMembers(view.payload_text ?? 'null')
  return {
    position: view.position,
    event_id: view.id,
    event_name: view.event_name,
    actor: view.actor,
    entity: type === null || id === null ? null : { type, id },
    related: view.related,
    source: view.source,
    correlation_id: view.correlation_id,
    causation_id: view.causation_id,
    reason: textOf(members?.get('reason')),
    occurred_at: view.occurred_at,
    recorded_at: view.recorded_at,
    digest: view.digest,
    payload_expired: view.payload_expired,
    before_text: members?.get('before') ?? null,
    after_text: members?.get('after') ?? null,
  }
}

function textOf(json: string | undefined): string | null {
  const value: unknown = json === undefined ? null : JSON.parse(json)
  return typeof value === 'string' ? value : null
}

/** The entry as JSON, with `before` and `after` as they are written. */
export function auditEntryJson({ before_text, after_text, ...members }: AuditEntry): string {
  return `${JSON.stringify(members).slice(0, -1)},"before":${before_text ?? 'null'},"after":${after_text ?? 'null'}}`
}
