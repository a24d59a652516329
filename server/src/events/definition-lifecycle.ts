/**
 * The life of a definition.
 *
 * - `draft`: not in force. Publishes of its name are treated as if there were none.
 * - `active`: publishes are judged by its latest version.
 * - `deprecated`: like active; the answer of a publish says so in `warnings`.
 * - `archived`: publishes are refused.
 *
 * What was in force never becomes a draft again. Deprecating and archiving can be taken back by making it active, as a
 * subject can be registered again (Confluent) or an event type unarchived (Svix).
 */
export const definitionStatuses = ['draft', 'active', 'deprecated', 'archived'] as const

export type DefinitionStatus = (typeof definitionStatuses)[number]

const followers: Readonly<Record<DefinitionStatus, readonly DefinitionStatus[]>> = {
  draft: ['active', 'archived'],
  active: ['deprecated', 'archived'],
  deprecated: ['active', 'archived'],
  archived: ['active'],
}

/** The statuses that may follow; staying what it is is no change and always allowed. */
export function statusesAfter(status: DefinitionStatus): readonly DefinitionStatus[] {
  return followers[status]
}

/** Whether events are judged by a definition of this status. */
export function isInForce(status: DefinitionStatus): status is 'active' | 'deprecated' {
  return status === 'active' || status === 'deprecated'
}
