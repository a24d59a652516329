import type { Db } from '../../src/db/statement.ts'

/** Runs a statement of a test and gives its rows. */
export async function sql<Row>(db: Db, text: string, values: readonly unknown[] = []): Promise<Row[]> {
  return (await db.query<Row>({ name: '', text, values })).rows
}

/** The one value of the one row, such as a count. */
export async function sqlValue<Value>(db: Db, text: string, values: readonly unknown[] = []): Promise<Value> {
  const [row] = await sql<Record<string, Value>>(db, text, values)
  const [value] = Object.values(row ?? {})
  if (value === undefined) throw new Error(`No row: ${text}`)
  return value
}
