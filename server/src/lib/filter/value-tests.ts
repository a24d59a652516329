/**
 * The operators that look at one value: equality, order and parts of texts. Every test is false for what is of another
 * kind than its operand, and for nothing (undefined).
 */
import { parseRfc3339 } from '../rfc3339.ts'
import { pointerTo } from './filter-path.ts'
import { spend } from './purse.ts'
import { textSearch } from './text-search.ts'

export type ValueTest = (value: unknown) => boolean

/** What an operator is given to build its test. */
export interface Operand {
  readonly json: unknown
  readonly pointer: string
  /** Of texts: upper and lower case are the same. */
  readonly ignoreCase: boolean
  /** The values are ids, which are texts: a number means its text. */
  readonly isId: boolean
  /** Notes a fault in the filter; the test that is built then is never run. */
  readonly refuse: (pointer: string, code: string, message: string) => void
}

type BuildTest = (operand: Operand) => ValueTest

export const valueOperators: ReadonlyMap<string, BuildTest> = new Map<string, BuildTest>([
  ['$eq', equals],
  ['$in', isIn],
  ['$gt', (operand) => compares(operand, (order) => order > 0)],
  ['$gte', (operand) => compares(operand, (order) => order >= 0)],
  ['$lt', (operand) => compares(operand, (order) => order < 0)],
  ['$lte', (operand) => compares(operand, (order) => order <= 0)],
  ['$starts_with', (operand) => testsText(operand, (part) => (text) => text.startsWith(part))],
  ['$ends_with', (operand) => testsText(operand, (part) => (text) => text.endsWith(part))],
  ['$contains', (operand) => testsText(operand, textSearch)],
])

/** Operators that heed `$ignore_case`. */
export const textOperators: ReadonlySet<string> = new Set(['$eq', '$in', '$starts_with', '$ends_with', '$contains'])

type Scalar = string | number | boolean | null

function equals(operand: Operand): ValueTest {
  const expected = scalarOf(operand, operand.json, operand.pointer)
  if (operand.ignoreCase && typeof expected === 'string') {
    const folded = foldCase(expected)
    return (value) => typeof value === 'string' && foldGiven(value) === folded
  }
  return (value) => value === expected
}

function isIn(operand: Operand): ValueTest {
  const { json, pointer, ignoreCase } = operand
  if (!Array.isArray(json)) return refused(operand, 'invalid_operand', '$in takes a list of values')
  if (json.length === 0) return refused(operand, 'empty_list', '$in takes at least one value')
  const expected = new Set<unknown>()
  for (const [index, entry] of json.entries()) {
    const scalar = scalarOf(operand, entry, pointerTo(pointer, index))
    expected.add(ignoreCase && typeof scalar === 'string' ? foldCase(scalar) : scalar)
  }
  if (!ignoreCase) return (value) => expected.has(value)
  return (value) => expected.has(typeof value === 'string' ? foldGiven(value) : value)
}

function scalarOf(operand: Operand, json: unknown, pointer: string): Scalar | undefined {
  if (typeof json === 'number') {
    checkNumber(operand, json, pointer)
    return operand.isId ? String(json) : json
  }
  if (typeof json === 'string' || typeof json === 'boolean' || json === null) return json
  operand.refuse(pointer, 'invalid_operand', 'A text, a number, true, false or null stands here')
  return undefined
}

/** So bounded, a number of the filter is exactly the one that was written, if it is whole, and comparing it is exact. */
function checkNumber({ refuse }: Operand, json: number, pointer: string): void {
  if (Math.abs(json) <= Number.MAX_SAFE_INTEGER) return
  refuse(pointer, 'number_not_exact', 'Numbers in a filter lie between -(2^53 - 1) and 2^53 - 1')
}

/** `holds` is given a number below, equal to or above 0, as the value is below, equal to or above the operand. */
function compares(operand: Operand, holds: (order: number) => boolean): ValueTest {
  const { json, pointer } = operand
  if (typeof json === 'number') {
    checkNumber(operand, json, pointer)
    return (value) => typeof value === 'number' && holds(value < json ? -1 : value > json ? 1 : 0)
  }
  const boundMs = typeof json === 'string' ? parseRfc3339(json) : undefined
  if (boundMs !== undefined) return comparesText(parseRfc3339, boundMs, holds)
  const dayMs = typeof json === 'string' ? parseDay(json) : undefined
  if (dayMs !== undefined) return comparesText(parseDay, dayMs, holds)
  const message = 'A number, a time with offset (2026-03-12T14:30:00+01:00) or a day (2026-03-12) stands here'
  return refused(operand, 'invalid_operand', message)
}

function comparesText(
  parse: (text: string) => number | undefined,
  boundMs: number,
  holds: (order: number) => boolean,
): ValueTest {
  return (value) => {
    if (typeof value !== 'string') return false
    spend(20) // reading a time is that much more than comparing
    const ms = parse(value)
    return ms !== undefined && holds(ms - boundMs)
  }
}

/** A full-date of RFC 3339, section 5.6. */
function parseDay(text: string): number | undefined {
  return text.length === 10 ? parseRfc3339(`${text}T00:00:00Z`) : undefined
}

function testsText(operand: Operand, search: (part: string) => (text: string) => boolean): ValueTest {
  const { json, ignoreCase, isId } = operand
  const given = isId && typeof json === 'number' ? String(json) : json
  if (typeof given !== 'string') return refused(operand, 'invalid_operand', 'A text stands here')
  if (given === '') return refused(operand, 'invalid_operand', 'The empty text is in every text')
  const holds = search(ignoreCase ? foldCase(given) : given)
  if (!ignoreCase) return (value) => typeof value === 'string' && holds(value)
  return (value) => typeof value === 'string' && holds(foldGiven(value))
}

/**
 * Upper case by the rules of Unicode that look at one character only. Lower case would not do: there the end of a word
 * changes what a capital sigma becomes, so a part of a text could differ from the same letters in the whole.
 */
function foldCase(text: string): string {
  return text.toUpperCase()
}

/** Of an event; those of the filter are folded when it is compiled. */
function foldGiven(text: string): string {
  spend(text.length >> 5)
  return foldCase(text)
}

function refused({ refuse, pointer }: Operand, code: string, message: string): ValueTest {
  refuse(pointer, code, message)
  return () => false
}
