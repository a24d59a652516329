import { Type } from 'typebox'
import { component } from './component.ts'
import { Delivery } from './delivery.ts'
import { RoutingExplanation } from './routing.ts'
import { Actor, EntityRef, Id, nullable, Time } from './fields.ts'

const deliveryOutcomes = ['pending', 'delivered', 'failed', 'cancelled', 'none'] as const

export const eventMembers = {
  id: Id,
  position: Type.Union([Type.Integer(), Type.Null()], {
    description: "Its number in the company's log: dense, from 1. Null while `state` is `recorded`",
  }),
  state: Type.Union([Type.Literal('recorded'), Type.Literal('routed')], {
    description: '`recorded`: accepted; its position and its deliveries come within moments',
  }),
  event_name: Type.String(),
  definition_version: Type.Union([Type.Integer(), Type.Null()], {
    description: 'Of the definition that it was checked against; null when it has none',
  }),
  entity_type: nullable(Type.String()),
  entity_id: nullable(Type.String()),
  related: Type.Array(EntityRef),
  actor: nullable(Actor),
  source: nullable(Type.String()),
  correlation_id: nullable(Type.String()),
  causation_id: nullable(Type.String()),
  occurred_at: nullable(Time),
  recorded_at: Time,
  digest: Type.String({ description: 'SHA-256 over header and payload, in hexadecimal' }),
  payload_expired: Type.Boolean({
    description: 'The payload, and what stood beside it only there, is no longer stored',
  }),
  payload: Type.Unknown({ description: "The publisher's own JSON, byte for byte" }),
}

export const Event = component('Event', 'A recorded event', Type.Object(eventMembers))

export const EventPart = component(
  'EventPart',
  'The members of an event that were chosen by `fields`',
  Type.Partial(Type.Object(eventMembers)),
)

export const LinkedEvent = component(
  'LinkedEvent',
  'An event that another one came from, or led to',
  Type.Object({
    id: Id,
    position: nullable(Type.Integer()),
    event_name: Type.String(),
    entity_type: nullable(Type.String()),
    entity_id: nullable(Type.String()),
    recorded_at: Time,
  }),
)

export const EventWithDeliveries = component(
  'EventWithDeliveries',
  'A recorded event with its deliveries',
  Type.Object({
    ...eventMembers,
    deliveries: Type.Array(Delivery.ref, { description: 'What became of it; 200 at most' }),
    routing: Type.Array(RoutingExplanation.ref, {
      description: 'Why each subscription was sent it or was not, as it was at its position; the first 50',
    }),
    causes: Type.Array(LinkedEvent.ref, {
      description: "The event that it names by `causation_id`, then that one's cause and so on; 20 at most",
    }),
    effects: Type.Array(LinkedEvent.ref, {
      description: 'Events that name it by `causation_id`, the oldest first; 50 at most',
    }),
    has_more_effects: Type.Boolean(),
    routing_next_cursor: Type.Union([Type.String(), Type.Null()], {
      description: 'For more of it: `GET /events/{id}/routing`',
    }),
  }),
)

const typeFilter = (partner: string) =>
  Type.Optional(Type.String({ maxLength: 200, description: `Together with \`${partner}\`` }))

const idFilter = Type.Optional(Type.String({ maxLength: 1_000 }))

export const orderQuery = {
  order: Type.Optional(
    Type.Unsafe<'asc' | 'desc'>({ type: 'string', enum: ['asc', 'desc'], description: 'By position' }),
  ),
}

/** What the trail can be asked for. */
export const trailQuery = {
  event_names: Type.Optional(
    Type.Array(Type.String(), {
      maxItems: 100,
      description: 'Names or prefixes such as `appointment.*`; repeated, or separated by commas',
    }),
  ),
  entity_type: typeFilter('entity_id'),
  entity_id: idFilter,
  include_related: Type.Optional(Type.Boolean({ description: 'Also the events that name the entity as related' })),
  related_type: typeFilter('related_id'),
  related_id: idFilter,
  actor_type: typeFilter('actor_id'),
  actor_id: idFilter,
  source: Type.Optional(Type.String({ maxLength: 1_000 })),
  correlation_id: Type.Optional(Type.String({ maxLength: 1_000 })),
}

export const eventQuery = {
  ...trailQuery,
  filter: Type.Optional(
    Type.String({
      maxLength: 16_384,
      description:
        'JSON text of a filter, as subscriptions have them: `{"price":{"$gt":100}}`. Events whose payload is no longer stored do not fulfil it',
    }),
  ),
  delivery: Type.Optional(
    Type.Unsafe<(typeof deliveryOutcomes)[number]>({
      type: 'string',
      enum: deliveryOutcomes,
      description: 'Events with a delivery that is in this state now; `none`: owed to nobody',
    }),
  ),
}

export const fieldsQuery = {
  fields: Type.Optional(
    Type.Array(Type.String(), {
      maxItems: 100,
      description:
        'Members that are wanted, such as `id,event_name`; repeated, or separated by commas. All when absent',
    }),
  ),
}

/** What a stream can be asked for: what is known of an event when it comes. */
export const streamQuery = {
  ...trailQuery,
  filter: eventQuery.filter,
  after: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'Begins with the event behind this position; with what comes from now on when absent',
    }),
  ),
  follow: Type.Optional(
    Type.Boolean({ default: true, description: 'False: ends when every event up to now was sent' }),
  ),
}

const exportFormats = ['ndjson', 'csv'] as const

export const formatQuery = {
  format: Type.Optional(
    Type.Unsafe<(typeof exportFormats)[number]>({ type: 'string', enum: exportFormats, default: 'ndjson' }),
  ),
}
