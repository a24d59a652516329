import type { Author } from './administrative-event.ts'
import { administrativeEvent } from './administrative-event.ts'
import type { CustomDefinition, CustomEventRow } from './custom-definition-store.ts'
import { schemaDigest } from './draft-version.ts'
import type { NewEvent } from './event.ts'

type Change = 'created' | 'updated' | 'version_added' | 'deprecated' | 'archived' | 'deleted'

/** One event for each thing that changed: the version, the status, the rest. */
export function eventsOfChange(
  author: Author,
  before: CustomDefinition | undefined,
  after: CustomDefinition,
): readonly NewEvent[] {
  const { row } = after
  if (!before) return [tellOfDefinition(author, row, 'created', { after: describeDefinition(after) })]
  const [was, is] = [describeDefinition(before), describeDefinition(after)]
  const changes = { before: was, after: is }
  const hasNewVersion = row.latest_version !== before.row.latest_version
  const ending = row.status !== before.row.status && row.status !== 'active' && row.status !== 'draft'
  const others = (one: typeof was): string =>
    JSON.stringify({ ...one, version: 0, schema_digest: '', ...(ending && { status: '' }) })
  return [
    ...(hasNewVersion ? [tellOfDefinition(author, row, 'version_added', changes)] : []),
    ...(ending ? [tellOfDefinition(author, row, row.status === 'archived' ? 'archived' : 'deprecated', changes)] : []),
    ...(others(was) === others(is) ? [] : [tellOfDefinition(author, row, 'updated', changes)]),
  ]
}

export function tellOfDefinition(
  author: Author,
  { company_id: companyId, event_name }: CustomEventRow,
  change: Change,
  payload: { readonly before?: unknown; readonly after?: unknown },
): NewEvent {
  return administrativeEvent(author, {
    companyId,
    eventName: `daybook.definition.${change}`,
    entity: { type: 'definition', id: event_name },
    payload: { event_name, ...payload },
  })
}

/** What an event tells of a definition: the schema by its digest. */
export function describeDefinition({ row, version }: CustomDefinition) {
  const { status, compatibility, title, description, owner, tags } = row
  const digest = schemaDigest(version.schema)
  return { status, compatibility, title, description, owner, tags, version: version.version, schema_digest: digest }
}
