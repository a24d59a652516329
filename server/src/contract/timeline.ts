import { Type } from 'typebox'
import { component } from './component.ts'
import { eventMembers } from './event.ts'
import { EntityRef, Id, nullable, Time } from './fields.ts'

export const TimelineEvent = component(
  'TimelineEvent',
  "An event of an entity's story",
  Type.Object({
    ...eventMembers,
    relation: Type.String({
      enum: ['entity', 'merged', 'related', 'correlation'],
      description:
        'About the entity; about one that was merged into it; names one of them as related; has a correlation id in common with an event about one of them',
    }),
    changes: Type.Array(
      Type.Object({
        member: Type.String({ description: 'Of the payload, at its top' }),
        before: Type.Optional(
          Type.Unknown({ description: 'The value that the last event before had set; absent when there was none' }),
        ),
        after: Type.Unknown(),
      }),
      { description: 'What an event about the entity, or one merged into it, gave other values' },
    ),
  }),
)

export const Timeline = component(
  'Timeline',
  'The story of an entity',
  Type.Object({
    data: Type.Array(TimelineEvent.ref),
    next_cursor: Type.Union([Type.String(), Type.Null()], { description: 'Null on the last page' }),
    identities: Type.Array(EntityRef, {
      description: 'The entity first; with `include_related` also what was merged into it, directly or not',
    }),
    has_all_identities: Type.Boolean({
      description: 'False when there are more than 100, or more merges than are looked at',
    }),
    merged_into: Type.Array(EntityRef, {
      description: 'With `include_related`: what the entity itself was merged into',
    }),
    has_all_changes: Type.Boolean({
      description: 'False when more than 1,000 events lie before this page: then `before` may be missing in changes',
    }),
    state: nullable(
      Type.Object({
        at: Time,
        position: Type.Union([Type.Integer(), Type.Null()], { description: 'Of the last event by then' }),
        is_complete: Type.Boolean({ description: 'False when only the newest 1,000 events by then were folded' }),
        members: Type.Record(
          Type.String(),
          Type.Object({ value: Type.Unknown(), event_id: Id, position: Type.Integer(), recorded_at: Time }),
          { description: 'The last value of each member at the top of the payloads, and the event that set it' },
        ),
      }),
    ),
  }),
)

export const timelineQuery = {
  entity_type: Type.String({ minLength: 1, maxLength: 200 }),
  entity_id: Type.String({
    minLength: 1,
    maxLength: 1_000,
    description: 'The number 123 and the text "123" are the same',
  }),
  include_related: Type.Optional(
    Type.Boolean({
      description:
        'Also events that name the entity as related, events linked by correlation, and everything about identities that were merged into it (by `<type>.merged` events)',
    }),
  ),
  at: Type.Optional(
    Type.String({
      maxLength: 64,
      description: 'Like `from`: tell the state by then too, events recorded at this very time included',
    }),
  ),
}
