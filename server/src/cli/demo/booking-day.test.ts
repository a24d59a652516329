import assert from 'node:assert/strict'
import { before, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import type { Definitions } from '../../events/definitions.ts'
import { entitiesFromPayload, loadStandardDefinitions } from '../../events/definitions.ts'
import { parseRfc3339 } from '../../lib/rfc3339.ts'
import { bookingDay } from './booking-day.ts'
import type { Happening } from './day/happening.ts'

const nowMs = Date.UTC(2026, 2, 3, 12)
const dayStart = '2026-03-02T00:00:00+08:00'
const dayEnd = '2026-03-03T00:00:00+08:00'

function live(events: number, seed: number): Happening[] {
  let made = 0
  return [...bookingDay({ events, seed, nowMs, newEventId: () => `event-${++made}` })]
}

const days = fc.record({ events: fc.integer({ min: 1, max: 700 }), seed: fc.nat(2 ** 32 - 1) })
const times = { numRuns: 25 }

function everyDay(check: (day: readonly Happening[], events: number) => void): void {
  fc.assert(
    fc.property(days, ({ events, seed }) => check(live(events, seed), events)),
    times,
  )
}

suite('a booking day', () => {
  let definitions: Definitions

  before(async () => {
    definitions = await loadStandardDefinitions(fileURLToPath(new URL('../../../definitions/', import.meta.url)))
  })

  test('has as many events as were asked for, in the order of their time, within the day before', () => {
    everyDay((day, events) => {
      assert.equal(day.length, events)
      const at = day.map(({ occurred_at }) => parseRfc3339(occurred_at) ?? Number.NaN)
      const [start = 0, end = 0] = [dayStart, dayEnd].map(parseRfc3339)
      assert.ok(at.every((ms, index) => ms >= (at[index - 1] ?? start) && ms < end))
    })
  })

  test('has only events that fit their definitions', () => {
    everyDay((day) => {
      for (const { event_name, payload } of day) {
        assert.deepEqual(definitions.get(event_name)?.validate(payload), [], `${event_name} ${JSON.stringify(payload)}`)
      }
    })
  })

  test('is the same for the same seed, and another for another', () => {
    assert.deepEqual(live(300, 5), live(300, 5))
    assert.notDeepEqual(live(300, 5), live(300, 6))
  })

  test('names only customers that exist, and none after it was merged into another', () => {
    everyDay((day) => {
      const alive = new Set<string>()
      for (const event of day) {
        const { event_name, payload } = event
        if (event_name === 'customer.created') {
          assert.ok(!alive.has(text(payload, 'customer_id')))
          alive.add(text(payload, 'customer_id'))
        }
        for (const id of idsOf(definitions, event, 'customer')) assert.ok(alive.has(id), JSON.stringify(event))
        if (event_name === 'customer.merged') {
          assert.notEqual(payload['merged_from'], payload['merged_into'])
          alive.delete(text(payload, 'merged_from'))
        }
      }
    })
  })

  test('makes an appointment once and does nothing with it that its state does not allow', () => {
    everyDay((day) => {
      const known = new Map<string, Known>()
      for (const event of day) {
        if (event.event_name.startsWith('appointment.')) follow(known, event)
        else for (const id of idsOf(definitions, event, 'appointment')) assert.ok(known.has(id))
      }
    })
  })

  test('never has a member of staff in two appointments at once', () => {
    everyDay((day) => {
      const taken = new Map<string, Readonly<Record<string, unknown>>>()
      for (const { event_name, payload } of day) {
        if (event_name === 'appointment.cancelled') taken.delete(text(payload, 'appointment_id'))
        if (event_name !== 'appointment.created' && event_name !== 'appointment.rescheduled') continue
        taken.delete(text(payload, 'appointment_id'))
        for (const other of taken.values()) assert.ok(!overlap(payload, other), JSON.stringify([payload, other]))
        taken.set(text(payload, 'appointment_id'), payload)
      }
    })
  })

  test('begins every call once and ends it at most once', () => {
    everyDay((day) => {
      const states = new Map<string, 'begun' | 'ended'>()
      for (const { event_name, payload } of day) {
        if (!event_name.startsWith('call.')) continue
        const id = text(payload, 'call_id')
        const isAfterword = event_name === 'call.updated' && payload['status'] === 'completed'
        const expected = event_name === 'call.created' ? undefined : isAfterword ? 'ended' : 'begun'
        assert.equal(states.get(id), expected, `${event_name} ${id}`)
        if (event_name !== 'call.updated') states.set(id, event_name === 'call.created' ? 'begun' : 'ended')
      }
    })
  })

  test('joins a call with the booking it led to, and every cause comes before its effect in the same story', () => {
    everyDay((day) => {
      const storyOf = new Map<string, string>()
      for (const { id, correlation_id, causation_id, event_name, payload } of day) {
        if (causation_id !== undefined) assert.equal(storyOf.get(causation_id), correlation_id)
        storyOf.set(id, correlation_id)
        if (payload['call_id'] !== undefined) assert.equal(correlation_id, payload['call_id'], event_name)
      }
    })
  })

  test('has everything that happens at such a business', () => {
    const names = new Set(live(2_000, 1).map(({ event_name }) => event_name))
    const missing = definitions
      .names()
      .filter((name) => /^(appointment|call|customer)\./.test(name) && !names.has(name))
    assert.deepEqual(missing, [])
  })
})

interface Known {
  starts: unknown
  ends: unknown
  status: unknown
  moves: number
}

/** Holds an event of an appointment against what was said of it before. */
function follow(known: Map<string, Known>, { event_name, payload }: Happening): void {
  const id = text(payload, 'appointment_id')
  const now = known.get(id)
  const { starts_at: starts, ends_at: ends, status } = payload
  if (event_name === 'appointment.created') {
    assert.equal(now, undefined)
    known.set(id, { starts, ends, status, moves: 0 })
    return
  }
  assert.ok(now, id)
  if (event_name === 'appointment.updated') {
    assert.deepEqual(payload['changes'], { status: { before: now.status, after: status } })
    assert.ok(!['cancelled', 'completed', 'no_show'].includes(String(now.status)))
    now.status = status
    return
  }
  assert.ok(
    now.status === 'requested' || now.status === 'confirmed',
    `${event_name} of one that is ${String(now.status)}`,
  )
  if (event_name === 'appointment.cancelled') {
    assert.deepEqual([starts, ends], [now.starts, now.ends])
    now.status = 'cancelled'
    return
  }
  assert.deepEqual(
    { ...Object(payload['previous']), staff_id: undefined },
    {
      starts_at: now.starts,
      ends_at: now.ends,
      staff_id: undefined,
    },
  )
  assert.equal(payload['reschedule_count'], ++now.moves)
  Object.assign(now, { starts, ends })
}

function overlap(one: Readonly<Record<string, unknown>>, other: Readonly<Record<string, unknown>>): boolean {
  if (one['staff_id'] !== other['staff_id']) return false
  return text(one, 'starts_at') < text(other, 'ends_at') && text(other, 'starts_at') < text(one, 'ends_at')
}

function idsOf(definitions: Definitions, { event_name, payload }: Happening, type: string): string[] {
  const definition = definitions.get(event_name)
  assert.ok(definition)
  const { entity, related } = entitiesFromPayload(definition, payload)
  return [...(entity ? [entity] : []), ...related].filter((one) => one.type === type).map(({ id }) => id)
}

function text(payload: Readonly<Record<string, unknown>>, member: string): string {
  const value = payload[member]
  assert.ok(typeof value === 'string', member)
  return value
}
