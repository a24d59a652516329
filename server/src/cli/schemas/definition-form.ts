import type { Definition } from '../../contract/definition.ts'
import type { ImportedDefinition } from '../../events/import/imported-definition.ts'

/** A definition that was read from a document, in the form that the import route takes. */
export function formOfImported(definition: ImportedDefinition): Readonly<Record<string, unknown>> {
  const { eventName, pointer: _, ...members } = definition
  return { event_name: eventName, ...members }
}

/**
 * A definition as a file that can be imported again. Entities and personal members are in the schema; what the server counts
 * and dates is left out.
 */
export function formOfStored(definition: Definition): Readonly<Record<string, unknown>> {
  const { event_name, version, status, compatibility, title, description, owner, tags, schema, examples } = definition
  return {
    event_name,
    version,
    status,
    ...(compatibility !== null && { compatibility }),
    title,
    ...(description !== '' && { description }),
    ...(owner !== null && { owner }),
    tags,
    schema,
    examples,
  }
}
