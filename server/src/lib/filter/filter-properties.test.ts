import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
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

test('the largest filters over the largest payloads take time in proportion', () => {
  const millisecondsFor = (filter: unknown, payload: unknown) => {
    const compiled = compileFilter(filter)
    assert.ok(compiled.ok)
    const start = performance.now()
    compiled.matches(eventOf(payload))
    compiled.explain(eventOf(payload))
    return performance.now() - start
  }
  const list = Array.from({ length: 40_000 }, () => ({ a: 'aaaa' }))
  const alternatives = Array.from({ length: 120 }, () => ({ a: { $every: { $starts_with: 'b' } } }))
  assert.ok(millisecondsFor({ list: { $any: alternatives } }, { list }) < 20_000)

  const text = 'a'.repeat(262_144)
  const parts = [`b${'a'.repeat(999)}`, `${'a'.repeat(999)}b`, `${'a'.repeat(500)}b${'a'.repeat(499)}`]
  for (const $contains of parts) assert.ok(millisecondsFor({ text: { $contains } }, { text }) < 5_000)
})
