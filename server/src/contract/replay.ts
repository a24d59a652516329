import { Type } from 'typebox'
import type { Static, TSchema, TSchemaOptions } from 'typebox'
import { component } from './component.ts'
import { Actor, EntityRef, GivenId, Id, nullable, Time } from './fields.ts'
import { Counts, JobState, waitingFor } from './job.ts'
import { timeQuery } from './page.ts'

const modes = ['all', 'missing', 'failed'] as const

const Mode = Type.Unsafe<(typeof modes)[number]>({
  type: 'string',
  enum: modes,
  description:
    '`all` that is chosen; `missing`: what was never delivered and is not pending; `failed`: what ended last as failed or cancelled',
})

const filter = Type.Object(
  {},
  { additionalProperties: true, description: 'As subscriptions have them, see docs/filters.md' },
)

const position = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description }))

const SourceInput = Type.Object(
  {
    from_position: position('Included'),
    to_position: position('Included. What is recorded after the start is in no replay'),
    ...timeQuery,
    event_names: Type.Optional(
      Type.Array(Type.String({ maxLength: 200 }), {
        minItems: 1,
        maxItems: 100,
        description: 'Names, prefixes such as `appointment.*`, or `*`: every business event',
      }),
    ),
    entities: Type.Optional(
      Type.Array(
        Type.Object(
          { type: Type.String({ minLength: 1, maxLength: 200 }), id: GivenId },
          { additionalProperties: false },
        ),
        { minItems: 1, maxItems: 100, description: 'Events about one of them' },
      ),
    ),
    include_related: Type.Optional(
      Type.Boolean({ description: 'With `entities`: also the events that name one as related' }),
    ),
    correlation_id: Type.Optional(Type.String({ maxLength: 1_000 })),
    filter: Type.Optional(filter),
  },
  { additionalProperties: false, description: 'An event has to fulfil all that is given' },
)

export const ReplayInput = Type.Object(
  {
    source: SourceInput,
    target: Type.Object(
      {
        subscription_ids: Type.Array(Type.String({ description: 'UUID' }), { minItems: 1, maxItems: 20 }),
      },
      { additionalProperties: false },
    ),
    mode: Type.Optional(Mode),
    rate: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000, default: 50, description: 'Deliveries per second, at most' }),
    ),
    reason: Type.Optional(
      Type.String({ maxLength: 500, description: 'For people; kept with the replay and in its events' }),
    ),
    dry_run: Type.Optional(Type.Boolean({ default: false, description: 'Looks and counts, and sends nothing' })),
    expected_count: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description:
          'What the dry run said; needed above 1,000, and wherever that was an estimate. The number may have moved by a tenth of it since; an estimate, by half of it or 1,000',
      }),
    ),
  },
  { additionalProperties: false },
)

export const ResumeReplayInput = Type.Object(
  {
    expected_count: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'Confirms so many deliveries, a tenth more, and 1,000 at least, where the total is an estimate',
      }),
    ),
  },
  { additionalProperties: false },
)

const list = <Item extends TSchema>(item: Item, options: TSchemaOptions = {}) =>
  Type.Unsafe<readonly Static<Item>[]>(Type.Array(item, options))

const Source = Type.Object({
  from_position: Type.Integer(),
  to_position: Type.Integer({ description: 'The last position when it was started, or before' }),
  from: Type.Optional(Time),
  to: Type.Optional(Time),
  event_names: Type.Optional(list(Type.String(), { description: 'Without wildcards' })),
  entities: Type.Optional(list(EntityRef)),
  include_related: Type.Optional(Type.Boolean()),
  correlation_id: Type.Optional(Type.String()),
  filter: Type.Optional(filter),
})

const Target = Type.Object({ subscription_ids: list(Id) })

const ordered = {
  source: Source,
  target: Target,
  mode: Mode,
  rate: Type.Integer({ description: 'Deliveries per second, at most' }),
  reason: nullable(Type.String()),
}

export const Replay = component(
  'Replay',
  'A job that posts past events again. Its calls carry its id as `webhook-replay-id`',
  Type.Object({
    id: Id,
    state: JobState,
    ...ordered,
    total: Type.Integer({ description: 'Deliveries that it would make, counted when it was started' }),
    is_total_estimated: Type.Boolean({ description: 'More was chosen than was counted' }),
    confirmed_count: nullable(
      Type.Integer({ description: 'Where the total is estimated: it makes a tenth more than that, or 1,000, at most' }),
    ),
    done: Type.Integer({ description: 'Deliveries that it made' }),
    skipped: Type.Integer(),
    skipped_reasons: Counts,
    author: Actor,
    last_error: nullable(Type.String({ description: 'For people' })),
    waiting_for: waitingFor,
    created_at: Time,
    started_at: nullable(Time),
    finished_at: nullable(Time),
  }),
)

export const ReplayEstimate = component(
  'ReplayEstimate',
  'What a replay would do',
  Type.Object({
    ...ordered,
    count: Type.Integer({ description: 'Deliveries that it would make' }),
    is_estimated: Type.Boolean({
      description: 'More was chosen than is counted; what was counted is taken for typical of the rest',
    }),
    looked_at: Type.Integer({ description: 'Events that were looked at, for all subscriptions together' }),
    bytes: Type.Integer({ description: 'Of the payloads, about' }),
    seconds: Type.Integer({ description: 'At the rate, if nothing has to wait' }),
    skipped_reasons: Counts,
    sample: list(
      Type.Object({
        event_id: Id,
        event_name: Type.String(),
        position: Type.Integer(),
        entity_type: nullable(Type.String()),
        entity_id: nullable(Type.String()),
        recorded_at: Time,
        subscription_id: Id,
      }),
      { description: 'Of those that would be sent, the first that were looked at; ten at most' },
    ),
  }),
)
