/**
 * What it takes to judge one payload by a schema that a company wrote: a purse of steps that everything is paid from, the
 * violations found, and which members and items were looked at.
 *
 * Generated code cannot be stopped, so the time it takes is up to whoever wrote the schema. Here each check pays before it
 * works, and when the purse is empty the judging ends, whatever the schema and the payload are.
 */
import { escapePointerToken } from '../lib/json-pointer.ts'
import type { LinearPattern } from './linear-pattern.ts'
import type { Violation } from './schema-faults.ts'

/** Deciding about a usual event takes a few hundred. */
export const STEPS_MAX = 2_700_000

/** Nanoseconds that a step stands for: measured, most are shorter, none is much longer. */
const STEP_NS = 20

/**
 * What RE2 needs for one character at the very worst, measured with patterns made to defeat it. Small programs run on its
 * automaton. Larger ones can make more states than it keeps; then it carries up to `size` threads, 60 ns each, until its
 * memory for them ends.
 */
function patternStepsPerCharacter(size: number): number {
  return size <= 12 ? size : Math.min(3 * size, 600)
}

/** To begin and to end a pattern. */
const PATTERN_STEPS = 20

export class OutOfSteps extends Error {}

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
  readonly #violationsMax: number
  #stepsLeft: number
  readonly #violations: Violation[] = []
  #propertyName: string | undefined

  /** Without violations to list, the first one ends it. */
  constructor(steps: number, violationsMax = 0) {
    this.#stepsLeft = steps
    this.#violationsMax = violationsMax
  }

  get lists(): boolean {
    return this.#violationsMax > 0
  }

  get violations(): readonly Violation[] {
    return this.#violations
  }

  pay(steps: number): void {
    this.#stepsLeft -= steps
    if (this.#stepsLeft < 0) throw new OutOfSteps()
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
    const quiet = new Judging(this.#stepsLeft)
    try {
      return check(value, undefined, quiet, seen)
    } finally {
      this.#stepsLeft = quiet.#stepsLeft
    }
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
   * A text may be tested if the purse could pay the worst that the pattern can do with it. What is paid is the time it took,
   * which is mostly far less, and never more than that worst: so a pause of the machine cannot empty the purse.
   */
  matches({ test, size }: LinearPattern, text: string): boolean {
    const worst = PATTERN_STEPS + text.length * patternStepsPerCharacter(size)
    if (worst > this.#stepsLeft) throw new OutOfSteps()
    const startedAt = performance.now()
    const matched = test(text)
    const measured = ((performance.now() - startedAt) * 1e6) / STEP_NS
    this.pay(Math.ceil(Math.min(worst, Math.max(PATTERN_STEPS, measured))))
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
