import type { Definition } from '../../contract/definition.ts'
import type { Definition as EventDefinition } from '../../events/definitions.ts'

export function definitionAnswer(definition: EventDefinition): Definition {
  return {
    event_name: definition.eventName,
    version: definition.version,
    title: definition.title,
    description: definition.description,
    entity: definition.entity ?? null,
    related: [...definition.related],
    owner: definition.owner ?? null,
    tags: [...definition.tags],
    schema: definition.schema,
    examples: [...definition.examples],
  }
}
