import type { CustomDefinition, CustomEventRow, ListedRow, VersionRow } from './custom-definition-store.ts'
import type { DefinitionStatus } from './definition-lifecycle.ts'
import type { Definition, EntityPointer } from './definitions.ts'
import type { PersonalMember } from './schema-annotations.ts'
import type { CompatibilityMode } from './schema-compatibility.ts'

/** A standard or custom definition as readers see it, without its schema. */
export interface DefinitionSummary {
  readonly eventName: string
  readonly source: 'standard' | 'custom'
  readonly status: DefinitionStatus
  readonly version: number
  readonly title: string
  readonly description: string
  readonly owner: string | null
  readonly tags: readonly string[]
  readonly compatibility: CompatibilityMode | null
  readonly entity: EntityPointer | null
  readonly related: readonly EntityPointer[]
  readonly createdAt: Date | null
  readonly updatedAt: Date | null
}

export interface DefinitionView extends DefinitionSummary {
  readonly personal: readonly PersonalMember[]
  /** JSON texts, as they were given. */
  readonly schema: string
  readonly examples: string
}

export function summaryOfStandard(definition: Definition): DefinitionSummary {
  return {
    eventName: definition.eventName,
    source: 'standard',
    status: 'active',
    version: definition.version,
    title: definition.title,
    description: definition.description,
    owner: definition.owner ?? null,
    tags: definition.tags,
    compatibility: null,
    entity: definition.entity ?? null,
    related: definition.related,
    createdAt: null,
    updatedAt: null,
  }
}

export function summaryOfCustom(row: ListedRow): DefinitionSummary {
  return summaryOf(row, row.latest_version, row)
}

export function viewOfStandard(definition: Definition): DefinitionView {
  return {
    ...summaryOfStandard(definition),
    personal: [],
    schema: JSON.stringify(definition.schema),
    examples: JSON.stringify(definition.examples),
  }
}

export function viewOfCustom({ row, version }: CustomDefinition): DefinitionView {
  const { schema, examples, personal } = version
  return { ...summaryOf(row, version.version, version), personal, schema, examples }
}

function summaryOf(
  row: CustomEventRow,
  version: number,
  { entity, related }: Pick<VersionRow, 'entity' | 'related'>,
): DefinitionSummary {
  return {
    eventName: row.event_name,
    source: 'custom',
    status: row.status,
    version,
    title: row.title,
    description: row.description,
    owner: row.owner,
    tags: row.tags,
    compatibility: row.compatibility,
    entity,
    related,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
