import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { compileFilter } from './compile-filter.ts'
import type { CompiledFilter } from './compile-filter.ts'
import type { FilteredEvent } from './event-fields.ts'

const page = readFileSync(new URL('../../../../docs/filters.md', import.meta.url), 'utf8')

const [, exampleText = ''] = /```json event\n([^`]+)```/.exec(page) ?? []
const example: FilteredEvent = JSON.parse(exampleText)

function compiled(filter: unknown): CompiledFilter {
  const outcome = compileFilter(filter)
  assert.ok(outcome.ok, JSON.stringify(outcome))
  return outcome
}

function withPayload(payload: unknown): FilteredEvent {
  return { fields: example.fields, payload }
}

const isMatch = (filter: unknown, payload: unknown) => compiled(filter).matches(withPayload(payload))

/** Each fault as `pointer code`. */
function faultsOf(filter: unknown): string[] {
  const outcome = compileFilter(filter)
  return outcome.ok ? [] : outcome.faults.map(({ pointer, code }) => `${pointer} ${code}`)
}

const failuresOf = (filter: unknown, event = example) =>
  compiled(filter)
    .explain(event)
    .map(({ pointer, path, operator, found }) => `${pointer} ${path} ${operator} ${found}`)

test('every example of docs/filters.md has the outcome that stands there, and is explained where it is not wanted', () => {
  const rows = [...page.matchAll(/^\| `(\{.*\})` \| (yes|no) \|/gm)]
  assert.equal(rows.length, 34)
  for (const [, filter = '', wanted] of rows) {
    const { matches, explain } = compiled(JSON.parse(filter))
    assert.equal(matches(example), wanted === 'yes', filter)
    assert.equal(explain(example).length === 0, wanted === 'yes', filter)
  }
})

test('every filter shown in docs/filters.md is one', () => {
  const blocks = [...page.matchAll(/```json\n([^`]+)```/g)]
  assert.equal(blocks.length, 2)
  for (const [, filter = ''] of blocks) assert.equal(compiled(JSON.parse(filter)).matches(example), true)
})

test('every code that a filter can be refused with stands in docs/filters.md', () => {
  const codes = mistakes.flatMap(([, faults]) => faults.map((fault) => fault.split(' ')[1] ?? ''))
  assert.deepEqual(
    [...new Set(codes)].filter((code) => !page.includes(`\`${code}\``)),
    [],
  )
})

const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) })

const mistakes: readonly (readonly [filter: unknown, faults: readonly string[]])[] = [
  [null, [' not_an_object']],
  ['berlin', [' not_an_object']],
  [[], [' not_an_object']],
  [{ a: {} }, ['/a empty_condition']],
  [{ $not: {} }, ['/$not empty_condition']],
  [{ $any: [{}] }, ['/$any/0 empty_condition']],
  [{ $any: [] }, ['/$any empty_list']],
  [{ a: { $in: [] } }, ['/a/$in empty_list']],
  [{ $any: { a: 1 } }, ['/$any invalid_operand']],
  [{ $any: [1] }, ['/$any/0 not_an_object']],
  [{ a: ['x', 'y'] }, ['/a ambiguous_list']],
  [{ a: { $or: [1] } }, ['/a/$or unknown_operator']],
  [{ $where: '1' }, ['/$where unknown_operator']],
  [{ $eq: 1 }, ['/$eq misplaced_operator']],
  [{ $exists: true }, ['/$exists misplaced_operator']],
  [{ $event: { $every: 'x' } }, ['/$event/$every misplaced_operator']],
  [{ $event: 'x' }, ['/$event not_an_object']],
  [{ '$event.': 'x' }, ['/$event. invalid_path']],
  [{ '$event.company_id': 'x' }, ['/$event.company_id unknown_event_field']],
  [{ '$event.actor': { role: 'x' } }, ['/$event.actor/role unknown_event_field']],
  [{ '$event.constructor': 'x' }, ['/$event.constructor unknown_event_field']],
  [{ a: { '$event.source': 'x' } }, ['/a/$event.source misplaced_operator']],
  [{ 'a..b': 1 }, ['/a..b invalid_path']],
  [{ 'a.$exists': true }, ['/a.$exists invalid_path']],
  [{ '/a~2': 1 }, ['/~1a~02 invalid_path']],
  [{ ['a.'.repeat(32) + 'a']: 1 }, [`/${'a.'.repeat(32)}a invalid_path`]],
  [{ a: { $eq: { b: 1 } } }, ['/a/$eq invalid_operand']],
  [{ a: { $in: 'x' } }, ['/a/$in invalid_operand']],
  [{ a: { $in: [1, [2], {}] } }, ['/a/$in/1 invalid_operand', '/a/$in/2 invalid_operand']],
  [{ a: { $gt: 'Berlin' } }, ['/a/$gt invalid_operand']],
  [{ a: { $gt: '2026-02-30' } }, ['/a/$gt invalid_operand']],
  [{ a: { $gt: '2026-02-03T10:00:00' } }, ['/a/$gt invalid_operand']],
  [{ a: { $contains: 3 } }, ['/a/$contains invalid_operand']],
  [{ a: { $contains: '' } }, ['/a/$contains invalid_operand']],
  [{ a: { $exists: 1 } }, ['/a/$exists invalid_operand']],
  [{ a: { $eq: 'x', $ignore_case: 'yes' } }, ['/a/$ignore_case invalid_operand']],
  [{ a: { $gt: 1, $ignore_case: true } }, ['/a/$ignore_case misplaced_operator']],
  [{ a: 2 ** 53 }, ['/a number_not_exact']],
  [{ a: { $lt: Number.POSITIVE_INFINITY } }, ['/a/$lt number_not_exact']],
  [{ a: undefined }, ['/a invalid_operand']],
  [{ a: 1n }, ['/a invalid_operand']],
  [nested(17), [`${'/a'.repeat(16)} nesting_too_deep`]],
  [{ a: { $in: Array.from({ length: 201 }, () => 1) } }, ['/a/$in list_too_long']],
  [{ a: 'x'.repeat(1_001) }, ['/a text_too_long']],
  [{ ['k'.repeat(1_001)]: 1 }, [' text_too_long']],
  [Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`k${index}`, 1])), [' filter_too_large']],
  [{ a: { $in: Array.from({ length: 17 }, () => 'x'.repeat(1_000)) } }, [' filter_too_large']],
]

test('a filter with a mistake is refused with its place and a code', () => {
  for (const [filter, faults] of mistakes) assert.deepEqual(faultsOf(filter), faults)
})

test('all mistakes of a filter are listed', () => {
  const filter = {
    a: [1],
    $or: [{ b: 2 }],
    $any: [{ c: { $gt: 'x' } }, { $not: { d: {} } }],
    'e/f': { $regex: 'x' },
    'g..h': [1],
  }
  assert.deepEqual(faultsOf(filter), [
    '/a ambiguous_list',
    '/$or unknown_operator',
    '/$any/0/c/$gt invalid_operand',
    '/$any/1/$not/d empty_condition',
    '/e~1f/$regex unknown_operator',
    '/g..h invalid_path',
    '/g..h ambiguous_list',
  ])
})

test('what breaks no limit by one is taken', () => {
  const filters = [
    nested(16),
    { a: 2 ** 53 - 1 },
    { a: { $in: Array.from({ length: 200 }, () => 1) } },
    { a: 'x'.repeat(1_000) },
    { ['a.'.repeat(31) + 'a']: 1 },
    Object.fromEntries(Array.from({ length: 499 }, (_, index) => [`k${index}`, 1])),
  ]
  for (const filter of filters) assert.deepEqual(faultsOf(filter), [])
})

test('a filter that contains itself is refused', () => {
  const filter: Record<string, unknown> = {}
  filter['a'] = filter
  assert.deepEqual(faultsOf(filter), [`${'/a'.repeat(16)} nesting_too_deep`])
})

test('who writes the operator of another system is told ours', () => {
  const outcome = compileFilter({ a: { $startsWith: 'x' } })
  assert.ok(!outcome.ok)
  assert.match(outcome.faults[0]?.message ?? '', /\$starts_with/)
})

test('only own properties are found', () => {
  for (const path of [
    'constructor',
    'constructor.name',
    '__proto__',
    'toString',
    'length',
    'list.length',
    'text.length',
  ]) {
    const payload = { list: [1], text: 'abc' }
    assert.equal(isMatch({ [path]: { $exists: true } }, payload), false, path)
  }
  assert.equal(isMatch(JSON.parse('{ "__proto__": { "a": 1 } }'), JSON.parse('{ "__proto__": { "a": 1 } }')), true)
  assert.equal(isMatch({ a: 1 }, JSON.parse('{ "__proto__": { "a": 1 } }')), false)
})

test('keys with a dot, with a dollar or without a character are found by a pointer', () => {
  const payload = { 'a.b': { $ref: 1 }, '': 2, '~/': 3 }
  assert.equal(isMatch({ '/a.b/$ref': 1, '/': 2, '/~0~1': 3 }, payload), true)
  assert.equal(isMatch({ '/a.b': { '/$ref': 1 } }, payload), true)
  assert.equal(isMatch({ 'a.b': { $exists: true } }, payload), false)
})

test('a payload that is no object is found by the empty path', () => {
  assert.equal(isMatch({ '': 'done' }, 'done'), true)
  assert.equal(isMatch({ '': { $gte: 3 } }, [1, 4]), true)
  assert.equal(isMatch({ a: 1 }, [{ a: 2 }, { a: 1 }]), true)
  assert.equal(isMatch({ '': { $exists: true } }, undefined), false)
})

test('whole numbers beyond 2^53 in a payload are never equal to one of a filter and on the right side of it', () => {
  const most = Number.MAX_SAFE_INTEGER
  const payload: unknown = JSON.parse('{ "n": 9007199254740993, "huge": 1e400, "low": -1e400 }')
  assert.equal(isMatch({ n: most }, payload), false)
  assert.equal(isMatch({ n: { $gt: most }, huge: { $gt: most }, low: { $lt: -most } }, payload), true)
  assert.equal(isMatch({ n: 1 }, JSON.parse('{ "n": 1.0e0 }')), true)
})

test('a comparison is exact at its bound', () => {
  const holds = (operator: string, value: number) => isMatch({ n: { [operator]: 30 } }, { n: value })
  const table = ['$gt', '$gte', '$lt', '$lte'].map((operator) => [29, 30, 31].map((value) => holds(operator, value)))
  assert.deepEqual(table, [
    [false, false, true],
    [false, true, true],
    [true, false, false],
    [true, true, false],
  ])
})

test('case is ignored for every letter alike, wherever it stands in a word', () => {
  const holds = (operator: string, operand: unknown, text: string) =>
    isMatch({ t: { [operator]: operand, $ignore_case: true } }, { t: text })
  assert.equal(holds('$starts_with', 'οδος', 'ΟΔΟΣΑ'), true)
  assert.equal(holds('$eq', 'STRASSE', 'straße'), true)
  assert.equal(holds('$in', ['Äpfel', 3], 'äPFEL'), true)
  assert.equal(holds('$contains', 'BER', 'overberg'), true)
  assert.equal(holds('$ends_with', 'BER', 'overberg'), false)
})

test('entries of one list are judged together, entries of different lists are not', () => {
  const payload = { orders: [{ lines: [{ sku: 'A', n: 1 }] }, { lines: [{ sku: 'B', n: 5 }] }] }
  assert.equal(isMatch({ 'orders.lines': { sku: 'A', n: 5 } }, payload), false)
  assert.equal(isMatch({ 'orders.lines': { sku: 'B', n: 5 } }, payload), true)
  assert.equal(isMatch({ 'orders.lines.sku': 'A', 'orders.lines.n': 5 }, payload), true)
})

test('an empty list has no entry: what asks for nothing holds for it, with braces as with dots', () => {
  const payload = { list: [] }
  assert.equal(isMatch({ list: { a: { $exists: false } }, 'list.a': { $exists: false } }, payload), true)
  assert.equal(isMatch({ none: { a: { $not: 1 } }, 'none.a': { $not: 1 } }, payload), true)
  assert.equal(isMatch({ list: { a: { $not: 1 } }, 'list.a': { $not: 1 } }, payload), true)
  assert.equal(isMatch({ list: null }, payload), false)
})

test('lists directly within lists are not looked into', () => {
  assert.equal(isMatch({ a: 1 }, { a: [[1]] }), false)
  assert.equal(isMatch({ 'a.b': 1 }, { a: [[{ b: 1 }]] }), false)
  assert.equal(isMatch({ 'a.0': 1 }, { a: [[1]] }), true)
})

test('an explanation names each failed condition with its place, path, operator, operand and the kind of what was found', () => {
  assert.deepEqual(compiled({ service: { duration_minutes: { $gte: 120 } } }).explain(example), [
    {
      pointer: '/service/duration_minutes/$gte',
      path: 'service.duration_minutes',
      operator: '$gte',
      expected: 120,
      found: 'number',
    },
  ])
  assert.deepEqual(
    failuresOf({ branch_id: 'x', tags: 'y', staff: 1, '/a.b': 1, '$event.source': 'z', day: '2026-03-12' }),
    [
      '/branch_id branch_id $eq text',
      '/tags tags $eq list',
      '/staff staff $eq nothing',
      '/~1a.b /a.b $eq nothing',
      '/$event.source $event.source $eq text',
    ],
  )
})

test('an explanation tells of every branch of an alternative, and when conditions hold for different entries only', () => {
  assert.deepEqual(failuresOf({ $any: [{ branch_id: 'x' }, { $not: { tags: 'vip' } }] }), [
    '/$any/0/branch_id branch_id $eq text',
    '/$any/1/$not  $not object',
  ])
  assert.deepEqual(failuresOf({ extras: { name: 'Mask', minutes: { $gte: 10 } } }), ['/extras extras $same_entry list'])
  // No extra has both names; the extras together do, so none of the inner conditions is to blame.
  const both = { extras: { name: { $any: [{ $all: ['Mask', 'Massage'] }, 'Wash'] } } }
  assert.deepEqual(failuresOf(both), ['/extras extras $same_entry list'])
  assert.deepEqual(failuresOf({ extras: { name: 'Wash', minutes: { $gte: 10 } } }), [
    '/extras/name extras.name $eq list',
  ])
})

test('a filter over event fields alone does not ask for the payload', () => {
  assert.equal(compiled({ '$event.source': 'booking', $not: { $event: { actor: { id: 7 } } } }).readsPayload, false)
  assert.equal(compiled({ $any: [{ '$event.source': 'booking' }, { a: 1 }] }).readsPayload, true)
  assert.equal(compiled({}).readsPayload, false)
})
