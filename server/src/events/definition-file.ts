import { Type } from 'typebox'
import type { Static } from 'typebox'
import { parseJsonBody } from '../lib/json-text.ts'
import { ProblemError } from '../lib/problems.ts'
import type { Fault } from '../lib/problems.ts'
import { createSchemaCompiler } from './compile-schema.ts'

const EntityPointer = Type.Object(
  {
    type: Type.String({ pattern: '^[a-z][a-z0-9_]*$', maxLength: 64 }),
    id: Type.String({ format: 'json-pointer', minLength: 1, description: 'Where the payload holds the id' }),
  },
  { additionalProperties: false },
)

const DefinitionFile = Type.Object(
  {
    event_name: Type.String(),
    version: Type.Integer({ minimum: 1 }),
    title: Type.String({ minLength: 1, maxLength: 100 }),
    description: Type.String({ minLength: 1, description: 'What it means, when it fires and when it does not' }),
    entity: Type.Optional(EntityPointer),
    related: Type.Array(EntityPointer, { maxItems: 16, uniqueItems: true }),
    owner: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    tags: Type.Array(Type.String({ pattern: '^[a-z0-9-]+$' }), { maxItems: 20, uniqueItems: true }),
    schema: Type.Unknown({ type: 'object' }),
    examples: Type.Array(Type.Unknown(), { minItems: 2, uniqueItems: true }),
  },
  { additionalProperties: false },
)

/** The form of a file in the folder of standard definitions. */
export type DefinitionFile = Static<typeof DefinitionFile>

export interface FaultyFile {
  readonly faults: readonly Fault[]
}

/** Gives the file's content, or what is wrong with its form; pointers lead into the file. */
export function createDefinitionFileReader(): (bytes: Buffer) => DefinitionFile | FaultyFile {
  const validate = createSchemaCompiler()(DefinitionFile)
  return (bytes) => {
    try {
      const content = parseJsonBody(bytes).value
      const faults = validate(content)
      return isDefinitionFile(content, faults) ? content : { faults }
    } catch (error) {
      if (error instanceof ProblemError) return { faults: error.faults }
      throw error
    }
  }
}

function isDefinitionFile(_content: unknown, faults: readonly Fault[]): _content is DefinitionFile {
  return faults.length === 0
}
