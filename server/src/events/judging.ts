/**
 * What it takes to judge one payload by a schema that a company wrote: the steps that everything is paid from, the
 * violations found, and which members and items were looked at.
 *
 * Generated code cannot be stopped, so the time it takes is up to whoever wrote the schema. Here each check pays before it
 * works, and when no steps are left the judging ends, whatever the schema and the payload are. A step stands for 20 ns as
 * measured: most are shorter, none is much longer.
 */
import { escapePointerToken } from '../lib/json-pointer.ts'
import type { Allowance } from './allowance.ts'
import type { LinearPattern } from './linear-pattern.ts'
import type { Violation } from './schema-faults.ts'

/** To begin and to end a pattern. */
const PATTERN_STEPS = 20

/** On the automaton of RE2 a character takes 5 to 20 ns. */
const PATTERN_STEPS_PER_CHARACTER = 2

/**
 * What RE2 needs for one character at the very worst, measured with patterns made to defeat it. Small programs run on its
 * automaton, and so do those that never have two ways to go on. Others can make more states than it keeps; then it carries
 * up to `size` threads, 60 ns each, until its memory for them ends.
 */
function worstStepsPerCharacter({ size, isOnePass }: LinearPattern): number {
  return size <= 12 || isOnePass ? 12 : Math.min(3 * size, 600)
}

/** A test of a pattern cannot be stopped, so one that could take longer, a fifth of a second, is not begun. */
const PATTERN_WORST_MAX = 10_000_000

export class OutOfSteps extends Error {}

/** The patterns took longer than they ever should: they were made for it, or the machine stood still. */
export class OutOfTime extends Error {}

/** Enough violations were found. */
export class ListIsFull extends Error {}

/** Gives whether the value fits. Goes on after the first violation only where the judging lists them. */
export type Check = (value: unknown, place: Place | undefined, judging: Judging, seen: Seen | undefined) => boolean

/** Where a value stands; undefined is the payload itself, and everything while nothing is listed. */
export interface Place {
  readonly above: Place | undefined
  readonly key: string | number
}

export class Judging {
  readonly #allowance: Allowance
  readonly #violationsMax: number
  readonly #violations: Violation[] = []
  #propertyName: string | undefined

  /** Without violations to list, the first one ends it. */
  constructor(allowance: Allowance, violationsMax = 0) {
    this.#allowance = allowance
    this.#violationsMax = violationsMax
  }

  get lists(): boolean {
    return this.#violationsMax > 0
  }

  get violations(): readonly Violation[] {
    return this.#violations
  }

  pay(steps: number): void {
    if ((this.#allowance.stepsLeft -= steps) < 0) throw new OutOfSteps()
  }

  /** Gives false, so that a check can end with it. */
  violation(place: Place | undefined, keyword: string, params: Violation['params'] = {}): false {
    if (!this.lists) return false
    if (this.#violations.length === this.#violationsMax) throw new ListIsFull()
    const instancePath = pointerTo(place)
    const propertyName = this.#propertyName
    this.#violations.push({ instancePath, keyword, params, ...(propertyName !== undefined && { propertyName }) })
    return false
  }

  below(place: Place | undefined, key: string | number): Place | undefined {
    return this.lists ? { above: place, key } : undefined
  }

  /** Whether it fits, with violations that count for nothing: as in `not`. */
  fitsQuietly(check: Check, value: unknown, seen: Seen | undefined): boolean {
    if (!this.lists) return check(value, undefined, this, seen)
    return check(value, undefined, new Judging(this.#allowance), seen)
  }

  fitsAsName(check: Check, name: string, place: Place | undefined): boolean {
    const before = this.#propertyName
    this.#propertyName = name
    try {
      return check(name, place, this, undefined)
    } finally {
      this.#propertyName = before
    }
  }

  /**
   * Paid by the length of the text alone, so that it is the same on every machine and at every moment. What that leaves open,
   * a pattern that defeats the automaton, ends by the clock.
   */
  matches(pattern: LinearPattern, text: string): boolean {
    this.pay(PATTERN_STEPS + text.length * PATTERN_STEPS_PER_CHARACTER)
    if (text.length * worstStepsPerCharacter(pattern) > PATTERN_WORST_MAX) throw new OutOfSteps()
    if (this.#allowance.patternMsLeft < 0) throw new OutOfTime()
    const startedAt = performance.now()
    const matched = pattern.test(text)
    this.#allowance.patternMsLeft -= performance.now() - startedAt
    return matched
  }
}

/** RFC 6901. */
function pointerTo(place: Place | undefined): string {
  let pointer = ''
  for (let at = place; at; at = at.above) pointer = `/${escapePointerToken(String(at.key))}${pointer}`
  return pointer
}

/**
 * Members and items of one value that a schema has looked at, for `unevaluatedProperties` and `unevaluatedItems`. Kept only
 * where one of these asks for it.
 */
export class Seen {
  readonly #names = new Set<string>()
  readonly #indexes = new Set<number>()

  hasName(name: string): boolean {
    return this.#names.has(name)
  }

  hasIndex(index: number): boolean {
    return this.#indexes.has(index)
  }

  addName(name: string, judging: Judging): void {
    judging.pay(SEEN_STEPS)
    this.#names.add(name)
  }

  addIndex(index: number, judging: Judging): void {
    judging.pay(SEEN_STEPS)
    this.#indexes.add(index)
  }

  addAll(other: Seen, judging: Judging): void {
    for (const name of other.#names) this.addName(name, judging)
    for (const index of other.#indexes) this.addIndex(index, judging)
  }
}

const SEEN_STEPS = 5
