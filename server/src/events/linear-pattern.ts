import { RE2JS } from 're2js'

export interface LinearPattern {
  test(text: string): boolean
  /** Instructions of its program; what a character may cost grows with it. */
  readonly size: number
}

/**
 * A pattern as JSON Schema writes it, ECMA-262 with the `u` flag, on RE2: its time is linear in the length of the text. Throws
 * for what RE2 does not know: look-around, back-references, very large repetitions.
 */
export function compileLinearPattern(pattern: string): LinearPattern {
  const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern))
  return { test: (text) => compiled.test(text), size: compiled.programSize() }
}
