type QueryValue = string | number | boolean | Date | Readonly<Record<string, unknown>>

/** A list is sent as one parameter per value, a date as RFC 3339, an object as JSON; undefined is left out. */
export type Query = Readonly<Record<string, QueryValue | readonly QueryValue[] | undefined>>

/** With its question mark, or empty. */
export function queryText(query: Query = {}): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue
    for (const one of isList(value) ? value : [value]) parameters.append(name, textOf(one))
  }
  const text = parameters.toString()
  return text === '' ? '' : `?${text}`
}

function textOf(value: QueryValue): string {
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function isList(value: QueryValue | readonly QueryValue[]): value is readonly QueryValue[] {
  return Array.isArray(value)
}
