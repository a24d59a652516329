import { Type } from 'typebox'
import { component } from './component.ts'
import { nullable } from './fields.ts'

const Counts = Type.Array(Type.Object({ value: nullable(Type.String()), count: Type.Integer() }))

export const EventFacets = component(
  'EventFacets',
  'The values that the newest events of a filter have, the most frequent first, 50 of each kind at most',
  Type.Object({
    considered: Type.Integer({ description: 'Events that fulfil the filter, among those that were looked at' }),
    is_complete: Type.Boolean({ description: 'False when there are older events that were not looked at' }),
    from_position: nullable(Type.Integer()),
    to_position: nullable(Type.Integer()),
    event_names: Counts,
    entity_types: Counts,
    actors: Type.Array(
      Type.Object({ type: nullable(Type.String()), id: nullable(Type.String()), count: Type.Integer() }),
    ),
    sources: Counts,
  }),
)
