import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { canonicalUuid, checkEventId, deliveryId, firstIdOfMs, idTimeMs, isUuid, isUuidV7, newId } from './ids.ts'

const subscription = '01930000-0000-7000-8000-000000000001'
const event = '018f4e5a-9c00-7abc-9def-0123456789ab'
const replay = '01940000-0000-7fff-bfff-ffffffffffff'

const anyTime = fc.integer({ min: 0, max: 2 ** 48 - 1 })
const anyUuid = fc.uuid()

test('a new id is a version 7 UUID of the time it was asked for', () => {
  const beforeMs = Date.now()
  const id = newId()
  assert.ok(isUuidV7(id) && id === canonicalUuid(id), id)
  // Ids made earlier in this process may have gone a little ahead of the clock.
  assert.ok(idTimeMs(id) >= beforeMs && idTimeMs(id) <= Date.now() + 1_000)
})

test('100,000 ids of one millisecond rise strictly and stay near it', () => {
  const startMs = Date.UTC(2031, 0, 1)
  let previous = newId(startMs)
  assert.equal(idTimeMs(previous), startMs)
  for (let made = 1; made < 100_000; made++) {
    const id = newId(startMs)
    assert.ok(id > previous, `${id} after ${previous}`)
    previous = id
  }
  assert.ok(isUuidV7(previous))
  assert.ok(idTimeMs(previous) <= startMs + 100_000 / 2_048)
})

test('ids rise through small steps back of the clock and follow a large one', () => {
  const startMs = Date.UTC(2032, 0, 1)
  const first = newId(startMs)
  const second = newId(startMs - 9_999)
  assert.ok(second > first)
  assert.equal(idTimeMs(newId(startMs - 3_600_000)), startMs - 3_600_000)
})

test('ids of one millisecond do not repeat when the counter begins anew', () => {
  const timeMs = Date.UTC(2033, 0, 1)
  const ids = Array.from({ length: 5_000 }, () => {
    newId(timeMs - 3_600_000)
    return newId(timeMs)
  })
  assert.equal(new Set(ids).size, ids.length)
})

test('a time that no id can carry is refused and does no harm to later ids', () => {
  for (const timeMs of [Number.NaN, -1, 1.5, 2 ** 48, Number.POSITIVE_INFINITY]) {
    assert.throws(() => newId(timeMs), RangeError)
    assert.throws(() => firstIdOfMs(timeMs), RangeError)
  }
  assert.equal(idTimeMs(newId(Date.UTC(2040, 0, 1))), Date.UTC(2040, 0, 1))
})

test('the time of an id is read as RFC 9562 appendix A.6 has it', () => {
  assert.equal(idTimeMs('017F22E2-79B0-7CC3-98C4-DC0C0C07398F'), Date.parse('2022-02-22T19:22:22Z'))
})

test('a UUID is taken in either case and kept in lower case; nothing else is one', () => {
  assert.equal(canonicalUuid('017F22E2-79B0-7CC3-98C4-DC0C0C07398F'), '017f22e2-79b0-7cc3-98c4-dc0c0c07398f')
  const others = [
    '',
    `${event} `,
    `${event}\n`,
    event.replaceAll('-', ''),
    `{${event}}`,
    `urn:uuid:${event}`,
    event.replace('a', 'g'),
  ]
  for (const text of others) {
    assert.equal(isUuid(text), false, text)
    assert.equal(canonicalUuid(text), undefined, text)
  }
  assert.ok(isUuid('00000000-0000-0000-0000-000000000000'))
})

test('only the version 7 and variant 2 make a version 7 id', () => {
  assert.ok(isUuidV7(event.toUpperCase()))
  for (const text of [
    event.replace('-7', '-4'),
    event.replace('-9def', '-cdef'),
    event.replace('-9def', '-7def'),
    '',
  ]) {
    assert.equal(isUuidV7(text), false, text)
  }
})

test('an event id may be dated from 30 days ago to 5 minutes ahead, to the millisecond', () => {
  const nowMs = idTimeMs(event)
  assert.equal(checkEventId(event, nowMs), 'ok')
  assert.equal(checkEventId(event, nowMs + 30 * 86_400_000), 'ok')
  assert.equal(checkEventId(event, nowMs + 30 * 86_400_000 + 1), 'too_old')
  assert.equal(checkEventId(event, nowMs - 300_000), 'ok')
  assert.equal(checkEventId(event, nowMs - 300_001), 'too_new')
  assert.equal(checkEventId(deliveryId(subscription, event), nowMs), 'not_v7')
  assert.equal(checkEventId('42', nowMs), 'not_v7')
})

test('a partition bound parts the ids of its millisecond from those before, whatever their version', () => {
  fc.assert(
    fc.property(
      anyTime,
      fc.integer({ min: 0, max: 0xffff }),
      fc.stringMatching(/^[89ab][0-9a-f]{15}$/),
      (timeMs, third, rest) => {
        const tail = `-${third.toString(16).padStart(4, '0')}-${rest.slice(0, 4)}-${rest.slice(4)}`
        const bound = firstIdOfMs(timeMs)
        assert.ok(isUuid(bound))
        assert.equal(idTimeMs(bound), timeMs)
        assert.ok(bound <= firstIdOfMs(timeMs).slice(0, 13) + tail)
        if (timeMs > 0) assert.ok(firstIdOfMs(timeMs - 1).slice(0, 13) + tail < bound)
      },
    ),
  )
  assert.equal(firstIdOfMs(Date.UTC(2026, 10, 1)), '01a19467-e800-0000-0000-000000000000')
})

test('the id of a delivery is fixed for ever', () => {
  assert.equal(deliveryId(subscription, event), '018f4e5a-9c00-8b23-b3bd-3dd63f400bb7')
  assert.equal(deliveryId(subscription, event, replay), '018f4e5a-9c00-8c56-8b63-3ab42457ef0e')
  assert.equal(
    deliveryId(subscription.toUpperCase(), event.toUpperCase(), replay.toUpperCase()),
    '018f4e5a-9c00-8c56-8b63-3ab42457ef0e',
  )
})

test('the id of a delivery is a version 8 UUID with the time of its event, different for any other three ids', () => {
  const ids = fc.tuple(anyUuid, anyUuid, fc.option(anyUuid, { nil: undefined }))
  fc.assert(
    fc.property(ids, ids, (one, other) => {
      const id = deliveryId(...one)
      assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      assert.equal(idTimeMs(id), idTimeMs(one[1]))
      assert.equal(deliveryId(...one), id)
      if (one.join() !== other.join()) assert.notEqual(deliveryId(...other), id)
      if (one[0] !== one[1]) assert.notEqual(deliveryId(one[1], one[0], one[2]), id)
    }),
  )
})

test('no delivery id is made of what is not a UUID', () => {
  assert.throws(() => deliveryId('', event), TypeError)
  assert.throws(() => deliveryId(subscription, '1'), TypeError)
  assert.throws(() => deliveryId(subscription, event, ''), TypeError)
})
