import { hash } from 'node:crypto'
import { canonicalUuid } from './ids.ts'
import { ProblemError } from './problems.ts'

/**
 * Where a list goes on: a place in it, never a count of rows, so that what is added or removed meanwhile shifts
 * nothing. A cursor is the same on every node and after a restart. To callers it is opaque: base64url of the JSON array
 * `[kind, ...values]`. The kind names the list and its order, so a cursor of another list is refused.
 *
 * A cursor is not a secret and gives no right: whatever it says, its statement stays within the company.
 */
export function encodeCursor(kind: string, values: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify([kind, ...values])).toString('base64url')
}

/**
 * What a cursor is good for (company, filter), in 12 characters to put into it. It guards against mix-ups and is no
 * secret.
 */
export function cursorPrint(parts: readonly unknown[]): string {
  return hash('sha256', JSON.stringify(parts), 'base64url').slice(0, 12)
}

/**
 * What stands at one place of a cursor: a UUID in lower case, a whole number from 0 to 2^53 - 1, a name of visible ASCII
 * characters, or one of some words.
 */
type Part = 'uuid' | 'integer' | 'name' | readonly string[]

type Values<Shape extends readonly Part[]> = {
  -readonly [Index in keyof Shape]: Shape[Index] extends 'integer'
    ? number
    : Shape[Index] extends readonly string[]
      ? Shape[Index][number]
      : string
}

/**
 * The values of a cursor of this kind and shape. Throws invalid_cursor for every text that `encodeCursor` did not make.
 */
export function decodeCursor<const Shape extends readonly Part[]>(
  kind: string,
  text: string,
  shape: Shape,
): Values<Shape> {
  const [found, ...values] = parse(text)
  // The same values have other spellings: padding, blanks, escapes. Only ours was given out.
  if (found === kind && hasShape(values, shape) && encodeCursor(kind, values) === text) return values
  throw invalid()
}

function parse(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    if (Array.isArray(value)) return value
  } catch {
    // refused below, in our words: V8's message quotes the text
  }
  throw invalid()
}

function hasShape<Shape extends readonly Part[]>(
  values: readonly unknown[],
  shape: Shape,
): values is readonly unknown[] & Values<Shape> {
  return values.length === shape.length && shape.every((part, index) => fits(part, values[index]))
}

function fits(part: Part, value: unknown): boolean {
  if (part === 'uuid') return typeof value === 'string' && canonicalUuid(value) === value
  if (part === 'integer') return Number.isSafeInteger(value) && Number(value) >= 0
  if (part === 'name') return typeof value === 'string' && nameForm.test(value)
  return typeof value === 'string' && part.includes(value)
}

const nameForm = /^[\x21-\x7e]{1,200}$/

function invalid(): ProblemError {
  return new ProblemError('invalid_cursor', 'Give the next_cursor of the page before, unchanged, to the same list')
}

/** What a caller asks of a list. */
export interface PageRequest {
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

const ROWS_DEFAULT = 50
const ROWS_MAX = 200

/** How many rows a page has at most. */
export function pageRows({ limit = ROWS_DEFAULT }: PageRequest): number {
  return Math.max(1, Math.min(limit, ROWS_MAX))
}
