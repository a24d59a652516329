import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import {
  isEventName,
  isEventNamePattern,
  isReservedEventName,
  matchesEventName,
  nearestEventName,
} from './event-names.ts'

const segment = fc.stringMatching(/^[a-z0-9_-]{1,12}$/)

/** Well-formed names; every fifth begins with the reserved segment. */
const eventName = fc
  .tuple(
    fc.oneof({ weight: 4, arbitrary: segment }, { weight: 1, arbitrary: fc.constant('daybook') }),
    fc.array(segment, { maxLength: 5 }),
  )
  .map(([first, rest]) => [first, ...rest].join('.'))

describe('an event name', () => {
  test('is one to six dotted segments of a-z, 0-9, _ and -', () => {
    fc.assert(fc.property(eventName, (name) => isEventName(name)))
    for (const name of ['a', '0', '-', '_', 'a.b.c.d.e.f', 'appointment.created', 'vat-2026.line_item.added']) {
      assert.equal(isEventName(name), true, name)
    }
  })

  test('has no empty segment, capital letter, blank, star or seventh segment', () => {
    const wrong = [
      '',
      '.',
      'a.',
      '.a',
      'a..b',
      'A',
      'a.B',
      'a b',
      'ä',
      'a.*',
      '*',
      'a.b.c.d.e.f.g',
      'a\n',
      'a/b',
      'a:b',
    ]
    for (const name of wrong) assert.equal(isEventName(name), false, JSON.stringify(name))
  })

  test('is told by its segments alone, whatever the text', () => {
    const anyText = fc.oneof(
      fc.string({ unit: fc.constantFrom('a', 'Z', '.', '-', '_', '7', '*', ' ', 'ß', '\n') }),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(anyText, (text) => {
        const segments = text.split('.')
        const wellFormed = segments.every((one) => one !== '' && one.split('').every((c) => letters.includes(c)))
        assert.equal(isEventName(text), wellFormed && segments.length <= 6 && text.length <= 128)
      }),
    )
  })

  test('has at most 128 characters', () => {
    assert.equal(isEventName('a'.repeat(128)), true)
    assert.equal(isEventName('a'.repeat(129)), false)
    assert.equal(isEventName(`${'a'.repeat(64)}.${'b'.repeat(63)}`), true)
    assert.equal(isEventName(`${'a'.repeat(64)}.${'b'.repeat(64)}`), false)
  })

  test('is reserved when its first segment is daybook, and only then', () => {
    fc.assert(fc.property(eventName, (name) => isReservedEventName(name) === (name.split('.')[0] === 'daybook')))
    assert.equal(isReservedEventName('daybooks.created'), false)
    assert.equal(isReservedEventName('my.daybook.created'), false)
  })
})

const letters = 'abcdefghijklmnopqrstuvwxyz0123456789_-'

describe('an event name pattern', () => {
  test('is a name, a star, or a name of up to five segments with .* after it', () => {
    fc.assert(fc.property(eventName, (name) => isEventNamePattern(name)))
    for (const pattern of ['*', 'appointment.*', 'a.b.c.d.e.*', 'daybook.*', 'daybook.subscription.*', 'daybook']) {
      assert.equal(isEventNamePattern(pattern), true, pattern)
    }
  })

  test('has a star nowhere but as its whole last segment', () => {
    const wrong = [
      '',
      '**',
      '*.*',
      '.*',
      '*.created',
      'a*',
      'a.b*',
      'a.*.b',
      'a.**',
      'a..*',
      'A.*',
      'a.b.c.d.e.f.*',
      'a.* ',
    ]
    for (const pattern of wrong) assert.equal(isEventNamePattern(pattern), false, JSON.stringify(pattern))
  })

  test('has at most 128 characters', () => {
    assert.equal(isEventNamePattern(`${'a'.repeat(126)}.*`), true)
    assert.equal(isEventNamePattern(`${'a'.repeat(127)}.*`), false)
  })
})

describe('a pattern', () => {
  test('that is a name matches that name and no other', () => {
    fc.assert(
      fc.property(eventName, eventName, (pattern, name) => {
        assert.equal(matchesEventName(pattern, pattern), true)
        assert.equal(matchesEventName(pattern, name), pattern === name)
      }),
    )
  })

  test('* matches every business event and never one of daybook', () => {
    fc.assert(fc.property(eventName, (name) => matchesEventName('*', name) === !isReservedEventName(name)))
    assert.equal(matchesEventName('*', 'daybook.subscription.created'), false)
    assert.equal(matchesEventName('*', 'daybook'), false)
    assert.equal(matchesEventName('*', 'daybooks.created'), true)
  })

  test('with .* matches what lies below its prefix at any depth, not the prefix itself', () => {
    const below = fc.tuple(eventName, eventName).filter(([prefix, rest]) => isEventName(`${prefix}.${rest}`))
    fc.assert(fc.property(below, ([prefix, rest]) => matchesEventName(`${prefix}.*`, `${prefix}.${rest}`)))
    fc.assert(fc.property(eventName, (name) => !matchesEventName(`${name}.*`, name)))
    fc.assert(
      fc.property(eventName, eventName, (prefix, name) => {
        const wanted = prefix.split('.')
        const segments = name.split('.')
        const isBelow = segments.length > wanted.length && wanted.every((one, index) => one === segments[index])
        assert.equal(matchesEventName(`${prefix}.*`, name), isBelow)
      }),
    )
    assert.equal(matchesEventName('appointment.*', 'appointment.created'), true)
    assert.equal(matchesEventName('appointment.*', 'appointment.a.b'), true)
    assert.equal(matchesEventName('appointment.*', 'appointment'), false)
    assert.equal(matchesEventName('appointment.*', 'appointments.created'), false)
  })

  test('matches an event of daybook only if it names daybook', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          eventName,
          eventName.map((name) => `${name}.*`),
        ),
        eventName,
        (pattern, name) => {
          if (isReservedEventName(name) && matchesEventName(pattern, name)) assert.match(pattern, /^daybook(\.|$)/)
        },
      ),
    )
    assert.equal(matchesEventName('daybook.*', 'daybook.subscription.created'), true)
    assert.equal(matchesEventName('daybook.subscription.*', 'daybook.subscription.created'), true)
    assert.equal(matchesEventName('daybook.subscription.*', 'daybook.key.revoked'), false)
    assert.equal(matchesEventName('daybook.key.revoked', 'daybook.key.revoked'), true)
  })
})

describe('the nearest event name', () => {
  const known = ['appointment.created', 'appointment.updated', 'appointment.cancelled', 'call.created', 'call.failed']

  test('is found for a plural, another spelling, another separator and swapped letters', () => {
    assert.equal(nearestEventName('appointments.created', known), 'appointment.created')
    assert.equal(nearestEventName('appointment.canceled', known), 'appointment.cancelled')
    assert.equal(nearestEventName('appointment_created', known), 'appointment.created')
    assert.equal(nearestEventName('appointment.craeted', known), 'appointment.created')
    assert.equal(nearestEventName('cal.create', known), 'call.created')
  })

  /** The whole table, as the definition of optimal string alignment has it. */
  function distance(from: string, to: string): number {
    const table = Array.from({ length: from.length + 1 }, () => Array.from({ length: to.length + 1 }, () => 0))
    const cell = (i: number, j: number): number => table[i]?.[j] ?? Infinity
    for (let i = 0; i <= from.length; i++) {
      for (let j = 0; j <= to.length; j++) {
        const replaced = cell(i - 1, j - 1) + (from[i - 1] === to[j - 1] ? 0 : 1)
        const swapped = from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1] ? cell(i - 2, j - 2) + 1 : Infinity
        const row = table[i]
        if (row) row[j] = i + j === 0 ? 0 : Math.min(replaced, cell(i - 1, j) + 1, cell(i, j - 1) + 1, swapped)
      }
    }
    return cell(from.length, to.length)
  }

  test('is the first of those with the least number of errors, two at most and one in four characters', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 12 })
    let found = 0
    fc.assert(
      fc.property(text, fc.array(text, { maxLength: 6 }), (name, names) => {
        const limit = Math.min(Math.floor(name.length / 4), 2)
        const [least] = names
          .map((one) => ({ one, errors: distance(name, one) }))
          .filter(({ errors }) => errors <= limit)
          .toSorted((a, b) => a.errors - b.errors)
        if (least) found++
        assert.equal(nearestEventName(name, names), least?.one)
      }),
      { numRuns: 2_000 },
    )
    assert.ok(found > 20, String(found))
  })

  test('is looked for among thousands of long names in a moment', () => {
    const names = Array.from({ length: 2_000 }, (_, index) => `${'a'.repeat(120)}.${String(index).padStart(7, '0')}`)
    const startedAt = performance.now()
    // As many as a request may ask for, of names that are far from all and of one that is near to all.
    for (const name of ['b'.repeat(128), `${'a'.repeat(120)}.${'x'.repeat(7)}`, 'ab'.repeat(64), 'a'.repeat(128)]) {
      assert.equal(nearestEventName(name, names), undefined)
    }
    assert.ok(performance.now() - startedAt < 1_000, `${performance.now() - startedAt} ms`)
  })

  test('is not guessed when another thing may be meant', () => {
    for (const name of ['appointment.moved', 'invoice.created', 'call.updated', 'call.ended', 'call', 'x', '']) {
      assert.equal(nearestEventName(name, known), undefined, name)
    }
    assert.equal(nearestEventName('a', ['b']), undefined)
    assert.equal(nearestEventName('appointment.created', []), undefined)
  })

  test('is the nearest of several, and the first of equals', () => {
    assert.equal(nearestEventName('order.paid', ['order.payed', 'order.paid']), 'order.paid')
    assert.equal(nearestEventName('order.pait', ['order.payed', 'order.pails', 'order.paid']), 'order.paid')
    assert.equal(nearestEventName('order.pai', ['order.paid', 'order.pain']), 'order.paid')
  })

  test('is one of the known names and survives any single typing error', () => {
    const longName = eventName.filter((name) => name.length >= 8)
    fc.assert(
      fc.property(longName, fc.nat(), fc.constantFrom('drop', 'double', 'replace', 'swap'), (name, place, error) => {
        const at = place % (name.length - 1)
        const [before, here, next, after] = [
          name.slice(0, at),
          name.charAt(at),
          name.charAt(at + 1),
          name.slice(at + 2),
        ]
        const typed = {
          drop: before + next + after,
          double: before + here + here + next + after,
          replace: `${before}~${next}${after}`,
          swap: before + next + here + after,
        }[error]
        assert.equal(nearestEventName(typed, [name]), name)
      }),
    )
    fc.assert(
      fc.property(eventName, fc.array(eventName), (name, names) => {
        const nearest = nearestEventName(name, names)
        assert.ok(nearest === undefined || names.includes(nearest))
        if (names.includes(name)) assert.equal(nearest, name)
      }),
    )
  })
})
