import { Type } from 'typebox'
import { component } from './component.ts'
import { Id, nullable } from './fields.ts'

export const FailedCondition = component(
  'FailedCondition',
  'A condition of a filter that an event does not fulfil; no value of the event is in it',
  Type.Object({
    pointer: Type.String({ description: 'JSON pointer into the filter' }),
    path: Type.String({ description: '`service.name`, `$event.source`' }),
    operator: Type.String(),
    expected: Type.Unknown({ description: 'As the filter has it' }),
    found: Type.String({
      enum: ['nothing', 'null', 'boolean', 'number', 'text', 'list', 'object'],
      description: 'The kind of what the event has there',
    }),
  }),
)

export const RoutingExplanation = component(
  'RoutingExplanation',
  'Why a subscription was sent an event, or was not',
  Type.Object({
    subscription_id: Id,
    subscription_version: Type.Integer({ description: "The version that was in force at the event's position" }),
    matched: Type.Union([Type.Boolean(), Type.Null()], { description: 'Null when it cannot be said any more' }),
    reason: nullable(
      Type.String({
        enum: [
          'not_active',
          'held',
          'other_event_names',
          'filter',
          'filter_unreadable',
          'filter_too_costly',
          'event_not_stored',
        ],
        description:
          'Null when it matched. `filter_too_costly`: it was sent because its filter could not be judged within its purse. `held`: past events were being replayed to it, and this one followed them',
      }),
    ),
    failed_conditions: Type.Array(FailedCondition.ref),
  }),
)

const PreviewedEvent = { event_id: Id, event_name: Type.String(), position: Type.Integer() }

export const SubscriptionPreview = component(
  'SubscriptionPreview',
  'What a subscription would have got of the newest events',
  Type.Object({
    considered: Type.Integer({
      description: 'Events that were looked at; fewer than asked for when there are no more, or two seconds were up',
    }),
    matched: Type.Integer(),
    from_position: nullable(Type.Integer()),
    to_position: nullable(Type.Integer()),
    by_event_name: Type.Array(
      Type.Object({ event_name: Type.String(), named: Type.Integer(), matched: Type.Integer() }),
    ),
    matches: Type.Array(Type.Object(PreviewedEvent), { description: 'The newest that match; ten at most' }),
    misses: Type.Array(Type.Object({ ...PreviewedEvent, failed_conditions: Type.Array(FailedCondition.ref) }), {
      description: 'The newest that only the filter keeps out; ten at most',
    }),
  }),
)
