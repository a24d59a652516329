import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { FilterVerdict } from './compile-filter.ts'
import { compileFilter } from './compile-filter.ts'
import type { FilteredEvent } from './event-fields.ts'

// --- a second reading of docs/filters.md, as naive as possible: sets of values, and the filter's JSON walked anew each time ---

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

interface Found {
  readonly isThere: boolean
  readonly entries: readonly unknown[]
}

function findAll(values: readonly unknown[], keys: readonly string[]): Found {
  let current: unknown[] = values.filter((value) => value !== undefined)
  for (const key of keys) current = current.flatMap((value) => [...valuesUnder(value, key)])
  return { isThere: current.length > 0, entries: current.flat() }
}

function* valuesUnder(value: unknown, key: string): Generator {
  const isIndexed = Array.isArray(value) && /^\d+$/.test(key)
  const holders: unknown[] =
    Array.isArray(value) && !isIndexed ? value.filter((entry) => !Array.isArray(entry)) : [value]
  for (const holder of holders) {
    if (typeof holder !== 'object' || holder === null) continue
    for (const [name, child] of Object.entries(holder)) if (name === key) yield child
  }
}

function judge(condition: Json, found: Found): boolean {
  if (typeof condition !== 'object' || condition === null) return found.entries.includes(condition)
  const members = Object.entries(condition)
  const candidates = found.entries.length === 0 ? [undefined] : found.entries
  const isAboutOne = ([key]: [string, Json]) => !/^\$(not|any|all|every|exists)$/.test(key)
  return (
    members.every((member) => isAboutOne(member) || judgeWhole(member, found)) &&
    candidates.some((one) =>
      members.filter(isAboutOne).every(([key, operand]) => judgeOne(key, operand, one, '$ignore_case' in condition)),
    )
  )
}

/** The filter with its paths written from the event, not from the payload. */
function fromEvent(filter: Json): Json {
  const members = Object.entries<Json>(Object(filter)).map(([key, inner]): [string, Json] => {
    if (!key.startsWith('$')) return [`payload.${key}`, inner]
    return [key, Array.isArray(inner) ? inner.map(fromEvent) : fromEvent(inner)]
  })
  return Object.fromEntries(members)
}

function judgeWhole([operator, operand]: [string, Json], found: Found): boolean {
  const list = Array.isArray(operand) ? operand : [operand]
  if (operator === '$exists') return found.isThere === operand
  if (operator === '$every') {
    const isHeld = (entry: unknown) => judge(list[0], findAll([entry], []))
    return found.entries.length > 0 && !found.entries.some((entry) => !isHeld(entry))
  }
  const count = list.filter((inner) => judge(inner, found)).length
  return operator === '$not' ? count === 0 : operator === '$any' ? count > 0 : count === list.length
}

function judgeOne(key: string, operand: Json, one: unknown, hasIgnoreCase: boolean): boolean {
  if (key === '$ignore_case') return true
  if (!key.startsWith('$')) return judge(operand, findAll([one], key.split('.')))
  const [left, right] = hasIgnoreCase ? [lower(one), lower(operand)] : [one, operand]
  if (key === '$eq') return left === right
  if (key === '$in') return Array.isArray(right) && right.some((value) => left === value)
  if (key === '$starts_with' || key === '$ends_with' || key === '$contains') {
    if (typeof left !== 'string' || typeof right !== 'string') return false
    const places = { $starts_with: 0, $ends_with: left.length - right.length, $contains: left.indexOf(right) }
    const at = places[key]
    return at >= 0 && left.slice(at, at + right.length) === right
  }
  return judgeOrder(key, comparable(one), comparable(operand))
}

function judgeOrder(operator: string, left: readonly [string, number], right: readonly [string, number]): boolean {
  if (left[0] !== right[0] || left[0] === 'other') return false
  const isEqual = left[1] === right[1]
  return (operator.startsWith('$gt') ? left[1] > right[1] : left[1] < right[1]) || (isEqual && operator.endsWith('e'))
}

/** Good for the texts that are generated here. */
function comparable(value: unknown): readonly [string, number] {
  if (typeof value === 'number') return ['number', value]
  if (typeof value !== 'string' || Number.isNaN(Date.parse(value))) return ['other', 0]
  return [value.includes('T') ? 'time' : 'day', Date.parse(value)]
}

function lower(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lower)
  return typeof value === 'string' ? value.toLowerCase() : value
}

// --- random filters and payloads over few keys and values, so that they often meet ---

const key = fc.constantFrom('a', 'b', 'c', '0', '1')
const text = fc.constantFrom(
  'x',
  'X',
  'xy',
  'yx',
  'Xyx',
  '2026-03-12',
  '2026-03-11T23:00:00-01:00',
  '2026-03-12T00:00:00Z',
)
const scalar = fc.oneof(text, fc.constantFrom<Json>(0, 1, 2.5, -1, true, false, null))

const { value: payload } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  ),
}))

const path = fc.array(key, { minLength: 1, maxLength: 3 }).map((keys) => keys.join('.'))
const bound = fc.constantFrom<Json>(0, 1, 2, '2026-03-12', '2026-03-12T00:00:00Z')
const part = fc.constantFrom('x', 'X', 'y', 'xy')

const comparisons = fc.record(
  {
    $eq: scalar,
    $in: fc.array(scalar, { minLength: 1, maxLength: 3 }),
    $gt: bound,
    $gte: bound,
    $lt: bound,
    $lte: bound,
  },
  { requiredKeys: [] },
)
const textTests = fc.record(
  {
    $eq: text,
    $in: fc.array(scalar, { minLength: 1, maxLength: 3 }),
    $starts_with: part,
    $ends_with: part,
    $contains: part,
  },
  { requiredKeys: [] },
)
const hasMembers = (object: object) => Object.keys(object).length > 0

/** One or two members, so that not everything fails. */
const someOf = (object: fc.Arbitrary<object>) =>
  fc
    .tuple(object, fc.integer({ min: 1, max: 2 }))
    .map(([all, count]) => Object.fromEntries(Object.entries(all).slice(0, count)))
    .filter(hasMembers)

const { paths } = fc.letrec<{ condition: Json; paths: Json }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    scalar,
    someOf(comparisons),
    someOf(textTests).map((tests): Json => ({ ...tests, $ignore_case: true })),
    fc.boolean().map(($exists) => ({ $exists })),
    fc
      .tuple(tie('paths'), someOf(comparisons), fc.boolean())
      .map(([some, tests, isBoth]): Json => (isBoth ? { ...Object(some), ...tests } : some)),
    fc
      .record(
        {
          $not: tie('condition'),
          $any: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }),
          $all: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }),
          $every: tie('condition'),
        },
        { requiredKeys: [] },
      )
      .filter(hasMembers),
  ),
  paths: fc.dictionary(path, tie('condition'), { minKeys: 1, maxKeys: 2 }),
}))

const filter = fc.oneof(
  paths,
  fc
    .tuple(fc.constantFrom('$any', '$all'), fc.array(paths, { minLength: 1, maxLength: 3 }))
    .map(([name, list]): Json => ({ [name]: list })),
  paths.map((inner): Json => ({ $not: inner })),
)

function eventOf(payload: unknown): FilteredEvent {
  const at = '2026-03-12T00:00:00.000Z'
  return { fields: { id: 'e', event_name: 'a.b', occurred_at: at, recorded_at: at }, payload }
}

test('a compiled filter and the naive reading agree, and an explanation is empty exactly where the filter matches', () => {
  const seen = { matched: 0, failed: 0 }
  const holds = (filter: Json, payload: Json) => {
    const compiled = compileFilter(filter)
    if (!compiled.ok)
      return assert.deepEqual(
        compiled.faults.map(({ code }) => code),
        ['nesting_too_deep'],
      )
    const isMatch = compiled.matches(eventOf(payload))
    assert.equal(isMatch, judge(fromEvent(filter), findAll([{ payload }], [])))
    assert.equal(compiled.explain(eventOf(payload)).length === 0, isMatch)
    seen[isMatch ? 'matched' : 'failed']++
  }
  fc.assert(fc.property(filter, payload, holds), { numRuns: 3_000 })
  assert.ok(Math.min(seen.matched, seen.failed) > 300, JSON.stringify(seen))
})

test('each failure of an explanation stands in the filter where its pointer says', () => {
  fc.assert(
    fc.property(filter, payload, (filter, payload) => {
      const compiled = compileFilter(filter)
      fc.pre(compiled.ok)
      for (const { pointer, expected } of compiled.explain(eventOf(payload))) {
        const keys = pointer.split('/').slice(1)
        const there = keys.reduce<unknown>((at, key) => Object(at)[key], filter)
        assert.deepEqual(there, expected)
      }
    }),
  )
})

test('whatever the filter is, compiling answers; whatever the payload is, matching and explaining do', () => {
  const anything = fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true, withSparseArray: true })
  fc.assert(
    fc.property(anything, filter, anything, (given, filter, payload) => {
      const own = compileFilter(given)
      if (!own.ok) assert.ok(own.faults.length > 0)
      for (const compiled of [own, compileFilter(filter)]) {
        if (!compiled.ok) continue
        assert.equal(typeof compiled.matches(eventOf(payload)), 'boolean')
        assert.equal(compiled.explain(eventOf(payload)).length === 0, compiled.matches(eventOf(payload)))
      }
    }),
    { numRuns: 1_000 },
  )
})

test('a payload of any depth is matched', () => {
  let deep: unknown = 1
  for (let level = 0; level < 100_000; level++) deep = level % 2 === 0 ? [deep] : { a: deep }
  const compiled = compileFilter({ 'a.a.a': { $not: { a: { $every: { a: 1 } } } }, '': { $exists: true } })
  assert.ok(compiled.ok)
  assert.equal(compiled.matches(eventOf(deep)), true)
})

/** Not more than a slow machine that does other things as well could make of a few milliseconds. */
const BRIEFLY_MS = 2_000

function judgeLarge(filter: unknown, payload: unknown): FilterVerdict {
  const compiled = compileFilter(filter)
  assert.ok(compiled.ok)
  const began = performance.now()
  const verdict = compiled.judge(eventOf(payload))
  const failures = compiled.explain(eventOf(payload))
  assert.ok(performance.now() - began < BRIEFLY_MS, JSON.stringify(filter).slice(0, 100))
  assert.equal(failures.length === 0, verdict !== 'unwanted')
  return verdict
}

test('what the largest payload costs a filter has a bound, and an event that cannot be judged within it is let through', () => {
  const anyOf80 = (condition: (n: number) => unknown) => ({ $any: Array.from({ length: 80 }, (_, n) => condition(n)) })
  const list = Array.from({ length: 30_000 }, (_, n) => ({ k: n % 10 }))
  const nested = Array.from({ length: 100 }, () => ({ a: Array.from({ length: 300 }, () => ({ a: 1 })) }))
  const times = Array.from({ length: 10_000 }, () => '2026-03-12T00:00:00Z')
  const text = 'a'.repeat(262_144)
  const containing = (length: number) => anyOf80(() => ({ text: { $contains: `${'a'.repeat(length - 1)}b` } }))
  const costly: readonly (readonly [filter: unknown, payload: unknown])[] = [
    [anyOf80((n) => ({ 'list.k': 100 + n })), { list }],
    [{ list: anyOf80(() => ({ k: { $every: { $gt: 10 } } })) }, { list }],
    [{ $all: Array.from({ length: 80 }, () => ({ list: { $every: { k: { $lt: 20 } } } })) }, { list }],
    [{ list: { $all: [anyOf80((n) => ({ k: 100 + n }))] } }, { list }],
    [anyOf80((n) => ({ 'list.a.a': 2 + n })), { list: nested }],
    [anyOf80(() => ({ times: { $gt: '2027-01-01T00:00:00Z' } })), { times }],
    [anyOf80(() => ({ text: { $eq: 'x', $ignore_case: true } })), { text }],
    ...[2, 16, 17, 100].map((length) => [containing(length), { text }] as const),
  ]
  for (const [filter, payload] of costly) {
    assert.equal(judgeLarge(filter, payload), 'too_costly', JSON.stringify(filter).slice(0, 200))
  }
})

test('a plain condition is judged on the largest payload', () => {
  const objects = Array.from({ length: 30_000 }, (_, n) => ({ k: n % 10 }))
  assert.equal(judgeLarge({ 'list.k': 100 }, { list: objects }), 'unwanted')
  assert.equal(judgeLarge({ list: { k: 100 } }, { list: objects }), 'unwanted')
  assert.equal(judgeLarge({ list: 5 }, { list: Array.from({ length: 131_000 }, () => 1) }), 'unwanted')
  const text = 'the quick brown fox '.repeat(13_000)
  const words = Array.from({ length: 20 }, (_, n) => ({ text: { $contains: `jumps ${n}` } }))
  assert.equal(judgeLarge({ $any: words }, { text }), 'unwanted')
})

test('an explanation that costs too much has the failures found so far, or one for the whole filter', () => {
  const list = Array.from({ length: 30_000 }, (_, n) => ({ k: n % 10 }))
  const costly = (n: number) => ({ 'list.k': 100 + n })
  const explain = (filter: unknown) => {
    const compiled = compileFilter(filter)
    assert.ok(compiled.ok)
    return compiled.explain(eventOf({ list })).map(({ pointer, operator }) => `${pointer} ${operator}`)
  }
  // Judging ends with the first condition that fails; an explanation asks the others too.
  const [first, ...others] = explain({ a: 1, $all: [costly(1), costly(2), costly(3), costly(4)] })
  assert.equal(first, '/a $eq')
  assert.ok(others.length < 4)
  // Braces are judged entry by entry, which ends early here, but explained condition by condition over all entries.
  const big = Array.from({ length: 3_000 }, () => 1)
  const entries = [...Array.from({ length: 10 }, () => ({ t: 0, big })), { t: 1, big: [] }]
  const filter = { list: { t: 1, big: { $any: Array.from({ length: 20 }, (_, n) => 100 + n) } } }
  const compiled = compileFilter(filter)
  assert.ok(compiled.ok)
  const whole = { pointer: '', path: '', operator: '$all', expected: filter, found: 'object' }
  assert.deepEqual(compiled.explain(eventOf({ list: entries })), [whole])
})
