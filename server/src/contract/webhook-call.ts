import { Type } from 'typebox'
import { component } from './component.ts'
import { EntityRef, Id, Time } from './fields.ts'

/** The body of a call to a subscriber. */
export const WebhookCall = component(
  'WebhookCall',
  'The body of a call to a subscriber',
  Type.Object({
    id: Id,
    type: Type.String({ description: 'The event name' }),
    timestamp: Time,
    position: Type.Integer({ description: "The event's number in its company's log" }),
    entity: Type.Optional(EntityRef),
    related: Type.Optional(Type.Array(EntityRef)),
    data: Type.Unknown({ description: "The payload: the publisher's own bytes, the same in every attempt and replay" }),
  }),
)
