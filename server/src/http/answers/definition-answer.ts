import type { DefinitionSummary } from '../../contract/definition.ts'
import type { DefinitionSummary as Summary, DefinitionView } from '../../events/definition-view.ts'
import type { EntityPointer } from '../../events/definitions.ts'

export function definitionSummary(definition: Summary): DefinitionSummary {
  return {
    event_name: definition.eventName,
    source: definition.source,
    status: definition.status,
    version: definition.version,
    title: definition.title,
    description: definition.description,
    owner: definition.owner,
    tags: [...definition.tags],
    compatibility: definition.compatibility,
    entity: definition.entity && pointer(definition.entity),
    related: definition.related.map(pointer),
    created_at: definition.createdAt?.toISOString() ?? null,
    updated_at: definition.updatedAt?.toISOString() ?? null,
  }
}

/** As text: the schema goes into it byte for byte as it was given. */
export function definitionJson(definition: DefinitionView): string {
  const { personal, examples, schema } = definition
  const members = JSON.stringify({ ...definitionSummary(definition), personal })
  return `${members.slice(0, -1)},"examples":${examples},"schema":${schema}}`
}

/** jsonb has an order of members of its own. */
function pointer({ type, id }: EntityPointer): EntityPointer {
  return { type, id }
}
