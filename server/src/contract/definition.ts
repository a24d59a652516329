import { Type } from 'typebox'
import type { Static } from 'typebox'
import { component } from './component.ts'

const EntityPointer = Type.Object({
  type: Type.String(),
  id: Type.String({ description: 'JSON pointer to the id, into the payload' }),
})

export const Definition = component(
  'Definition',
  'The definition of an event name',
  Type.Object({
    event_name: Type.String(),
    version: Type.Integer(),
    title: Type.String(),
    description: Type.String(),
    entity: Type.Union([EntityPointer, Type.Null()], { description: 'The entity of an event that does not name one' }),
    related: Type.Array(EntityPointer),
    owner: Type.Union([Type.String(), Type.Null()]),
    tags: Type.Array(Type.String()),
    schema: Type.Unknown({ description: 'JSON Schema 2020-12 of the payload' }),
    examples: Type.Array(Type.Unknown()),
  }),
)

export type Definition = Static<typeof Definition.schema>
