import { Type } from 'typebox'
import { component } from './component.ts'
import { Actor, Id, nullable, Time } from './fields.ts'
import { timeQuery } from './page.ts'

const states = ['queued', 'running', 'paused', 'succeeded', 'failed', 'cancelled'] as const

const retriedStates = ['pending', 'failed', 'cancelled'] as const

const filterMembers = {
  subscription_id: Type.Optional(Type.String({ description: 'UUID' })),
  event_name: Type.Optional(
    Type.String({
      maxLength: 200,
      description: 'A name, a prefix such as `appointment.*`, or `*`: every business event',
    }),
  ),
  reason: Type.Optional(
    Type.String({
      maxLength: 200,
      description: 'Of the ending; of a pending one, of its last attempt, or `not_attempted_yet`',
    }),
  ),
  ...timeQuery,
}

const order = {
  dry_run: Type.Optional(Type.Boolean({ default: false, description: 'Counts, and changes nothing' })),
  expected_count: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'What the dry run said; needed above 1,000. The number may have moved by a tenth of it since',
    }),
  ),
}

/** The times are those of the endings; of pending deliveries, those of their events. */
export const RetryDeliveriesInput = Type.Object(
  {
    filter: Type.Object(
      {
        state: Type.Optional(
          Type.Unsafe<(typeof retriedStates)[number]>({ type: 'string', enum: retriedStates, default: 'failed' }),
        ),
        ...filterMembers,
      },
      { additionalProperties: false },
    ),
    ...order,
  },
  { additionalProperties: false },
)

export const CancelDeliveriesInput = Type.Object(
  {
    filter: Type.Object(
      {
        state: Type.Optional(Type.Unsafe<'pending'>({ type: 'string', enum: ['pending'], default: 'pending' })),
        ...filterMembers,
      },
      { additionalProperties: false },
    ),
    ...order,
  },
  { additionalProperties: false },
)

const Parameters = Type.Unsafe<Readonly<Record<string, unknown>>>({
  type: 'object',
  additionalProperties: true,
  description: 'What it is about; relative times as they were when it was started',
})

export const Counts = Type.Unsafe<Readonly<Record<string, number>>>({
  type: 'object',
  additionalProperties: { type: 'integer' },
  description:
    'How many were left as they are, by a stable word: `subscription_deleted`, `changed_since`, `in_flight`, `delivery_blocked` and the like',
})

export const JobState = Type.Unsafe<(typeof states)[number]>({
  type: 'string',
  enum: states,
  description:
    '`queued`: nothing was done yet. `paused`: it goes on when it is resumed. `failed`: it gave up, see `last_error`; what was done stays',
})

export const waitingFor = nullable(
  Type.String({
    description:
      'What it waits for, a stable word, while it cannot go on: `deliveries_due`, `subscription_not_active`, `breaker_open` and the like',
  }),
)

export const Job = component(
  'Job',
  'Long work that somebody started',
  Type.Object({
    id: Id,
    kind: Type.String({
      description: '`retry_deliveries`, `cancel_deliveries`, `recover_events`, `replay_events`',
      examples: ['retry_deliveries'],
    }),
    parameters: Parameters,
    state: JobState,
    total: Type.Integer({ description: 'Counted when it was started' }),
    done: Type.Integer(),
    skipped: Type.Integer(),
    skipped_reasons: Counts,
    failed: Type.Integer({ description: 'Tried in vain' }),
    author: Actor,
    last_error: nullable(
      Type.String({ description: 'For people; of a slice that is tried again, or of the last one' }),
    ),
    waiting_for: waitingFor,
    created_at: Time,
    started_at: nullable(Time),
    finished_at: nullable(Time),
  }),
)

export const JobCount = component(
  'JobCount',
  'What a job would take',
  Type.Object({ kind: Type.String(), count: Type.Integer(), parameters: Parameters }),
)
