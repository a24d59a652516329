/**
 * Conditions, compiled. A condition judges what its path found: nothing (undefined), one value, or a list, which stands
 * for its entries. `explain` is for a condition that does not hold, and adds at least one failure. Both pay from the
 * purse, so either may be left by its throw; the failures that were added before stand.
 */
import { followPath } from './filter-path.ts'
import { spend } from './purse.ts'
import type { ValueTest } from './value-tests.ts'

export interface Condition {
  readonly holds: (found: unknown) => boolean
  readonly explain: (found: unknown, failures: FilterFailure[]) => void
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
 * the part; it adds nothing where all entries together do.
 */
export type Part = Condition

export function valuePart(origin: Origin, test: ValueTest): Part {
  return judged(origin, test)
}

export function pathPart(keys: readonly string[], condition: Condition): Part {
  return {
    holds: (value) => condition.holds(followPath(value, keys)),
    explain: (value, failures) => {
      const found = followPath(value, keys)
      if (!condition.holds(found)) condition.explain(found, failures)
    },
  }
}

/** Holds when all parts hold for the same one: the value, or any entry of the list. Where nothing is, parts judge nothing. */
export function someEntry(origin: Origin, parts: readonly Part[]): Condition {
  const holdsForOne = allHold(parts)
  return {
    holds: (found) => holdsForSome(found, holdsForOne),
    explain: (found, failures) => {
      const before = failures.length
      for (const part of parts) if (!holdsForSome(found, part.holds)) part.explain(found, failures)
      if (failures.length === before) failures.push(failureOf(origin, found))
    },
  }
}

/** An empty list has no entry, which is nothing. */
function holdsForSome(found: unknown, test: ValueTest): boolean {
  if (!Array.isArray(found)) return test(found)
  if (found.length === 0) return test(undefined)
  for (const entry of found) {
    spend(1)
    if (test(entry)) return true
  }
  return false
}

/** Holds when there is a value, or at least one entry, and the condition holds for every one. */
export function everyEntry(origin: Origin, condition: Condition): Condition {
  return judged(origin, (found) => {
    if (!Array.isArray(found)) return found !== undefined && condition.holds(found)
    for (const entry of found) {
      spend(1)
      if (!condition.holds(entry)) return false
    }
    return found.length > 0
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
    explain: (found, failures) => {
      for (const { explain } of conditions) explain(found, failures)
    },
  }
}

export function allOf(conditions: readonly Condition[]): Condition {
  const [only] = conditions
  if (only !== undefined && conditions.length === 1) return only
  return {
    holds: allHold(conditions),
    explain: (found, failures) => {
      for (const { holds, explain } of conditions) if (!holds(found)) explain(found, failures)
    },
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
  return { holds, explain: (found, failures) => void failures.push(failureOf(origin, found)) }
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
