import { Type } from 'typebox'
import type { Static } from 'typebox'
import { compatibilityModes } from '../lib/compatibility-modes.ts'
import { component } from './component.ts'
import { nullable } from './fields.ts'

export const DefinitionImportInput = Type.Object(
  {
    document: Type.Union([Type.String(), Type.Object({}, { additionalProperties: true })], {
      description:
        'OpenAPI 3.0 to 3.2, AsyncAPI 2 or 3, or definitions of our own form; ' +
        'as an object, or as a text of JSON (5 MB) or YAML (2 MB)',
    }),
    format: Type.Optional(
      Type.Enum(['openapi', 'asyncapi', 'definition'], {
        description: 'What it has to be; otherwise it says it itself',
      }),
    ),
    callbacks: Type.Optional(Type.Boolean({ description: 'The callbacks of an OpenAPI document are events too' })),
    dry_run: Type.Optional(Type.Boolean({ default: true, description: 'Write nothing and tell what would be done' })),
    status: Type.Optional(
      Type.Enum(['draft', 'active'], { description: 'Of new definitions and of drafts; others keep theirs' }),
    ),
    compatibility: Type.Optional(
      Type.Enum([...compatibilityModes], { description: 'Of every definition that is imported' }),
    ),
  },
  { additionalProperties: false },
)

const findingMembers = {
  pointer: Type.String({ description: 'JSON pointer (RFC 6901)' }),
  code: Type.String({ description: 'Stable' }),
  message: Type.String(),
}
const Finding = Type.Object(findingMembers)

const Reason = Type.Object({
  ...findingMembers,
  version: Type.Optional(Type.Integer({ description: 'The older version that breaks' })),
  breaks: Type.Optional(Type.Union([Type.Literal('producers'), Type.Literal('consumers')])),
})

export const DefinitionImport = component(
  'DefinitionImport',
  'What an import of definitions does, or would do',
  Type.Object({
    format: Type.Enum(['openapi', 'asyncapi', 'definition']),
    dry_run: Type.Boolean(),
    definitions: Type.Array(
      Type.Object({
        event_name: Type.String(),
        pointer: Type.String({ description: 'Where in the document it stands' }),
        outcome: Type.Enum(['create', 'new_version', 'update', 'unchanged', 'refused']),
        version: nullable(Type.Integer({ description: 'The latest there is' })),
        code: nullable(Type.String({ description: 'Why it is refused: the code of the problem' })),
        detail: nullable(Type.String()),
        errors: Type.Array(Reason, {
          description:
            'Pointers into `{ schema, examples }` of the definition; with `incompatible_schema` into the new schema where ' +
            'producers break, into that of `version` where consumers do',
        }),
      }),
      { description: 'In the order of the document' },
    ),
    errors: Type.Array(Finding, { description: 'What in the document cannot be imported; pointers into the document' }),
    warnings: Type.Array(Finding, { description: 'What is left out or taken otherwise; pointers into the document' }),
  }),
)

export type DefinitionImport = Static<typeof DefinitionImport.schema>
