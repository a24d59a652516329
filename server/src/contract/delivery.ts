import { Type } from 'typebox'
import { component } from './component.ts'
import { Id, nullable, Time } from './fields.ts'
import { WebhookLogSummary } from './webhook-log.ts'

const states = ['pending', 'delivered', 'failed', 'cancelled'] as const

const State = Type.Unsafe<(typeof states)[number]>({ type: 'string', enum: states })

const progresses = ['waiting', 'in_flight', 'retrying', 'held', 'blocked'] as const

const deliveryMembers = {
  id: Id,
  subscription_id: Id,
  webhook_url: Type.String(),
  event_id: Id,
  event_name: Type.String(),
  position: Type.Integer(),
  replay_id: nullable(Id),
  state: State,
  progress: Type.Union([Type.String({ enum: [...progresses] }), Type.Null()], {
    description:
      'How a pending one is pending; `held`: until its subscription is active again; `blocked`: until an earlier one has ended',
  }),
  reason: Type.String({ description: 'Stable word for why it is in its state' }),
  blocked_by: Type.Union(
    [
      Type.Object({
        id: Id,
        progress: Type.String({ enum: [...progresses] }),
        reason: Type.String(),
        next_attempt_at: nullable(Time),
      }),
      Type.Null(),
    ],
    { description: 'The earlier delivery that a blocked one waits for, and what that one waits for' },
  ),
  detail: nullable(Type.String()),
  attempts: Type.Integer({ description: 'Attempts begun' }),
  next_attempt_at: nullable(Time),
  ended_at: nullable(Time),
  last_attempt: nullable(
    Type.Object({
      log_id: Id,
      attempt_no: Type.Integer(),
      outcome: Type.String(),
      reason: Type.String(),
      response_status: nullable(Type.Integer()),
      started_at: Time,
    }),
  ),
}

export const Delivery = component('Delivery', 'An event owed to a subscription', Type.Object(deliveryMembers))

export const DeliveryWithAttempts = component(
  'DeliveryWithAttempts',
  'A delivery with its attempts',
  Type.Object({
    ...deliveryMembers,
    attempts_log: Type.Array(WebhookLogSummary.ref, {
      description: 'Attempts, and endings without one; the latest first, 200 at most',
    }),
  }),
)

export const deliveryQuery = {
  state: Type.Optional(State),
  subscription_id: Type.Optional(Type.String({ description: 'UUID' })),
  event_id: Type.Optional(Type.String({ description: 'UUID' })),
  blocked: Type.Optional(
    Type.Boolean({ description: 'Of the pending ones, those that wait for an earlier one, or those that do not' }),
  ),
}
