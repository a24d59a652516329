declare global {
  interface JSON {
    /** ECMAScript 2026: a value that JSON.stringify writes as this text. */
    rawJSON(text: string): unknown
  }
}

/**
 * Parses JSON so that JSON.stringify writes every number as it stood. A number that it would write otherwise, as `1.50` or an
 * id of twenty digits, is not a `number` in the result but an object that stands for its text. Throws a SyntaxError if the
 * text is not JSON; nothing checks that it is a `T`.
 */
export function parseExactJson<T>(text: string): T {
  const keepNumber = (_key: string, value: unknown, context?: { readonly source?: string }): unknown => {
    const source = context?.source
    return typeof value !== 'number' || source === undefined || JSON.stringify(value) === source
      ? value
      : JSON.rawJSON(source)
  }
  return JSON.parse(text, keepNumber)
}
