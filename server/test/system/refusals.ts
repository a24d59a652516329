import { randomUUID } from 'node:crypto'
import { newId } from '../../src/lib/ids.ts'

/** A request that cannot be taken, and how that is told. */
interface Refusal {
  readonly what: string
  readonly path?: string
  readonly body: string | Buffer
  readonly contentType?: string
  /** With the key of a company that takes declared events only. */
  readonly strict?: boolean
  readonly status: number
  readonly code: string
  /** Of the first fault; undefined when the answer lists none. */
  readonly pointer: string | undefined
  /** The fault's own code, where it is finer than that of the answer. */
  readonly fault?: string
  readonly says?: RegExp
}

const PAYLOAD_BYTES_MAX = 262_144
const DAY_MS = 86_400_000

const event = (members: object): string => JSON.stringify({ event_name: 'order.placed', payload: {}, ...members })
const withPayload = (text: string): string => `{"event_name":"order.placed","payload":${text}}`
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
const related = (count: number) => Array.from({ length: count }, (_, n) => ({ type: 'customer', id: n }))
const batch = (count: number): string => `{"events":[${Array(count).fill(event({})).join(',')}]}`
const subscription = (members: object): string =>
  JSON.stringify({ webhook_url: 'https://example.com/hook', event_names: ['*'], ...members })

const bodies: readonly Refusal[] = [
  {
    what: 'a payload of one byte more than 256 KiB',
    body: withPayload(`"${'x'.repeat(PAYLOAD_BYTES_MAX - 1)}"`),
    status: 413,
    code: 'payload_too_large',
    pointer: '/payload',
  },
  {
    what: 'a payload whose characters fit and whose bytes do not',
    body: withPayload(`"${'é'.repeat(PAYLOAD_BYTES_MAX / 2)}"`),
    status: 413,
    code: 'payload_too_large',
    pointer: '/payload',
  },
  {
    what: 'a body far beyond every payload',
    body: withPayload(`"${'x'.repeat(3 * PAYLOAD_BYTES_MAX)}"`),
    status: 413,
    code: 'body_too_large',
    pointer: undefined,
  },
  {
    what: 'nesting beyond 64',
    body: withPayload(nested(64)),
    status: 400,
    code: 'nesting_too_deep',
    pointer: `/payload${'/0'.repeat(63)}`,
  },
  {
    what: 'U+0000 in a value',
    body: withPayload(String.raw`{"a":["b","\u0000"]}`),
    status: 400,
    code: 'unstorable_text',
    pointer: '/payload/a/1',
  },
  {
    what: 'U+0000 in a key',
    body: withPayload(String.raw`{"a":{"\u0000":1}}`),
    status: 400,
    code: 'unstorable_text',
    pointer: '/payload/a',
  },
  {
    what: 'a lone high surrogate in a value',
    body: withPayload(String.raw`{"a":"\ud83d"}`),
    status: 400,
    code: 'unstorable_text',
    pointer: '/payload/a',
  },
  {
    what: 'a lone low surrogate in a key',
    body: withPayload(String.raw`{"\udE00":1}`),
    status: 400,
    code: 'unstorable_text',
    pointer: '/payload',
  },
  {
    what: 'U+0000 outside the payload',
    body: event({ source: 'a\0b' }),
    status: 400,
    code: 'unstorable_text',
    pointer: '/source',
  },
  {
    what: 'a key that stands twice',
    body: withPayload('{"a":1,"b":{"a":2,"a":2}}'),
    status: 400,
    code: 'duplicate_key',
    pointer: '/payload/b/a',
  },
  {
    what: 'a key that stands twice, once escaped',
    body: withPayload(String.raw`{"a":1,"\u0061":2}`),
    status: 400,
    code: 'duplicate_key',
    pointer: '/payload/a',
  },
  {
    what: 'a second payload',
    body: '{"event_name":"order.placed","payload":1,"payload":2}',
    status: 400,
    code: 'duplicate_key',
    pointer: '/payload',
  },
  {
    what: 'broken JSON',
    body: '{"event_name":"order.placed","payload":{"a":1,}}',
    status: 400,
    code: 'malformed_json',
    pointer: '',
  },
  {
    what: 'a number that JSON does not have',
    body: withPayload('NaN'),
    status: 400,
    code: 'malformed_json',
    pointer: '',
  },
  {
    what: 'bytes that are not UTF-8',
    body: Buffer.concat([Buffer.from('{"event_name":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
    status: 400,
    code: 'malformed_json',
    pointer: '',
  },
  { what: 'a body that is no object', body: '[]', status: 400, code: 'invalid_request', pointer: '' },
  { what: 'no body', body: '', status: 400, code: 'malformed_json', pointer: '' },
  {
    what: 'another content type',
    body: event({}),
    contentType: 'text/plain',
    status: 415,
    code: 'unsupported_media_type',
    pointer: undefined,
  },
  {
    what: 'a form',
    body: 'event_name=order.placed',
    contentType: 'application/x-www-form-urlencoded',
    status: 415,
    code: 'unsupported_media_type',
    pointer: undefined,
  },
]

const names: readonly Refusal[] = [
  ...[
    'Order.Placed',
    'order placed',
    'order..placed',
    '.order',
    'order.',
    '',
    'a.b.c.d.e.f.g',
    'ordér',
    'a'.repeat(129),
  ].map((event_name) => ({
    what: `the event name ${JSON.stringify(event_name.slice(0, 20))}`,
    body: event({ event_name }),
    status: 422,
    code: 'invalid_event_name',
    pointer: '/event_name',
  })),
  ...['daybook', 'daybook.subscription.created'].map((event_name) => ({
    what: `the reserved name ${event_name}`,
    body: event({ event_name }),
    status: 422,
    code: 'reserved_event_name',
    pointer: '/event_name',
  })),
  {
    what: 'a name that is not declared where only declared ones are taken',
    body: event({ event_name: 'apointment.created' }),
    strict: true,
    status: 422,
    code: 'unknown_event_name',
    pointer: '/event_name',
    says: /did you mean appointment\.created\?/,
  },
]

const members: readonly Refusal[] = [
  {
    what: 'a member that is not known',
    body: event({ evnt_id: 1 }),
    status: 400,
    code: 'invalid_request',
    pointer: '/evnt_id',
    fault: 'additionalProperties',
  },
  {
    what: 'a member that is not known, deeper',
    body: event({ actor: { type: 'user', id: 1, age: 7 } }),
    status: 400,
    code: 'invalid_request',
    pointer: '/actor/age',
    fault: 'additionalProperties',
  },
  {
    what: 'an event without a payload',
    body: '{"event_name":"order.placed"}',
    status: 400,
    code: 'invalid_request',
    pointer: '/payload',
    fault: 'required',
  },
  {
    what: 'a 17th related entity',
    body: event({ related: related(17) }),
    status: 422,
    code: 'too_many_related',
    pointer: '/related',
  },
  {
    what: 'half an entity',
    body: event({ entity_type: 'order' }),
    status: 422,
    code: 'invalid_entity',
    pointer: '/entity_id',
  },
  {
    what: 'a payload that does not fit its definition',
    body: event({ event_name: 'appointment.created' }),
    status: 422,
    code: 'schema_violation',
    pointer: '/payload/appointment_id',
    fault: 'required',
  },
  ...['yesterday', '2026-02-30T10:00:00Z', '2026-03-01T09:30:00', '1969-12-31T00:00:00Z', soon(6 * 60_000)].map(
    (occurred_at, index) => ({
      what: `a wrong time, ${index === 4 ? 'six minutes ahead' : occurred_at}`,
      body: event({ occurred_at }),
      status: 422,
      code: 'invalid_time',
      pointer: '/occurred_at',
    }),
  ),
  ...Object.entries({
    id_not_v7: randomUUID(),
    id_too_old: v7At(Date.now() - 31 * DAY_MS),
    id_too_new: v7At(Date.now() + 6 * 60_000),
  }).map(([fault, id]) => ({
    what: `an id with the fault ${fault}`,
    body: event({ id }),
    status: 422,
    code: 'invalid_event_id',
    pointer: '/id',
    fault,
  })),
  {
    what: 'an id that is no UUID',
    body: event({ id: 'order-7' }),
    status: 422,
    code: 'invalid_event_id',
    pointer: '/id',
    fault: 'id_not_v7',
  },
]

const batches: readonly Refusal[] = [
  {
    what: 'a 1,001st event',
    path: '/events/batch',
    body: batch(1_001),
    status: 422,
    code: 'batch_too_large',
    pointer: '/events',
  },
  {
    what: 'a batch of none',
    path: '/events/batch',
    body: '{"events":[]}',
    status: 400,
    code: 'invalid_request',
    pointer: '/events',
    fault: 'minItems',
  },
  {
    what: 'one wrong event among good ones',
    path: '/events/batch',
    body: `{"events":[${event({})},${event({ event_name: 'No' })},${event({})}]}`,
    status: 422,
    code: 'invalid_event_name',
    pointer: '/events/1/event_name',
  },
  {
    what: 'the same idempotency key twice in a batch',
    path: '/events/batch',
    body: `{"events":[${event({ idempotency_key: 'k' })},${event({ idempotency_key: 'k' })}]}`,
    status: 422,
    code: 'duplicate_event',
    pointer: '/events/1/idempotency_key',
  },
]

const subscriptions: readonly Refusal[] = [
  ...Object.entries({
    'https://10.0.0.1/hook': 'blocked_address',
    'https://[::1]/hook': 'blocked_address',
    'https://169.254.169.254/latest': 'blocked_address',
    'https://localhost/hook': 'local_host_name',
    'https://name:word@example.com/hook': 'userinfo_not_allowed',
    'http://example.com/hook': 'https_required',
    'ftp://example.com/hook': 'scheme_not_allowed',
    'https://example.com:25/hook': 'port_not_allowed',
    'example.com/hook': 'malformed',
  }).map(([webhook_url, fault]) => ({
    what: `the URL ${webhook_url}`,
    path: '/events/subscriptions',
    body: subscription({ webhook_url }),
    status: 422,
    code: 'invalid_url',
    pointer: '/webhook_url',
    fault,
  })),
  {
    what: 'a subscription to no event',
    path: '/events/subscriptions',
    body: subscription({ event_names: [] }),
    status: 422,
    code: 'invalid_event_name',
    pointer: '/event_names',
  },
  {
    what: 'a pattern that is none',
    path: '/events/subscriptions',
    body: subscription({ event_names: ['order.*', '*.placed'] }),
    status: 422,
    code: 'invalid_event_name',
    pointer: '/event_names/1',
  },
]

/** What lies just within the bounds, so that the refusals above are told at the right place. */
export const accepted: readonly { what: string; path?: string; body: string }[] = [
  { what: 'a payload of 256 KiB', body: withPayload(`"${'x'.repeat(PAYLOAD_BYTES_MAX - 2)}"`) },
  { what: 'nesting of 64', body: withPayload(nested(63)) },
  { what: '16 related entities', body: event({ related: related(16) }) },
  { what: 'a name of six segments and 128 characters', body: event({ event_name: `a.b.c.d.e.${'f'.repeat(118)}` }) },
  { what: 'an id of 29 days ago', body: event({ id: v7At(Date.now() - 29 * DAY_MS) }) },
  { what: '1,000 events', path: '/events/batch', body: batch(1_000) },
]

export const refusals: readonly Refusal[] = [...bodies, ...names, ...members, ...batches, ...subscriptions]

function soon(ms: number): string {
  return new Date(Date.now() + ms).toISOString()
}

/** An id of version 7 that says it was made at another time. */
function v7At(ms: number): string {
  const time = ms.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}${newId().slice(13)}`
}
