import { Type } from 'typebox'
import type { Static } from 'typebox'
import { component } from './component.ts'
import { Id, nullable, Time } from './fields.ts'
import { timeQuery } from './page.ts'

const Count = Type.Integer({ minimum: 0 })

const Rate = nullable(
  Type.Number({ minimum: 0, maximum: 1, description: 'Delivered among those that ended delivered or failed' }),
)

const figures = {
  attempts: Type.Integer({ minimum: 0, description: 'Calls, first ones and retries' }),
  delivered: Count,
  will_retry: Count,
  failed: Type.Integer({ minimum: 0, description: 'Deliveries that ended so' }),
  cancelled: Count,
  unknown: Count,
  success_rate: Rate,
  latency_ms: Type.Union(
    [Type.Object({ p50: Type.Number(), p90: Type.Number(), p95: Type.Number(), p99: Type.Number() }), Type.Null()],
    { description: 'Of calls that were answered, each within `latency_error` of its value; null where none was' },
  ),
}

const totals = { events: Type.Integer({ minimum: 0, description: 'Recorded' }), ...figures }

const span = { from: Time, to: Time }

const granularity = Type.Unsafe<'minute' | 'hour' | 'day'>({ type: 'string', enum: ['minute', 'hour', 'day'] })

export const Stats = component(
  'Stats',
  'What was recorded and how it was delivered',
  Type.Object({
    ...span,
    bucket: granularity,
    latency_error: Type.Number({ description: 'The part of its value that a latency is off at most: 0.05' }),
    buckets: Type.Array(
      Type.Object({
        starts_at: Time,
        ...totals,
        events_by_name: Type.Record(Type.String(), Count, { description: 'The most frequent names of the period' }),
        other_events: Type.Integer({ minimum: 0, description: 'Of all other names' }),
      }),
      { description: 'All of the period, those in which nothing happened too' },
    ),
    totals: Type.Object(totals),
    previous: Type.Union([Type.Object({ ...span, ...totals }), Type.Null()], {
      description: 'The time of the same length before; null where it is not kept in these buckets any more',
    }),
    events_by_name: Type.Array(Type.Object({ event_name: Type.String(), events: Count }), {
      description: 'The 100 most frequent',
    }),
    reasons: Type.Array(
      Type.Object({ outcome: Type.String(), reason: Type.String(), class: Type.String(), count: Count }),
      { description: 'How calls and deliveries ended, the 50 most frequent ways' },
    ),
    causes: Type.Array(
      Type.Object({
        class: Type.String({ description: '`http_5xx`, `timeout` and the like' }),
        count: Count,
      }),
      { description: 'Why calls did not deliver, the ten most frequent causes' },
    ),
    replays: Type.Object(figures, { description: 'Posted again by replays; in none of the other figures' }),
    worst_subscriptions: Type.Array(
      Type.Object({
        subscription_id: Id,
        webhook_url: Type.String(),
        status: Type.String(),
        attempts: Count,
        delivered: Count,
        failed: Count,
        failed_attempts: Type.Integer({ minimum: 0, description: 'Calls that did not deliver' }),
        success_rate: Rate,
      }),
      { description: 'The ten with the most calls that did not deliver; empty when filtered' },
    ),
  }),
)

export const statsQuery = {
  ...timeQuery,
  bucket: Type.Optional(
    Type.Unsafe<'minute' | 'hour' | 'day' | 'auto'>({
      type: 'string',
      enum: ['auto', 'minute', 'hour', 'day'],
      default: 'auto',
      description: 'In UTC. Minutes are kept for two days, hours for 90, days for ever',
    }),
  ),
  event_names: Type.Optional(
    Type.Array(Type.String(), {
      maxItems: 100,
      description:
        'Names or prefixes such as `appointment.*`; repeated, or separated by commas. Every business event when absent. Not together with `subscription_id`',
    }),
  ),
  subscription_id: Type.Optional(Type.String({ description: 'Only its deliveries; events are those of the company' })),
}

export type Stats = Static<typeof Stats.schema>
