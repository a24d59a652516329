/**
 * Conditions, compiled. A condition judges what its path found: nothing (undefined), one value, or a list, which stands
 * for its entries. `explain` is for a condition that does not hold; it never answers with an empty list.
 */
import { followPath } from './filter-path.ts'
import type { ValueTest } from './value-tests.ts'

export interface Condition {
  readonly holds: (found: unknown) => boolean
  readonly explain: (found: unknown) => readonly FilterFailure[]
}

/** A condition of a filter that an event does not fulfil. No value of the event is in it, only the kind of what was found. */
export interface FilterFailure {
  /** Into the filter, RFC 6901. */
  readonly pointer: string
  /** `service.name`, `$event.source`; a JSON pointer where a key needs it. */
  readonly path: string
  /** `$eq` for a plain value. `$same_entry`: each condition holds for some entry of the list, but not all for the same. */
  readonly operator: string
  /** As the filter has it. */
  readonly expected: unknown
  readonly found: FoundKind
}

export type FoundKind = 'nothing' | 'null' | 'boolean' | 'number' | 'text' | 'list' | 'object'

/** Where a condition stands in the filter. */
export interface Origin {
  readonly pointer: string
  readonly path: string
  readonly operator: string
  readonly expected: unknown
}

/**
 * A condition on one value: an entry of a list, or what is no list. `explain` is given the whole list when no entry fulfils
 * the part; it answers with an empty list where all entries together do.
 */
export type Part = Condition

export function valuePart(origin: Origin, test: ValueTest): Part {
  return judged(origin, test)
}

export function pathPart(keys: readonly string[], condition: Condition): Part {
  return {
    holds: (value) => condition.holds(followPath(value, keys)),
    explain: (value) => {
      const found = followPath(value, keys)
      return condition.holds(found) ? [] : condition.explain(found)
    },
  }
}

/** Holds when all parts hold for the same one: the value, or any entry of the list. Where nothing is, parts judge nothing. */
export function someEntry(origin: Origin, parts: readonly Part[]): Condition {
  const holdsForOne = allHold(parts)
  const holds = (found: unknown) => {
    if (!Array.isArray(found)) return holdsForOne(found)
    return found.length === 0 ? holdsForOne(undefined) : found.some(holdsForOne)
  }
  return {
    holds,
    explain: (found) => {
      const entries: readonly unknown[] = Array.isArray(found) && found.length > 0 ? found : [entryOf(found)]
      const failures = parts.filter((part) => !entries.some(part.holds)).flatMap((part) => part.explain(found))
      return failures.length > 0 ? failures : [failureOf(origin, found)]
    },
  }
}

/** An empty list has no entry, which is nothing. */
function entryOf(found: unknown): unknown {
  return Array.isArray(found) ? undefined : found
}

/** Holds when there is a value, or at least one entry, and the condition holds for every one. */
export function everyEntry(origin: Origin, condition: Condition): Condition {
  return judged(origin, (found) => {
    if (!Array.isArray(found)) return found !== undefined && condition.holds(found)
    return found.length > 0 && found.every(condition.holds)
  })
}

export function existence(origin: Origin, isWanted: boolean): Condition {
  return judged(origin, (found) => (found !== undefined) === isWanted)
}

export function not(origin: Origin, condition: Condition): Condition {
  return judged(origin, (found) => !condition.holds(found))
}

export function anyOf(conditions: readonly Condition[]): Condition {
  return {
    holds: (found) => conditions.some(({ holds }) => holds(found)),
    explain: (found) => conditions.flatMap(({ explain }) => explain(found)),
  }
}

export function allOf(conditions: readonly Condition[]): Condition {
  const [only] = conditions
  if (only !== undefined && conditions.length === 1) return only
  return {
    holds: allHold(conditions),
    explain: (found) => conditions.filter(({ holds }) => !holds(found)).flatMap(({ explain }) => explain(found)),
  }
}

function allHold(conditions: readonly Condition[]): ValueTest {
  const tests = conditions.map(({ holds }) => holds)
  const [only] = tests
  if (only !== undefined && tests.length === 1) return only
  return (value) => {
    for (const test of tests) if (!test(value)) return false
    return true
  }
}

function judged(origin: Origin, holds: ValueTest): Condition {
  return { holds, explain: (found) => [failureOf(origin, found)] }
}

function failureOf({ pointer, path, operator, expected }: Origin, found: unknown): FilterFailure {
  return { pointer, path, operator, expected, found: kindOf(found) }
}

function kindOf(found: unknown): FoundKind {
  if (found === undefined) return 'nothing'
  if (found === null) return 'null'
  if (Array.isArray(found)) return 'list'
  if (typeof found === 'string') return 'text'
  if (typeof found === 'number') return 'number'
  return typeof found === 'boolean' ? 'boolean' : 'object'
}
