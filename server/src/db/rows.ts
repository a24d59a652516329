/**
 * Rows as parameters: one array per column, opened by `unnest`. The statement's text is the same for any number of rows,
 * texts and bytes go through untouched, and it is the cheapest form PostgreSQL has for it but COPY (docs/adr/0004). The
 * only place that knows this form.
 */
export interface RowShape<Item> {
  /**
   * What a statement reads the rows from, as `x`: `unnest($1::uuid[], ...) as x(company_id, ...)`.
   * @param first number of the first parameter
   */
  from(first?: number): string
  /** The parameters. Members are texts, numbers, booleans, bytes; one that is undefined or null is null. */
  values(items: readonly Item[]): readonly string[]
}

/**
 * A column's type and its value for an item. The type `json` is for JSON texts: `text` in the statement, and cheaper than
 * that, because what separates them needs no escaping.
 */
type Column<Item> = readonly [type: string, value: (item: Item, index: number) => unknown]

/** @param columns in order */
export function rowShape<Item>(columns: Readonly<Record<string, Column<Item>>>): RowShape<Item> {
  const entries = Object.entries(columns)
  return {
    from: (first = 1) => {
      const arrays = entries.map(([, [type]], index) => arrayOf(type, first + index))
      return `unnest(${arrays.join(', ')}) as x(${Object.keys(columns).join(', ')})`
    },
    values: (items) =>
      entries.map(([, [type, value]]) => (type === 'json' ? jsonTexts(items, value) : arrayText(items, value))),
  }
}

function arrayOf(type: string, parameter: number): string {
  return type === 'json' ? `string_to_array($${parameter}, E'\\x1e', '')` : `$${parameter}::${type}[]`
}

/**
 * The text form of an array: `{1,NULL,"a \\"b\\""}` (PostgreSQL, Arrays, section 8.15.6). Written here and not by the driver,
 * which escapes every element, numbers and ids too; this is the hottest code of the engine outside the network.
 */
function arrayText<Item>(items: readonly Item[], value: (item: Item, index: number) => unknown): string {
  return `{${items.map((item, index) => element(value(item, index))).join(',')}}`
}

function element(value: unknown): string {
  if (value === undefined || value === null) return 'NULL'
  if (typeof value === 'string') return plain.test(value) ? value : `"${value.replace(special, '\\$&')}"`
  if (Buffer.isBuffer(value)) return `"\\\\x${value.toString('hex')}"`
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new TypeError(`A ${typeof value} cannot be an element of an array`)
}

/** Texts that need no quotes: ids, times, names. The word NULL would be read as null. */
const plain = /^(?!null$)[\w:.+-]+$/i

const special = /["\\]/g

/** A control character, which JSON has only in its escaped form. Nothing between two of them is null. */
const SEPARATOR = '\u001E'

function jsonTexts<Item>(items: readonly Item[], value: (item: Item, index: number) => unknown): string {
  const texts = items.map((item, index) => {
    const text = value(item, index)
    if (text === undefined || text === null) return ''
    if (typeof text === 'string' && text !== '' && !text.includes(SEPARATOR)) return text
    throw new TypeError('Not a JSON text')
  })
  return texts.join(SEPARATOR)
}
