/** The place of a value in a JSON text. */
interface Reading<Value> {
  readonly value: Value
  readonly end: number
}

/**
 * What `JSON.parse` should give. V8 up to 13.6 (Node 24; nodejs/node#63785) may give a key with an escape in it the name of
 * another key, one that an earlier text had in the same place; so a text with such a key is read here. Throws a SyntaxError
 * if the text is not JSON.
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  return hasEscapedKey(text) ? readValue(text, skipBlanks(text, 0)).value : value
}

/**
 * The text of a member of a JSON object, as it stands there; undefined where there is none. The last one counts. The text
 * must be an object in JSON, which `parseJson` finds out.
 */
export function memberText(text: string, name: string): string | undefined {
  let found: string | undefined
  let at = skipBlanks(text, skipBlanks(text, 0) + 1)
  while (text[at] !== '}' && at < text.length) {
    const key = readString(text, at)
    const start = skipBlanks(text, skipBlanks(text, key.end) + 1)
    const { end } = readValue(text, start)
    if (key.value === name) found = text.slice(start, end)
    at = skipComma(text, end)
  }
  return found
}

/** A string that ends in a colon is a key; one with a backslash in it has an escape. */
function hasEscapedKey(text: string): boolean {
  if (!text.includes('\\')) return false
  for (const [token] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"[ \t\n\r]*:?/g)) {
    if (token.endsWith(':') && token.includes('\\')) return true
  }
  return false
}

/** From here on the text is known to be JSON, so that nothing has to be checked. */
function readValue(text: string, start: number): Reading<unknown> {
  if (text[start] === '{') return readObject(text, start)
  if (text[start] === '[') return readArray(text, start)
  if (text[start] === '"') return readString(text, start)
  const end = endOf(/[-+.\w]+/y, text, start)
  return { value: JSON.parse(text.slice(start, end)), end }
}

function readObject(text: string, start: number): Reading<object> {
  const value = {}
  let at = skipBlanks(text, start + 1)
  while (text[at] !== '}') {
    const key = readString(text, at)
    const member = readValue(text, skipBlanks(text, skipBlanks(text, key.end) + 1))
    // Not by assignment: `__proto__` is an ordinary key.
    const own = { value: member.value, enumerable: true, configurable: true, writable: true }
    Object.defineProperty(value, key.value, own)
    at = skipComma(text, member.end)
  }
  return { value, end: at + 1 }
}

function readArray(text: string, start: number): Reading<unknown[]> {
  const value: unknown[] = []
  let at = skipBlanks(text, start + 1)
  while (text[at] !== ']') {
    const element = readValue(text, at)
    value.push(element.value)
    at = skipComma(text, element.end)
  }
  return { value, end: at + 1 }
}

function readString(text: string, start: number): Reading<string> {
  const end = endOf(/"[^"\\]*(?:\\.[^"\\]*)*"/y, text, start)
  return { value: JSON.parse(text.slice(start, end)), end }
}

function skipComma(text: string, at: number): number {
  const next = skipBlanks(text, at)
  return text[next] === ',' ? skipBlanks(text, next + 1) : next
}

function skipBlanks(text: string, at: number): number {
  return endOf(/[ \t\n\r]*/y, text, at)
}

function endOf(form: RegExp, text: string, at: number): number {
  form.lastIndex = at
  if (!form.test(text)) throw new SyntaxError(`no JSON at ${at}`)
  return form.lastIndex
}
