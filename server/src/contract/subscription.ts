import { Type } from 'typebox'
import type { Static } from 'typebox'
import { component } from './component.ts'
import { Job } from './job.ts'
import { Auth, credentialMembers, Tls } from './credentials.ts'
import { Id, nullable, Time } from './fields.ts'

const Format = Type.Union([Type.Literal('daybook'), Type.Literal('cloudevents')], {
  description: 'The form of the body: that of Daybook, or CloudEvents 1.0 in structured mode',
})

const Ordering = Type.Union([Type.Literal('none'), Type.Literal('entity'), Type.Literal('subscription')], {
  description:
    'What is sent one after the other: nothing; the events of each entity; all. What comes after a delivery that fails ' +
    'waits until it has ended',
})

const Signature = Type.Union([Type.Literal('hmac'), Type.Literal('ed25519')], {
  description: 'How calls are signed: HMAC-SHA256 (`v1`), or Ed25519 (`v1a`)',
})

export const WebhookUrl = Type.String({
  minLength: 1,
  description: 'https to a public address, unless the operator allows more; at most 2,048 characters',
  examples: ['https://example.com/webhook'],
})

const changeable = {
  webhook_url: WebhookUrl,
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
  filter: Type.Optional(
    nullable(
      Type.Object(
        {},
        {
          additionalProperties: true,
          description: 'Which events of these names are wanted, see docs/filters.md; null or `{}` for all',
          examples: [{ branch_id: 'berlin-mitte', 'service.duration_minutes': { $gte: 30 } }],
        },
      ),
    ),
  ),
  headers: Type.Optional(
    Type.Record(Type.String(), Type.String(), {
      description: 'Sent with every call; at most 20. Those that Daybook or the connection needs are refused',
      examples: [{ 'x-tenant': 'acme' }],
    }),
  ),
  auth: Type.Optional(nullable(Auth)),
  tls: Type.Optional(nullable(Tls)),
  format: Type.Optional(Format),
  ordering: Type.Optional(Ordering),
  retry_schedule: Type.Optional(
    nullable(
      Type.Array(Type.Integer({ minimum: 1, maximum: 604_800 }), {
        maxItems: 20,
        description: 'Seconds before each further attempt, 30 days in all; null for the schedule of the operator',
        examples: [[60, 300, 900]],
      }),
    ),
  ),
}

const GivenSecret = Type.Optional(
  Type.String({
    maxLength: 100,
    description: '`whsec_` and 24 to 64 bytes in base64, or `whsk_` and an Ed25519 key; made when absent',
  }),
)

/** What one call needs. */
export const callOptions = {
  headers: changeableOptions.headers,
  auth: changeableOptions.auth,
  tls: changeableOptions.tls,
  format: changeableOptions.format,
  timeout_ms: changeableOptions.timeout_ms,
  secret: GivenSecret,
  signature: Type.Optional(Signature),
}

export const SubscriptionInput = Type.Object(
  { ...changeable, ...changeableOptions, secret: GivenSecret, signature: Type.Optional(Signature) },
  { additionalProperties: false },
)

/** All settings; what is absent takes its default. */
export const SubscriptionReplacement = Type.Object(
  { ...changeable, ...changeableOptions },
  { additionalProperties: false },
)

const expected_count = Type.Optional(
  Type.Integer({
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    description: 'How many that are, if more than 1,000; it may have moved by a tenth since',
  }),
)

export const EnableInput = Type.Object(
  {
    recover: Type.Optional(Type.Boolean({ default: false, description: 'Send it what passed it by' })),
    expected_count,
  },
  { additionalProperties: false },
)

const Position = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })

export const RecoverInput = Type.Object(
  { from_position: Position, to_position: Type.Optional(Position), expected_count },
  { additionalProperties: false },
)

export const PreviewInput = Type.Object(
  {
    event_names: changeable.event_names,
    filter: changeableOptions.filter,
    last: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000, default: 1_000, description: 'How many of the newest events' }),
    ),
  },
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
    signature: Type.Optional(Signature),
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
  filter: nullable(Type.Object({}, { additionalProperties: true })),
  headers: Type.Record(Type.String(), Type.String()),
  ...credentialMembers,
  format: Format,
  ordering: Ordering,
  retry_schedule: nullable(Type.Array(Type.Integer())),
  signature: Signature,
  public_key: Type.Union([Type.String(), Type.Null()], {
    description: 'What `v1a` signatures are verified with, `whpk_…`; null with HMAC',
  }),
  held_from_position: Type.Union([Type.Integer(), Type.Null()], {
    description: 'The first position whose event was not sent to it; null while events are sent to it as they come',
  }),
  held_by: Type.Union([Id, Type.Null()], {
    description:
      'The job for which new events are held back while it is active: a replay, or the recovery that lets them follow',
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

const warnings = {
  warnings: Type.Array(Type.Object({ pointer: Type.String(), code: Type.String(), message: Type.String() }), {
    description: 'What is accepted and probably not meant: names of events that no definition has',
  }),
}

export const ChangedSubscription = component(
  'ChangedSubscription',
  'A subscription after a change',
  Type.Object({ ...subscriptionMembers, ...warnings }),
)

export type ChangedSubscription = Static<typeof ChangedSubscription.schema>

export const CreatedSubscription = component(
  'CreatedSubscription',
  'A new subscription with its signing secret',
  Type.Object({
    ...subscriptionMembers,
    ...warnings,
    secret: Type.String({ description: 'The signing secret. It stands in this answer and never again' }),
  }),
)

export const SubscriptionWithSecret = component(
  'SubscriptionWithSecret',
  'A subscription with its new signing secret',
  Type.Object({
    ...subscriptionMembers,
    secret: Type.String({ description: 'The signing secret. It stands in this answer and never again' }),
  }),
)

export const RevealedSecrets = component(
  'RevealedSecrets',
  'What of a subscription is secret',
  Type.Object({
    secrets: Type.Array(Type.Object({ secret: Type.String(), expires_at: nullable(Time) }), {
      description: 'What calls are signed with, the current one first; older ones until they expire',
    }),
    auth: Auth,
    tls: nullable(Tls),
  }),
)

export const EnabledSubscription = component(
  'EnabledSubscription',
  'A subscription with what passed it by',
  Type.Object({
    ...subscriptionMembers,
    held: Type.Union(
      [
        Type.Object({
          from_position: Type.Integer(),
          to_position: Type.Integer(),
          count: Type.Union([Type.Integer(), Type.Null()], {
            description: 'Null: above 5,000,000 positions nothing is counted',
          }),
        }),
        Type.Null(),
      ],
      { description: 'Events that passed it by while it was not active, by their names; null if it was active' },
    ),
    job: Type.Union([Job.ref, Type.Null()], { description: 'What sends them, with `recover`' }),
  }),
)
