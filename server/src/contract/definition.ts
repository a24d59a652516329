import { Type } from 'typebox'
import type { Static } from 'typebox'
import { compatibilityModes } from '../lib/compatibility-modes.ts'
import { EXAMPLES_MAX } from '../lib/definition-limits.ts'
import { component } from './component.ts'
import { Actor, Id, nullable, ShortText, Time } from './fields.ts'

const EntityPointer = Type.Object({
  type: Type.String(),
  id: Type.String({ description: 'JSON pointer to the id, into the payload' }),
})

const Status = Type.Union(
  [Type.Literal('draft'), Type.Literal('active'), Type.Literal('deprecated'), Type.Literal('archived')],
  {
    description:
      '`draft`: not in force; `active`: publishes are judged by it; `deprecated`: the same, with a warning; ' +
      '`archived`: publishes are refused',
  },
)

const Compatibility = Type.Enum([...compatibilityModes], {
  description:
    'What a new version must keep: `backward` for producers that write by an older version, `forward` for consumers that ' +
    'read by one, `full` both; of the version before it, or with `_transitive` of all',
})

const Source = Type.Union([Type.Literal('standard'), Type.Literal('custom')])

const Schema = Type.Unsafe<unknown>({ description: 'JSON Schema 2020-12 of the payload' })

const summaryMembers = {
  event_name: Type.String(),
  source: Source,
  status: Status,
  version: Type.Integer(),
  title: Type.String(),
  description: Type.String(),
  owner: nullable(Type.String()),
  tags: Type.Array(Type.String()),
  compatibility: Type.Union([Type.Enum([...compatibilityModes]), Type.Null()], {
    description: 'Null for a standard definition',
  }),
  entity: Type.Union([EntityPointer, Type.Null()], { description: 'The entity of an event that does not name one' }),
  related: Type.Array(EntityPointer),
  created_at: nullable(Time),
  updated_at: nullable(Time),
}

export const DefinitionSummary = component(
  'DefinitionSummary',
  'A definition without its schema',
  Type.Object(summaryMembers),
)

export type DefinitionSummary = Static<typeof DefinitionSummary.schema>

const PersonalMember = Type.Object({
  pointer: Type.String({ description: 'JSON pointer into the payload; the token `*` stands for every item of a list' }),
  category: Type.Optional(Type.String()),
  purpose: Type.Optional(Type.String()),
  subject: Type.Optional(Type.String({ description: 'JSON pointer into the payload, to the id of the person' })),
})

const definitionMembers = {
  ...summaryMembers,
  personal: Type.Array(PersonalMember, { description: 'What the schema marks by `x-personal`' }),
  examples: Type.Array(Type.Unknown()),
  schema: Schema,
}

export const Definition = component('Definition', 'The definition of an event name', Type.Object(definitionMembers))

export type Definition = Static<typeof Definition.schema>

const changeable = {
  title: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
  description: Type.Optional(Type.String({ maxLength: 5_000 })),
  owner: Type.Optional(nullable(Type.String({ minLength: 1, maxLength: 100 }))),
  tags: Type.Optional(Type.Array(Type.String({ pattern: '^[a-z0-9-]{1,50}$' }), { maxItems: 20 })),
  compatibility: Type.Optional(Compatibility),
  examples: Type.Optional(
    Type.Array(Type.Unknown(), { maxItems: EXAMPLES_MAX, description: 'Payloads; each has to fit the schema' }),
  ),
}

const GivenSchema = Type.Unsafe<unknown>({
  description:
    'JSON Schema 2020-12 of the payload, kept byte for byte. `x-entity`, `x-related` and `x-personal` say what in a payload ' +
    'names entities and persons',
  examples: [
    {
      type: 'object',
      properties: { order_id: { type: 'string', minLength: 1 }, total: { type: 'number' } },
      required: ['order_id'],
      'x-entity': { type: 'order', id: '/order_id' },
    },
  ],
})

export const DefinitionInput = Type.Object(
  {
    event_name: Type.String({
      description: '1 to 6 dotted segments of `a-z`, `0-9`, `_` and `-`, at most 128 characters; not `daybook.*`',
      examples: ['order.placed'],
    }),
    schema: GivenSchema,
    status: Type.Optional(
      Type.Union([Type.Literal('draft'), Type.Literal('active')], { description: '`draft` when absent' }),
    ),
    ...changeable,
  },
  { additionalProperties: false },
)

export const DefinitionChange = Type.Object(
  { schema: Type.Optional(GivenSchema), status: Type.Optional(Status), ...changeable },
  { additionalProperties: false, minProperties: 1 },
)

export const EventNamePath = Type.Object({ event_name: Type.String() })

const Version = Type.Optional(
  Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'Of the definition; the latest when absent' }),
)

export const versionQuery = Type.Object({ version: Version }, { additionalProperties: false })

export const sampleQuery = Type.Object(
  {
    version: Version,
    seed: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1_000_000,
        description: 'Another one gives another payload, the same one the same; when absent the first example is given',
      }),
    ),
  },
  { additionalProperties: false },
)

export const REHEARSAL_DEFAULT = 100
const REHEARSAL_MAX = 1_000

export const DefinitionTrial = Type.Object(
  {
    schema: GivenSchema,
    examples: changeable.examples,
    compatibility: Type.Optional(Compatibility),
    last: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: REHEARSAL_MAX,
        default: REHEARSAL_DEFAULT,
        description:
          'How many of the last events of this name are judged; when absent 100, or none with a key without `events:read`',
      }),
    ),
  },
  { additionalProperties: false },
)

const Fault = Type.Object({ pointer: Type.String(), code: Type.String(), message: Type.String() })

export const DefinitionCheck = component(
  'DefinitionCheck',
  'What would become of a schema',
  Type.Object({
    acceptable: Type.Boolean({ description: 'It could be put now: neither a fault nor an incompatibility' }),
    faults: Type.Array(Fault, { description: 'What keeps it from being a definition; pointers lead into the request' }),
    compatibility: Compatibility,
    incompatibilities: Type.Array(
      Type.Object({
        version: Type.Integer({ description: 'The older version that it breaks' }),
        breaks: Type.Union([Type.Literal('producers'), Type.Literal('consumers')]),
        pointer: Type.String({
          description:
            'Into the schema of the request where producers break, into that of `version` where consumers do',
        }),
        code: Type.String(),
        message: Type.String(),
      }),
      { description: 'The first 100' },
    ),
    rehearsal: Type.Union(
      [
        Type.Object({
          checked: Type.Integer({ description: 'How many stored events were judged' }),
          failing: Type.Integer(),
          complete: Type.Boolean({ description: 'False when time ran out before all that were asked for' }),
          samples: Type.Array(Type.Object({ event_id: Id, position: Type.Integer(), faults: Type.Array(Fault) }), {
            description: 'Up to 10 events that would fail, the newest first',
          }),
        }),
        Type.Null(),
      ],
      { description: 'Null where the schema has faults' },
    ),
  }),
)

export type DefinitionCheck = Static<typeof DefinitionCheck.schema>

export const DefinitionVersion = component(
  'DefinitionVersion',
  'A version of a definition',
  Type.Object({
    version: Type.Integer(),
    is_latest: Type.Boolean(),
    was_in_force: Type.Boolean({ description: 'False for one of a draft; new versions need not keep to it' }),
    created_at: nullable(Time),
    created_by: nullable(Actor),
  }),
)

export type DefinitionVersion = Static<typeof DefinitionVersion.schema>

export const DefinitionSample = component(
  'DefinitionSample',
  'A payload that fits a definition',
  Type.Object({
    event_name: Type.String(),
    version: Type.Integer(),
    from: Type.Union([Type.Literal('example'), Type.Literal('schema')], {
      description: 'One of the examples, or made up from the schema',
    }),
    payload: Type.Unknown(),
  }),
)

export type DefinitionSample = Static<typeof DefinitionSample.schema>

export const definitionQuery = {
  source: Type.Optional(Source),
  status: Type.Optional(Status),
  tag: Type.Optional(ShortText),
  q: Type.Optional(
    Type.String({ minLength: 1, maxLength: 200, description: 'Part of a name, title or description, in any case' }),
  ),
}
