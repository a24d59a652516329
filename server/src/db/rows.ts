/**
 * Rows as parameters: one array per column, opened by `unnest`. The statement's text is the same for any number of rows,
 * texts and bytes go through untouched, and it is the cheapest form PostgreSQL has for it but COPY (docs/adr/0004). The
 * only place that knows this form.
 */
export interface RowShape<Column extends string> {
  /**
   * What a statement reads the rows from, as `x`: `unnest($1::uuid[], ...) as x(company_id, ...)`.
   * @param first number of the first parameter
   */
  from(first?: number): string
  /** The parameters. Members are texts, numbers, booleans, bytes; one that is undefined or null is null. */
  values(rows: readonly Readonly<Record<Column, unknown>>[]): readonly string[]
}

/** @param types columns and their types, in order */
export function rowShape<Column extends string>(types: Readonly<Record<Column, string>>): RowShape<Column> {
  const columns = Object.keys(types) as Column[]
  return {
    from: (first = 1) => {
      const arrays = columns.map((column, index) => `$${first + index}::${types[column]}[]`)
      return `unnest(${arrays.join(', ')}) as x(${columns.join(', ')})`
    },
    values: (rows) => columns.map((column) => arrayText(rows, column)),
  }
}

/**
 * The text form of an array: `{1,NULL,"a \\"b\\""}` (PostgreSQL, Arrays, section 8.15.6). Written here and not by the driver,
 * which escapes every element, numbers and ids too; this is the hottest code of the engine outside the network.
 */
function arrayText<Column extends string>(rows: readonly Readonly<Record<Column, unknown>>[], column: Column): string {
  let text = '{'
  for (const row of rows) {
    const value: unknown = row[column]
    if (text.length > 1) text += ','
    if (value === undefined || value === null) text += 'NULL'
    else if (typeof value === 'string') text += plain.test(value) ? value : quote(value)
    else if (Buffer.isBuffer(value)) text += `"\\\\x${value.toString('hex')}"`
    else if (typeof value === 'number' || typeof value === 'boolean') text += String(value)
    else throw new TypeError(`A ${typeof value} cannot be an element of an array`)
  }
  return `${text}}`
}

/** Texts that need no quotes: ids, times, names. The word NULL would be read as null. */
const plain = /^(?!null$)[\w:.+-]+$/i

const special = /["\\]/g

function quote(text: string): string {
  return `"${text.replace(special, '\\$&')}"`
}
