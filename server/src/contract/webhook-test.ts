import { Type } from 'typebox'
import type { Static } from 'typebox'
import { component } from './component.ts'
import { GivenId, Id, nullable, TypeName } from './fields.ts'
import { callOptions, WebhookUrl } from './subscription.ts'
import { Headers, Milliseconds } from './webhook-log.ts'

const sample = {
  event_name: Type.String({ description: 'Of the sample; declared or not', examples: ['test.webhook'] }),
  payload: Type.Optional(
    Type.Unknown({ description: 'Sent as it is. By default what the definition gives: its first example' }),
  ),
  entity_type: Type.Optional(TypeName),
  entity_id: Type.Optional(GivenId),
}

export const TestWebhookInput = Type.Object(
  { webhook_url: WebhookUrl, ...sample, ...callOptions },
  { additionalProperties: false },
)

export const TestSubscriptionInput = Type.Object(
  { ...sample, event_name: Type.Optional(sample.event_name) },
  { additionalProperties: false },
)

export const WebhookTest = component(
  'WebhookTest',
  'A call that was made to try an endpoint',
  Type.Object({
    webhook_log_id: Type.String({ ...Id, description: 'Where the ledger keeps it, as a test' }),
    outcome: Type.Unsafe<'delivered' | 'failed'>({ type: 'string', enum: ['delivered', 'failed'] }),
    reason: Type.String({ description: 'Stable word: `http_200`, `timeout`, `blocked_address` and the like' }),
    detail: nullable(Type.String()),
    request: Type.Object(
      {
        method: Type.Literal('POST'),
        url: Type.String(),
        headers: Headers,
        body: Type.String({ description: 'Byte for byte what was signed' }),
      },
      { description: 'As it was sent; credentials are hidden. Headers are null when nothing was sent' },
    ),
    response: nullable(
      Type.Object({
        status: Type.Integer(),
        headers: Headers,
        body: Type.Union([Type.String(), Type.Null()], { description: 'The first 16 KiB, when they are UTF-8' }),
        body_base64: Type.Union([Type.String(), Type.Null()], { description: 'The same when they are not' }),
        truncated: Type.Boolean(),
      }),
    ),
    timings: Type.Object({
      dns_ms: Milliseconds,
      connect_ms: Milliseconds,
      first_byte_ms: Milliseconds,
      total_ms: Milliseconds,
    }),
    verification: Type.Object(
      {
        webhook_id: Type.String(),
        webhook_timestamp: nullable(Type.String()),
        webhook_signature: nullable(Type.String()),
        signed_content: nullable(Type.String({ description: 'What every signature is over: `id.timestamp.body`' })),
        secret: Type.Union([Type.String(), Type.Null()], {
          description: 'What verifies it, where it was made for this call: `whsec_…` or `whpk_…`',
        }),
      },
      { description: 'What a receiver verifies' },
    ),
    payload_faults: Type.Array(Type.Object({ pointer: Type.String(), code: Type.String(), message: Type.String() }), {
      description: 'Why this payload could not be published under this name; it was sent all the same',
    }),
  }),
)
export type WebhookTest = Static<typeof WebhookTest.schema>
