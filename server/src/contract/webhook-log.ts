import { Type } from 'typebox'
import { component } from './component.ts'
import { Id, nullable, Time } from './fields.ts'

const outcomes = ['delivered', 'will_retry', 'failed', 'cancelled', 'unknown'] as const

const statusClasses = ['1xx', '2xx', '3xx', '4xx', '5xx', 'none'] as const

const Outcome = Type.Unsafe<(typeof outcomes)[number]>({
  type: 'string',
  enum: outcomes,
  description: '`unknown`: whoever made the attempt was gone before its result was written; it is made again',
})

export const Milliseconds = Type.Union([Type.Number(), Type.Null()], {
  description: 'Null for a part that did not happen',
})

export const Headers = nullable(
  Type.Unsafe<readonly (readonly [name: string, value: string])[]>({
    type: 'array',
    items: { type: 'array', items: { type: 'string' }, minItems: 2, maxItems: 2 },
    description: '[name, value], in their order',
  }),
)

const shared = {
  id: Id,
  delivery_id: Id,
  subscription_id: Type.Union([Id, Type.Null()], { description: 'Null for a test of any URL' }),
  event_id: Id,
  event_name: Type.String(),
  position: Type.Integer({ description: '0 for a test' }),
  is_test: Type.Boolean({ description: 'A call that somebody made to try the endpoint' }),
  replay_id: nullable(Id),
  attempt_no: Type.Integer({ description: '0: the delivery ended without an attempt' }),
  outcome: Outcome,
  reason: Type.String({ description: 'Stable word: `http_503`, `timeout`, `subscription_deleted` and the like' }),
  detail: nullable(Type.String()),
  webhook_url: Type.String(),
  response_status: nullable(Type.Integer()),
  started_at: Time,
  next_attempt_at: nullable(Time),
  created_at: Time,
}

export const WebhookLogSummary = component(
  'WebhookLogSummary',
  'An attempt, or the end of a delivery without one',
  Type.Object({ ...shared, total_ms: Milliseconds }),
)

export const WebhookLog = component(
  'WebhookLog',
  'An attempt with its request and response',
  Type.Object({
    ...shared,
    request_headers: Headers,
    request_body: Type.Union([Type.String(), Type.Null()], { description: 'Of a test; all others sent the event' }),
    response_headers: Headers,
    response_body: Type.Union([Type.String(), Type.Null()], { description: 'The first 16 KiB, when they are UTF-8' }),
    response_body_base64: Type.Union([Type.String(), Type.Null()], { description: 'The same when they are not' }),
    response_truncated: Type.Boolean(),
    timings: Type.Object({
      dns_ms: Milliseconds,
      connect_ms: Milliseconds,
      first_byte_ms: Milliseconds,
      total_ms: Milliseconds,
    }),
  }),
)

export const webhookLogQuery = {
  subscription_id: Type.Optional(Type.String({ description: 'UUID' })),
  event_id: Type.Optional(Type.String({ description: 'UUID' })),
  delivery_id: Type.Optional(Type.String({ description: 'UUID' })),
  event_name: Type.Optional(
    Type.String({
      maxLength: 200,
      description: 'A name, a prefix such as `appointment.*`, or `*`: every business event',
    }),
  ),
  outcome: Type.Optional(Outcome),
  status_class: Type.Optional(
    Type.Unsafe<(typeof statusClasses)[number]>({
      type: 'string',
      enum: statusClasses,
      description: 'Of the response; `none`: there was none',
    }),
  ),
  response_status: Type.Optional(Type.Integer({ minimum: 100, maximum: 999 })),
  is_test: Type.Optional(Type.Boolean()),
  reason: Type.Optional(
    Type.String({ maxLength: 200, description: 'Stable word: `http_503`, `timeout` and the like' }),
  ),
}
