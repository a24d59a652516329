import { Type } from 'typebox'
import { component } from './component.ts'
import { Id, nullable, Time } from './fields.ts'

/** As in events/retention/retention-rules.ts, which says why; the tests of the routes compare them. */
const days = { minimum: 31, maximum: 36_500 }

const Days = (description: string) => nullable(Type.Integer({ ...days, description }))

const Rule = Type.Object(
  {
    event_name: Type.String({
      maxLength: 200,
      description: 'A name, a prefix such as `appointment.*`, or `*`: every business event',
    }),
    payload_retention_days: Days('Null: for ever'),
  },
  { additionalProperties: false },
)

const decision = {
  payload_retention_days: Days('Of all names that no rule chooses, `daybook.*` among them. Null: for ever'),
  ledger_retention_days: Days('Of attempts and endings. Null: for ever'),
  rules: Type.Array(Rule, {
    maxItems: 100,
    description: 'The one that says most about a name counts: its own name, then the longest prefix, then `*`',
  }),
}

export const RetentionInput = Type.Object(decision, { additionalProperties: false })

export const Retention = component(
  'Retention',
  'How long payloads and the ledger are kept',
  Type.Object({
    ...decision,
    updated_at: Type.Union([Time, Type.Null()], { description: 'Null: nothing was ever decided, and all is kept' }),
    ledger_ended_before: Type.Union([Time, Type.Null()], {
      description: 'Attempts and endings from before may be gone. Null: none ever went',
    }),
    waiting: Type.Object({
      payloads: Type.Integer({
        description: 'Payloads beyond their time, whose events have deliveries to come; 1,000 when there are more',
      }),
      oldest_event_id: nullable(Id),
      job_id: Type.Union([Id, Type.Null()], { description: 'An open job for which everything waits' }),
    }),
  }),
)

const ending = {
  count: Type.Integer(),
  bytes: Type.Integer({ description: 'As they are stored, compressed where they are' }),
  is_complete: Type.Boolean({ description: 'False: there are more than were looked at' }),
}

export const RetentionPreview = component(
  'RetentionPreview',
  'What would end now',
  Type.Object({
    payloads: Type.Object({
      ...ending,
      waiting: Type.Integer({ description: 'Beside those: their events have deliveries to come' }),
    }),
    ledger: Type.Object(ending),
  }),
)
