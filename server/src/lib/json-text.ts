/**
 * The door for every JSON body. What passes it can be stored, signed, sent and replayed byte for byte, and means the same
 * to every later reader: strict UTF-8 and RFC 8259, no key twice, no text PostgreSQL cannot hold, bounded nesting.
 *
 * The usual body is read by `JSON.parse`, and one scan of the text beside it decides whether it passes. Every other body
 * goes to `readJson`, which is slow and strict: one that is refused, to learn why and where, and one that has a key with an
 * escape in it. `JSON.parse` of Node 24 (V8 13.6; nodejs/node#63785) gives such a key the name of another, `"\n"` that of
 * `"\\"`, once any earlier text of the process had an object with that other key in the same place: one company could
 * change what another's keys are read as.
 */
import { isUtf8 } from 'node:buffer'
import { hasUnstorableEscape, scanOutline, type Outline, type TextSpan } from './json-outline.ts'
import { readJson } from './json-reader.ts'
import { ProblemError } from './problems.ts'

export const defaultMaxDepth = 64

export interface JsonBodyOptions {
  /** How many objects and arrays may lie in one another, the outermost one counted. At most 1,000; 64 when not given. */
  readonly maxDepth?: number
  /** The member whose values' places in the text are wanted. */
  readonly member?: string
  /** 1 (when not given): a member of the body itself. 3: of each element of the array in the body's member `events`. */
  readonly depth?: 1 | 3
}

export interface JsonBody {
  /** A key `__proto__` is an ordinary own property here: harmless to read, never to be copied by assignment. */
  readonly value: unknown
  readonly text: string
  /**
   * Depth 1: one entry. Depth 3: one entry per element of `events`, none when `events` is not an array. An entry is
   * undefined where there is no such member. Empty when no `member` was asked for.
   */
  readonly spans: readonly (TextSpan | undefined)[]
}

/** Throws `ProblemError` with the code malformed_json, nesting_too_deep, duplicate_key or unstorable_text, one fault each. */
export function parseJsonBody(bytes: Buffer, options: JsonBodyOptions = {}): JsonBody {
  const { maxDepth = defaultMaxDepth, member, depth = 1 } = options
  const text = decode(bytes)
  const outline = scanOutline(text, maxDepth, member, depth)
  const value = parsePlain(text, outline) ?? readStrictly(text, maxDepth)
  return { value, text, spans: member === undefined ? [] : spansInOrder(outline.spans, value, depth) }
}

/** The value of a text that passed `parseJsonBody` before; use it, and not `JSON.parse`, on every stored payload. */
export function parseStoredJson(text: string): unknown {
  if (!text.includes('\\')) return JSON.parse(text)
  const outline = scanOutline(text, Number.POSITIVE_INFINITY, undefined, 1)
  return outline.hasEscapedKey ? readStrictly(text, Number.POSITIVE_INFINITY) : JSON.parse(text)
}

/** The value of a text that passes and that `JSON.parse` reads correctly; undefined for every other one. */
function parsePlain(text: string, outline: Outline): unknown {
  if (outline.isTooDeep || outline.hasEscapedKey) return undefined
  try {
    const value: unknown = JSON.parse(text)
    // A key named twice is one member in the value and two in the text.
    return outline.members === countMembers(value) && !hasUnstorableEscape(text) ? value : undefined
  } catch {
    return undefined
  }
}

function readStrictly(text: string, maxDepth: number): unknown {
  const { fault, value } = readJson(text, maxDepth)
  if (fault !== undefined) throw new ProblemError(fault.code, fault.message, [fault])
  return value
}

function decode(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw malformed(`The body is not UTF-8: byte ${offsetOfInvalidUtf8(bytes)} is wrong`)
  const text = bytes.toString('utf8')
  if (text.charCodeAt(0) === 0xfeff) throw malformed('The body begins with a byte order mark')
  return text
}

function malformed(message: string): ProblemError {
  return new ProblemError('malformed_json', message, [{ pointer: '', code: 'malformed_json', message }])
}

/** Decoding replaces what is not UTF-8 by U+FFFD, so encoding again differs first where the fault is. */
function offsetOfInvalidUtf8(bytes: Buffer): number {
  const replaced = Buffer.from(bytes.toString('utf8'))
  let offset = 0
  while (offset < bytes.length && bytes[offset] === replaced[offset]) offset++
  return offset
}

function spansInOrder(sparse: Outline['spans'], value: unknown, depth: 1 | 3): (TextSpan | undefined)[] {
  if (depth === 1) return [sparse[0]]
  const events = isObject(value) ? value['events'] : undefined
  return Array.isArray(events) ? Array.from(events, (_, index) => sparse[index]) : []
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const children = Array.isArray(value) ? value : Object.values(value)
  let members = Array.isArray(value) ? 0 : children.length
  for (const child of children) if (typeof child === 'object') members += countMembers(child)
  return members
}
