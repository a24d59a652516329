import { Type } from 'typebox'
import { component } from './component.ts'
import { Actor, EntityRef, Id, nullable, Time } from './fields.ts'

export const AuditEntry = component(
  'AuditEntry',
  'Who did what to which entity, when, from where and why',
  Type.Object({
    position: Type.Integer(),
    event_id: Id,
    event_name: Type.String({ description: 'What was done' }),
    actor: nullable(Actor),
    entity: nullable(EntityRef),
    related: Type.Array(EntityRef),
    source: nullable(Type.String()),
    correlation_id: nullable(Type.String()),
    causation_id: nullable(Type.String()),
    reason: Type.Union([Type.String(), Type.Null()], {
      description: 'The member `reason` of the payload, where it is a text',
    }),
    occurred_at: nullable(Time),
    recorded_at: Time,
    digest: Type.String({ description: 'SHA-256 over header and payload, in hexadecimal' }),
    payload_expired: Type.Boolean({ description: 'What only the payload told is no longer stored' }),
    before: Type.Unknown({
      description: 'The member `before` of the payload: `daybook.*` events have it; null without',
    }),
    after: Type.Unknown({ description: 'Likewise `after`' }),
  }),
)
