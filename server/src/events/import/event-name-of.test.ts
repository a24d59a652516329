import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { isEventName } from '../event-names.ts'
import { eventNameOf } from './event-name-of.ts'

test('separators and capital letters make segments, underscores and hyphens stay', () => {
  const names = {
    'order.created': 'order.created',
    orderCreated: 'order.created',
    OrderCreated: 'order.created',
    'Order Created': 'order.created',
    '/order/created/': 'order.created',
    'order::created': 'order.created',
    order_created: 'order_created',
    ORDER_CREATED: 'order_created',
    'order-created': 'order-created',
    HTTPCheckFailed: 'http.check.failed',
    userV2Created: 'user.v2.created',
    'customer.subscription.trialEnded': 'customer.subscription.trial.ended',
    oauth2: 'oauth2',
  }
  for (const [text, name] of Object.entries(names)) assert.equal(eventNameOf(text), name, text)
})

test('what would have to be changed or left out has no event name', () => {
  for (const text of [
    '',
    ' ',
    '/',
    'order{id}',
    'größe',
    'a&b',
    'a.b.c.d.e.f.g',
    'oneTwoThreeFourFiveSixSeven',
    'x'.repeat(129),
  ]) {
    assert.equal(eventNameOf(text), undefined, text)
  }
})

test('an event name is its own, and whatever comes out is one', () => {
  const segment = fc.stringMatching(/^[a-z0-9_-]{1,8}$/)
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 6 }), (segments) => {
      assert.equal(eventNameOf(segments.join('.')), segments.join('.'))
    }),
  )
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 150 }), (text) => {
      const name = eventNameOf(text)
      assert.ok(name === undefined || isEventName(name))
    }),
  )
})
