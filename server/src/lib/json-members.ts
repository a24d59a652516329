/**
 * The members of an object, each with its value as it is written; undefined for a text that is no object. The text has
 * to be JSON: what came through the door of `json-text.ts`. Of a key that stands twice the last counts.
 */
export function jsonMembers(text: string): ReadonlyMap<string, string> | undefined {
  let at = skipBlank(text, 0)
  if (text[at] !== '{') return undefined
  const members = new Map<string, string>()
  at = skipBlank(text, at + 1)
  while (text[at] === '"') {
    const keyEnd = endOfText(text, at)
    const key = String(JSON.parse(text.slice(at, keyEnd)))
    const start = skipBlank(text, skipBlank(text, keyEnd) + 1) // behind the colon
    const end = endOfValue(text, start)
    members.set(key, text.slice(start, end))
    at = skipBlank(text, end)
    if (text[at] === ',') at = skipBlank(text, at + 1)
  }
  return members
}

function skipBlank(text: string, from: number): number {
  let at = from
  while (at < text.length && ' \t\r\n'.includes(text.charAt(at))) at++
  return at
}

/** @param start of the opening quote */
function endOfText(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

function endOfValue(text: string, start: number): number {
  let depth = 0
  let at = start
  while (at < text.length) {
    const character = text.charAt(at)
    if (character === '"') {
      at = endOfText(text, at)
      if (depth === 0) return at
      continue
    }
    if (depth === 0 && ',} \t\r\n'.includes(character)) return at
    if (character === '{' || character === '[') depth++
    at++
    if ((character === '}' || character === ']') && --depth === 0) return at
  }
  return at
}
