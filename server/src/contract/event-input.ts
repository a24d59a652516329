import { Type } from 'typebox'
import type { Static } from 'typebox'
import { component } from './component.ts'
import { GivenId, Id, ShortText, Time, TypeName } from './fields.ts'

/**
 * The form of an event as it is published. What has codes of its own (the grammar of names, ids, times, how many related
 * entities) is said here in words and checked where events are prepared.
 */
export const EventInput = component(
  'EventInput',
  'An event to be recorded',
  Type.Object(
    {
      event_name: Type.String({
        description: '1 to 6 dotted segments of `a-z`, `0-9`, `_` and `-`, at most 128 characters; not `daybook.*`',
        examples: ['appointment.created'],
      }),
      payload: Type.Unknown({
        description:
          'Any JSON of at most 262,144 bytes that fits the definition of the event name; kept and sent byte for byte',
      }),
      entity_type: Type.Optional(TypeName),
      entity_id: Type.Optional(GivenId),
      related: Type.Optional(
        Type.Array(Type.Object({ type: TypeName, id: GivenId }, { additionalProperties: false }), {
          description: 'At most 16 further entities',
        }),
      ),
      id: Type.Optional(
        Type.String({ description: 'UUID of version 7, dated from 30 days ago to 5 minutes ahead; made when absent' }),
      ),
      idempotency_key: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 200,
          description:
            'A publish with the same key and the same content is answered like the first; remembered for 30 days',
        }),
      ),
      occurred_at: Type.Optional(
        Type.String({ description: 'RFC 3339 with an offset, at most 5 minutes ahead; now when absent' }),
      ),
      actor: Type.Optional(
        Type.Object(
          { type: TypeName, id: GivenId, name: Type.Optional(ShortText) },
          { additionalProperties: false, description: 'Who did it; the API key when absent' },
        ),
      ),
      source: Type.Optional(ShortText),
      correlation_id: Type.Optional(ShortText),
      causation_id: Type.Optional(ShortText),
    },
    { additionalProperties: false },
  ),
)

export const EventBatchInput = Type.Object(
  { events: Type.Array(EventInput.ref, { minItems: 1, description: 'At most 1,000; all are recorded or none' }) },
  { additionalProperties: false },
)

export const PublishedEvent = component(
  'PublishedEvent',
  'The event is recorded',
  Type.Object({
    id: Id,
    event_name: Type.String(),
    recorded_at: Time,
    replayed: Type.Boolean({ description: 'It was recorded by an earlier publish, which this one repeats' }),
    warnings: Type.Optional(
      Type.Array(Type.Object({ pointer: Type.String(), code: Type.String(), message: Type.String() }), {
        description: 'Only where there is one: `definition_deprecated`, the definition of the event name is deprecated',
      }),
    ),
  }),
)

export type PublishedEvent = Static<typeof PublishedEvent.schema>
