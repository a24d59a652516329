import { Type } from 'typebox'
import type { Static } from 'typebox'
import { component } from './component.ts'
import { Id, nullable, Time } from './fields.ts'

const changeable = {
  webhook_url: Type.String({
    minLength: 1,
    description: 'https to a public address, unless the operator allows more; at most 2,048 characters',
    examples: ['https://example.com/webhook'],
  }),
  event_names: Type.Array(Type.String(), {
    description: '1 to 100 names, prefixes such as `appointment.*`, or `*` for every business event',
    examples: [['appointment.created', 'appointment.cancelled']],
  }),
}

const changeableOptions = {
  description: Type.Optional(nullable(Type.String({ maxLength: 1_000 }))),
  active: Type.Optional(Type.Boolean()),
  concurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: 256, description: 'Calls at once' })),
  timeout_ms: Type.Optional(Type.Integer({ minimum: 1_000, maximum: 30_000, description: 'Deadline of one attempt' })),
  rate_limit: Type.Optional(
    nullable(Type.Integer({ minimum: 1, maximum: 10_000, description: 'Calls per second; null for no limit' })),
  ),
}

const GivenSecret = Type.Optional(
  Type.String({ maxLength: 100, description: '`whsec_` and 24 to 64 bytes in base64; made when absent' }),
)

export const SubscriptionInput = Type.Object(
  { ...changeable, ...changeableOptions, secret: GivenSecret },
  { additionalProperties: false },
)

export const SubscriptionChange = Type.Object(
  {
    webhook_url: Type.Optional(changeable.webhook_url),
    event_names: Type.Optional(changeable.event_names),
    ...changeableOptions,
  },
  { additionalProperties: false, minProperties: 1 },
)

export const OVERLAP_DEFAULT_SECONDS = 86_400

export const SecretRotation = Type.Object(
  {
    overlap_seconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 604_800,
        default: OVERLAP_DEFAULT_SECONDS,
        description: 'For how long calls are signed with the old secret too',
      }),
    ),
    secret: GivenSecret,
  },
  { additionalProperties: false },
)

const subscriptionMembers = {
  id: Id,
  webhook_url: Type.String(),
  event_names: Type.Array(Type.String()),
  description: nullable(Type.String()),
  status: Type.Union(
    [Type.Literal('active'), Type.Literal('inactive'), Type.Literal('disabled'), Type.Literal('deleted')],
    {
      description: '`inactive` was asked for; `disabled` followed from failures',
    },
  ),
  active: Type.Boolean(),
  disabled_reason: nullable(Type.String()),
  concurrency: Type.Integer(),
  timeout_ms: Type.Integer(),
  rate_limit: nullable(Type.Integer()),
  held_from_position: Type.Union([Type.Integer(), Type.Null()], {
    description: 'The first position whose event was not sent to it; null while active',
  }),
  failures_in_row: Type.Integer({ description: 'Deliveries that failed since the last one that did not' }),
  last_success_at: nullable(Time),
  last_failure_at: nullable(Time),
  breaker: Type.Union([Type.Literal('closed'), Type.Literal('open'), Type.Literal('recovering')], {
    description:
      '`open`: nobody answers there, so nothing is called until `next_call_at`; `recovering`: calls come back step by step',
  }),
  next_call_at: nullable(Time),
  created_at: Time,
  updated_at: Time,
}

export const Subscription = component('Subscription', 'A subscription', Type.Object(subscriptionMembers))
export type Subscription = Static<typeof Subscription.schema>

export const SubscriptionWithSecret = component(
  'SubscriptionWithSecret',
  'A subscription with its new signing secret',
  Type.Object({
    ...subscriptionMembers,
    secret: Type.String({ description: 'The signing secret. It stands in this answer and never again' }),
  }),
)

export const EnabledSubscription = component(
  'EnabledSubscription',
  'A subscription with what passed it by',
  Type.Object({
    ...subscriptionMembers,
    held: Type.Union(
      [Type.Object({ from_position: Type.Integer(), to_position: Type.Integer(), count: Type.Integer() }), Type.Null()],
      { description: 'Events that passed it by while it was not active; null if it was active' },
    ),
  }),
)
