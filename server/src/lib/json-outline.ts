/** Half open, in UTF-16 units of the text; without the white space around the value. */
export interface TextSpan {
  readonly start: number
  readonly end: number
}

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const openBracket = 0x5b
const backslash = 0x5c
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

export interface Outline {
  isTooDeep: boolean
  hasEscapedKey: boolean
  /** Members of all objects together. */
  members: number
  /** By index of the element; sparse. */
  readonly spans: (TextSpan | undefined)[]
}

/**
 * One pass over a text that is not yet known to be JSON: it ends on any text, at once when that is too deep, and what it
 * says holds if the text is JSON. Time is linear in the text, memory in the number of spans.
 */
export function scanOutline(text: string, maxDepth: number, member: string | undefined, memberDepth: 1 | 3): Outline {
  const outline: Outline = { isTooDeep: false, hasEscapedKey: false, members: 0, spans: [] }
  let depth = 0
  let stringStart = 0
  let stringEnd = 0
  let insideEvents = memberDepth === 1
  let element = 0
  let valueStart = -1
  let nextBackslash = indexOrEnd(text, '\\', 0)
  const endValue = (end: number) => {
    if (depth !== memberDepth || valueStart < 0) return
    outline.spans[element] = trimmed(text, valueStart, end)
    valueStart = -1
  }
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quote:
        stringStart = at + 1
        stringEnd = endOfString(text, stringStart)
        at = stringEnd
        break
      case colon:
        outline.members++
        if (nextBackslash < stringStart) nextBackslash = indexOrEnd(text, '\\', stringStart)
        if (nextBackslash < stringEnd) outline.hasEscapedKey = true
        if (member === undefined || depth > memberDepth) break
        if (depth === memberDepth) {
          if (insideEvents && isKey(text, stringStart, stringEnd, member)) valueStart = at + 1
        } else if (depth === 1) {
          insideEvents = isKey(text, stringStart, stringEnd, 'events')
        }
        break
      case comma:
        endValue(at)
        if (depth === 2 && memberDepth === 3 && insideEvents) element++
        break
      case openBrace:
      case openBracket:
        depth++
        if (depth <= maxDepth) break
        outline.isTooDeep = true
        return outline
      case closeBrace:
      case closeBracket:
        endValue(at)
        depth--
        break
      default:
    }
  }
  return outline
}

/** Where the quote stands that closes the string with its first character at `start`; the text's end if there is none. */
function endOfString(text: string, start: number): number {
  let end = indexOrEnd(text, '"', start)
  while (end < text.length && isEscaped(text, end)) end = indexOrEnd(text, '"', end + 1)
  return end
}

/** Whether an odd number of backslashes stands before; each is looked at once, as they end at the quote before. */
function isEscaped(text: string, at: number): boolean {
  let first = at
  while (text.charCodeAt(first - 1) === backslash) first--
  return (at - first) % 2 === 1
}

function indexOrEnd(text: string, character: string, from: number): number {
  const index = text.indexOf(character, from)
  return index < 0 ? text.length : index
}

function isKey(text: string, start: number, end: number, name: string): boolean {
  if (end - start === name.length) return text.startsWith(name, start)
  const raw = text.slice(start, end)
  if (!raw.includes('\\')) return false
  try {
    return JSON.parse(`"${raw}"`) === name
  } catch {
    return false // not a JSON string, so the text will be refused
  }
}

function trimmed(text: string, from: number, to: number): TextSpan {
  let start = from
  let end = to
  while (isWhiteSpace(text.charCodeAt(start))) start++
  while (end > start && isWhiteSpace(text.charCodeAt(end - 1))) end--
  return { start, end }
}

function isWhiteSpace(unit: number): boolean {
  return unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09
}

/** In a valid JSON text decoded from UTF-8 only escapes can make U+0000 or a lone surrogate. */
export function hasUnstorableEscape(text: string): boolean {
  for (let at = text.indexOf('\\'); at >= 0; at = text.indexOf('\\', at)) {
    if (text.startsWith('u0000', at + 1)) return true
    if (!isSurrogateEscape(text, at, '89abAB')) {
      if (isSurrogateEscape(text, at, 'cdefCDEF')) return true
      at += 2
    } else {
      if (!isSurrogateEscape(text, at + 6, 'cdefCDEF')) return true
      at += 12
    }
  }
  return false
}

/** An escape `\udXyz` whose second hexadecimal digit X is one of `digits`: 8 to b for a high half, c to f for a low one. */
function isSurrogateEscape(text: string, at: number, digits: string): boolean {
  if (text.charCodeAt(at + 1) !== 0x75 || text.charCodeAt(at) !== backslash) return false
  return (text.charCodeAt(at + 2) | 0x20) === 0x64 && digits.includes(text.charAt(at + 3))
}
