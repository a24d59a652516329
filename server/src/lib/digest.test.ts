import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { canonicalHeader, eventDigest, newSalt, type EventHeader } from './digest.ts'

const smallHeader: EventHeader = {
  id: '018f4e5a-9c00-7abc-9def-0123456789ab',
  company_id: '01930000-0000-7000-8000-000000000001',
  event_name: 'test.webhook',
  occurred_at: '2026-11-23T10:00:00.000Z',
  recorded_at: '2026-11-23T10:00:00.001Z',
}

const fullHeader: EventHeader = {
  ...smallHeader,
  event_name: 'appointment.created',
  entity_type: 'appointment',
  entity_id: '123',
  related: [
    { type: 'customer', id: '7' },
    { type: 'call', id: 'ä/"\u2028\u{1f600}' },
  ],
  actor: { type: 'user', id: 'u-1', name: 'Zoë \\ud800' },
  source: '/shop',
  correlation_id: 'c-1',
  causation_id: 'c-0',
}

const fixedSalt = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')

const digestOf = (header: EventHeader, salt: Buffer = fixedSalt, payload: Buffer | string = '{}') =>
  eventDigest(header, salt, payload).toString('hex')

// The vectors come from another implementation (Python's json and hashlib).

test('the canonical header is fixed for ever', () => {
  assert.equal(
    canonicalHeader(smallHeader),
    '{"company_id":"01930000-0000-7000-8000-000000000001","event_name":"test.webhook",' +
      '"id":"018f4e5a-9c00-7abc-9def-0123456789ab","occurred_at":"2026-11-23T10:00:00.000Z","recorded_at":"2026-11-23T10:00:00.001Z"}',
  )
  assert.equal(
    canonicalHeader(fullHeader),
    '{"actor":{"id":"u-1","name":"Zoë \\\\ud800","type":"user"},"causation_id":"c-0",' +
      '"company_id":"01930000-0000-7000-8000-000000000001","correlation_id":"c-1","entity_id":"123","entity_type":"appointment",' +
      '"event_name":"appointment.created","id":"018f4e5a-9c00-7abc-9def-0123456789ab","occurred_at":"2026-11-23T10:00:00.000Z",' +
      '"recorded_at":"2026-11-23T10:00:00.001Z","related":[{"id":"7","type":"customer"},{"id":"ä/\\"\u2028\u{1f600}","type":"call"}],"source":"/shop"}',
  )
})

test('the digest of an event is fixed for ever', () => {
  assert.equal(digestOf(smallHeader), '65d11f3da2777fa091da6c374436044a8427c1ea05d5e9aa4fa3fc2271e1da72')
  const payload = '{"n":1.0,"t":"ü"}'
  const digest = '10c926a2d3f4828c370d7be2f66f2c6ce2fc0442dc26cbe019b2e0d5841e3fa8'
  assert.equal(digestOf(fullHeader, fixedSalt, payload), digest)
  assert.equal(digestOf(fullHeader, fixedSalt, Buffer.from(payload)), digest)
})

test('the leaf is provable without the payload, from its digest alone', () => {
  const sha256 = (...parts: (Buffer | string)[]) => {
    const digest = createHash('sha256')
    for (const part of parts) digest.update(part)
    return digest.digest()
  }
  const payloadDigest = sha256(fixedSalt, '{"a":1}')
  const leaf = sha256(Buffer.from([0]), sha256(canonicalHeader(fullHeader)), payloadDigest)
  assert.equal(digestOf(fullHeader, fixedSalt, '{"a":1}'), leaf.toString('hex'))
})

// --- any header ---

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 8 }), fc.constantFrom('', '"', '","id":"', '\\', '},{'))
const entity = fc.record({ type: text, id: text })
const time = fc
  .date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
  .map((date) => date.toISOString())

const anyHeader: fc.Arbitrary<EventHeader> = fc.record(
  {
    id: fc.uuid(),
    company_id: fc.uuid(),
    event_name: text,
    entity_type: text,
    entity_id: text,
    related: fc.array(entity, { minLength: 1, maxLength: 3 }),
    occurred_at: time,
    recorded_at: time,
    actor: fc.record({ type: text, id: text, name: text }, { requiredKeys: ['type', 'id'] }),
    source: text,
    correlation_id: text,
    causation_id: text,
  },
  { requiredKeys: ['id', 'company_id', 'event_name', 'occurred_at', 'recorded_at'] },
)

test('the canonical header says exactly what the header says, so no two headers share one', () => {
  fc.assert(
    fc.property(anyHeader, (header) => {
      assert.deepEqual(JSON.parse(canonicalHeader(header)), JSON.parse(JSON.stringify(header)))
    }),
  )
})

test('the canonical header has its keys in order and no white space, as RFC 8785 asks', () => {
  const sorted = (_: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)))
      : value
  fc.assert(
    fc.property(anyHeader, (header) => {
      assert.equal(canonicalHeader(header), JSON.stringify(header, sorted))
    }),
  )
})

test('a member that is absent, undefined or an empty list of related entities is the same', () => {
  const header = { ...smallHeader, related: [], source: undefined, actor: { type: 'user', id: '1', name: undefined } }
  assert.equal(digestOf(header), digestOf({ ...smallHeader, actor: { type: 'user', id: '1' } }))
})

const memberNames = [
  'id',
  'company_id',
  'event_name',
  'entity_type',
  'entity_id',
  'related',
  'occurred_at',
  'recorded_at',
  'actor',
  'source',
  'correlation_id',
  'causation_id',
] as const satisfies readonly (keyof EventHeader)[]

test('any other member changes the digest', () => {
  fc.assert(
    fc.property(anyHeader, anyHeader, fc.constantFrom(...memberNames), (header, other, name) => {
      const changed = { ...header, [name]: other[name] }
      const isSame = JSON.stringify(header[name]) === JSON.stringify(other[name])
      assert.equal(digestOf(changed) === digestOf(header), isSame)
    }),
  )
})

test('text moved from one member to its neighbour changes the digest', () => {
  fc.assert(
    fc.property(text, fc.string({ unit: 'binary', minLength: 1 }), text, (left, moved, right) => {
      const one = { ...smallHeader, entity_type: left + moved, entity_id: right }
      const other = { ...smallHeader, entity_type: left, entity_id: moved + right }
      // Also the same text under another name: type and id of an entity, correlation and causation.
      const swapped = { ...smallHeader, entity_type: one.entity_id, entity_id: one.entity_type }
      assert.notEqual(digestOf(one), digestOf(other))
      if (one.entity_id !== one.entity_type) assert.notEqual(digestOf(one), digestOf(swapped))
    }),
  )
})

test('any other byte of the salt or of the payload changes the digest', () => {
  const bytes = (min: number, max: number) =>
    fc.uint8Array({ minLength: min, maxLength: max }).map((array) => Buffer.from(array))
  fc.assert(
    fc.property(
      bytes(16, 16),
      bytes(1, 40),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (salt, payload, at, change) => {
        const digest = digestOf(smallHeader, salt, payload)
        assert.notEqual(digestOf(smallHeader, changedAt(salt, at % 16, change), payload), digest)
        assert.notEqual(digestOf(smallHeader, salt, changedAt(payload, at % payload.length, change)), digest)
        assert.notEqual(digestOf(smallHeader, salt, payload.subarray(1)), digest)
        assert.notEqual(digestOf(smallHeader, salt, Buffer.concat([payload, Buffer.from([change])])), digest)
      },
    ),
  )
})

function changedAt(bytes: Buffer, at: number, change: number): Buffer {
  const changed = Buffer.from(bytes)
  changed.writeUInt8(changed.readUInt8(at) ^ change, at)
  return changed
}

test('a salt of another length is refused', () => {
  assert.throws(() => eventDigest(smallHeader, fixedSalt.subarray(1), 'x'), TypeError)
  assert.throws(() => eventDigest(smallHeader, Buffer.alloc(17), ''), TypeError)
})

test('a time in another form is refused, because the database would give it back changed', () => {
  for (const occurred_at of [
    '2026-11-23T10:00:00Z',
    '2026-11-23T10:00:00.000+00:00',
    '2026-11-23T10:00:00.000001Z',
    '',
  ]) {
    assert.throws(() => canonicalHeader({ ...smallHeader, occurred_at }), TypeError)
    assert.throws(() => canonicalHeader({ ...smallHeader, recorded_at: occurred_at }), TypeError)
  }
})

test('half a surrogate pair is refused wherever it stands, its spelling as plain text is not', () => {
  for (const half of ['\ud800', '\udfff', '\\\udc00', '\ud83d\ud83d\ude00']) {
    assert.throws(() => canonicalHeader({ ...smallHeader, source: half }), TypeError)
    assert.throws(() => canonicalHeader({ ...smallHeader, related: [{ type: 'a', id: half }] }), TypeError)
  }
  assert.doesNotThrow(() => canonicalHeader({ ...smallHeader, source: '\\ud800 \\\\udc00' }))
})

test('salts are 16 bytes, differ, and stay as they were given out', () => {
  const salts = Array.from({ length: 2_000 }, newSalt)
  const texts = salts.map((salt) => salt.toString('hex'))
  assert.equal(new Set(texts).size, 2_000)
  assert.ok(salts.every((salt) => salt.length === 16))
  for (let more = 0; more < 2_000; more++) newSalt()
  assert.deepEqual(
    salts.map((salt) => salt.toString('hex')),
    texts,
  )
})
