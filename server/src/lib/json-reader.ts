/**
 * A strict reader of JSON (RFC 8259) in plain code, for what `JSON.parse` cannot do: tell where and why a text is refused
 * without quoting it, find keys named twice and text that cannot be stored, and read keys with escapes correctly (see
 * `json-text.ts`). Some ten times slower than `JSON.parse`, linear in the text, and so kept for the bodies that need it.
 */
import { escapePointerToken } from './json-pointer.ts'
import type { Fault } from './problems.ts'

export interface JsonFault extends Fault {
  readonly code: 'malformed_json' | 'nesting_too_deep' | 'duplicate_key' | 'unstorable_text'
}

export type JsonReading =
  | { readonly value: unknown; readonly fault?: never }
  | { readonly value?: never; readonly fault: JsonFault }

/**
 * A text that is not JSON, or too deep, is that before anything else; otherwise the first fault in reading order is given.
 * Messages hold no character of the text; pointers hold its keys. Recurses at most `maxDepth` + 1 times.
 */
export function readJson(text: string, maxDepth: number): JsonReading {
  const reader: Reader = { text, maxDepth, at: 0, path: [], contentFault: undefined }
  try {
    const value = readValue(reader)
    skipWhiteSpace(reader)
    if (reader.at < text.length) throw unexpected(reader)
    return reader.contentFault === undefined ? { value } : { fault: reader.contentFault }
  } catch (error) {
    if (error instanceof ReadingStopped) return { fault: error.fault }
    throw error
  }
}

interface Reader {
  readonly text: string
  readonly maxDepth: number
  /** Keys and indexes that lead to the value being read. */
  readonly path: (string | number)[]
  at: number
  contentFault: JsonFault | undefined
}

class ReadingStopped extends Error {
  readonly fault: JsonFault

  constructor(fault: JsonFault) {
    super(fault.message)
    this.fault = fault
  }
}

function readValue(reader: Reader): unknown {
  skipWhiteSpace(reader)
  switch (peek(reader)) {
    case '{':
      return readObject(reader)
    case '[':
      return readArray(reader)
    case '"':
      return checkStorable(reader, readString(reader), 'This text')
    case 't':
      return readLiteral(reader, 'true', true)
    case 'f':
      return readLiteral(reader, 'false', false)
    case 'n':
      return readLiteral(reader, 'null', null)
    default:
      return readNumber(reader)
  }
}

function readObject(reader: Reader): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  readList(reader, '}', () => {
    skipWhiteSpace(reader)
    // A pointer that ended in this key could not be stored either, so it names the object.
    const key = checkStorable(reader, readString(reader), 'A key of this object')
    skipWhiteSpace(reader)
    expect(reader, ':')
    reader.path.push(key)
    if (Object.hasOwn(object, key)) noteContentFault(reader, 'duplicate_key', 'This key stands twice in its object')
    setOwn(object, key, readValue(reader))
    reader.path.pop()
  })
  return object
}

/** As JSON.parse does it: assigned, `__proto__` would be the prototype and no property. */
function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
  } else {
    object[key] = value
  }
}

function readArray(reader: Reader): unknown[] {
  const items: unknown[] = []
  readList(reader, ']', () => {
    reader.path.push(items.length)
    items.push(readValue(reader))
    reader.path.pop()
  })
  return items
}

/** The brackets and commas around items. The path has one entry for each container that is open already. */
function readList(reader: Reader, close: string, readItem: () => void): void {
  if (reader.path.length >= reader.maxDepth) {
    const message = `Objects and arrays may lie ${reader.maxDepth} deep in one another, this one lies deeper`
    throw new ReadingStopped({ pointer: pointerOf(reader), code: 'nesting_too_deep', message })
  }
  reader.at++
  skipWhiteSpace(reader)
  if (peek(reader) !== close) {
    readItem()
    skipWhiteSpace(reader)
    while (peek(reader) === ',') {
      reader.at++
      readItem()
      skipWhiteSpace(reader)
    }
  }
  expect(reader, close)
}

/** Gives the text with its escapes resolved. */
function readString(reader: Reader): string {
  const start = reader.at
  expect(reader, '"')
  let hasEscape = false
  while (peek(reader) !== '"') {
    if (peek(reader) < ' ') throw unexpected(reader) // a control character, or the end of the text
    if (peek(reader) === '\\') {
      skipEscape(reader)
      hasEscape = true
    } else {
      reader.at++
    }
  }
  reader.at++
  if (!hasEscape) return reader.text.slice(start + 1, reader.at - 1)
  return String(JSON.parse(reader.text.slice(start, reader.at)))
}

function skipEscape(reader: Reader): void {
  reader.at++
  const letter = peek(reader)
  if (letter === '' || !'"\\/bfnrtu'.includes(letter)) throw unexpected(reader)
  reader.at++
  if (letter !== 'u') return
  for (let digit = 0; digit < 4; digit++) {
    if (!/^[0-9a-fA-F]$/.test(peek(reader))) throw unexpected(reader)
    reader.at++
  }
}

function readNumber(reader: Reader): number {
  const start = reader.at
  if (peek(reader) === '-') reader.at++
  if (peek(reader) === '0') reader.at++
  else skipDigits(reader)
  if (peek(reader) === '.') {
    reader.at++
    skipDigits(reader)
  }
  if (peek(reader) === 'e' || peek(reader) === 'E') {
    reader.at++
    if (peek(reader) === '+' || peek(reader) === '-') reader.at++
    skipDigits(reader)
  }
  return Number(reader.text.slice(start, reader.at))
}

function skipDigits(reader: Reader): void {
  if (!isDigit(peek(reader))) throw unexpected(reader)
  while (isDigit(peek(reader))) reader.at++
}

function isDigit(character: string): boolean {
  return character >= '0' && character <= '9'
}

function readLiteral<Value>(reader: Reader, literal: string, value: Value): Value {
  for (const character of literal) expect(reader, character)
  return value
}

/** The next UTF-16 unit; empty at the end of the text. */
function peek(reader: Reader): string {
  return reader.text.charAt(reader.at)
}

function expect(reader: Reader, character: string): void {
  if (peek(reader) !== character) throw unexpected(reader)
  reader.at++
}

function skipWhiteSpace(reader: Reader): void {
  while (reader.at < reader.text.length && ' \n\r\t'.includes(peek(reader))) reader.at++
}

function checkStorable(reader: Reader, text: string, subject: string): string {
  if (text.includes('\0')) {
    noteContentFault(reader, 'unstorable_text', `${subject} holds U+0000, which cannot be stored`)
  } else if (!text.isWellFormed()) {
    noteContentFault(reader, 'unstorable_text', `${subject} holds half a surrogate pair, which is not a character`)
  }
  return text
}

function noteContentFault(reader: Reader, code: JsonFault['code'], message: string): void {
  reader.contentFault ??= { pointer: pointerOf(reader), code, message }
}

function unexpected(reader: Reader): ReadingStopped {
  const lines = reader.text.slice(0, reader.at).split('\n')
  const place = `line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1}`
  const message =
    reader.at < reader.text.length
      ? `The body is not valid JSON: the character at ${place} does not belong there`
      : `The body is not valid JSON: it ends too early, at ${place}`
  return new ReadingStopped({ pointer: '', code: 'malformed_json', message })
}

function pointerOf(reader: Reader): string {
  return reader.path.map((token) => `/${escapePointerToken(String(token))}`).join('')
}
