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
  /** The parameters. A member that is undefined or null is null. */
  values(rows: readonly Readonly<Record<Column, unknown>>[]): readonly unknown[][]
}

/** @param types columns and their types, in order */
export function rowShape<Column extends string>(types: Readonly<Record<Column, string>>): RowShape<Column> {
  const columns = Object.keys(types) as Column[]
  return {
    from: (first = 1) => {
      const arrays = columns.map((column, index) => `$${first + index}::${types[column]}[]`)
      return `unnest(${arrays.join(', ')}) as x(${columns.join(', ')})`
    },
    values: (rows) => columns.map((column) => rows.map((row) => row[column] ?? null)),
  }
}
