import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { newEvent } from '../../test/support/new-event.ts'
import { newId } from '../lib/ids.ts'
import { cloudEventBody } from './cloud-event.ts'
import { OutgoingEvent } from './outgoing-event.ts'

const companyId = newId()

test('an event is a CloudEvent with every attribute that it has', () => {
  const event = newEvent(
    companyId,
    {
      event_name: 'appointment.created',
      entity_type: 'appointment',
      entity_id: '123',
      occurred_at: '2026-11-23T10:00:00Z',
      actor: { type: 'member', id: 'm1', name: 'Ann' },
      source: 'Booking desk, Berlin',
      correlation_id: 'c 1',
      causation_id: 'e1',
    },
    '{"n":1.0}',
  )
  assert.deepEqual(JSON.parse(cloudEventBody(event, 42).toString()), {
    specversion: '1.0',
    id: event.id,
    source: `/daybook/companies/${companyId}`,
    type: 'appointment.created',
    subject: 'appointment/123',
    time: '2026-11-23T10:00:00.000Z',
    datacontenttype: 'application/json',
    sequence: '00000000000000000042',
    origin: 'Booking desk, Berlin',
    correlationid: 'c 1',
    causationid: 'e1',
    actortype: 'member',
    actorid: 'm1',
    data: { n: 1 },
  })
})

test('what an event does not have is left out, since attributes cannot be null', () => {
  const event = newEvent(companyId)
  const members = Object.keys(JSON.parse(cloudEventBody({ ...event, actor: undefined }, 1).toString()))
  assert.deepEqual(members, ['specversion', 'id', 'source', 'type', 'time', 'datacontenttype', 'sequence', 'data'])
})

test('the payload’s bytes are the same in both formats, and each body is made once', () => {
  for (const payload of ['{"n":1.0,  "é":"\\u00e9"}', 'null', '[1e400]', '"\\ud800"']) {
    const outgoing = new OutgoingEvent(companyId, newId(), 7, newEvent(companyId, {}, payload))
    for (const format of ['daybook', 'cloudevents'] as const) {
      const body = outgoing.bodyAs(format)
      assert.ok(body?.toString().endsWith(`"data":${payload}}`))
      assert.equal(outgoing.bodyAs(format), body)
    }
    assert.notEqual(outgoing.bodyAs('daybook'), outgoing.bodyAs('cloudevents'))
  }
  assert.equal(new OutgoingEvent(companyId, newId(), 7, 'payload_gone').bodyAs('cloudevents'), undefined)
})

test('positions compare as text in their order', () => {
  const sequence = (position: number) =>
    String(JSON.parse(cloudEventBody(newEvent(companyId), position).toString()).sequence)
  fc.assert(fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => a < b === sequence(a) < sequence(b)))
})

test('attributes follow the type system of the specification, whatever the event holds', () => {
  const text = fc.string({ minLength: 1, maxLength: 20, unit: 'binary' })
  fc.assert(
    fc.property(text, text, text, (entityId, source, actorId) => {
      const event = {
        ...newEvent(companyId),
        entity: { type: 'a', id: entityId },
        source,
        actor: { type: 'b', id: actorId },
      }
      const { data: _data, ...attributes } = JSON.parse(cloudEventBody(event, 1).toString()) as Record<string, unknown>
      for (const [name, value] of Object.entries(attributes)) {
        assert.match(name, /^[a-z0-9]{1,20}$/)
        assert.ok(typeof value === 'string' && value !== '')
        assert.ok(value.isWellFormed() && Array.from(value).every(isAllowed))
      }
    }),
  )
})

/** CloudEvents 1.0.2, "Type System", String. */
function isAllowed(character: string): boolean {
  const code = character.codePointAt(0) ?? 0
  const isControl = code <= 0x1f || (code >= 0x7f && code <= 0x9f)
  const isNoncharacter = (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) === 0xfffe
  return !isControl && !isNoncharacter
}
