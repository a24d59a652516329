/**
 * Statements: SQL written by hand, named, with parameters only.
 *
 * A statement's name is its name on the server too, so it is parsed once per connection. Each one enters a list when its
 * module is loaded (the one piece of state that modules share); a test prepares the whole list against the migrated schema
 * and checks what can be read from the text.
 */

/** Where a statement runs: a pool (any connection, own transaction) or one connection inside a transaction. */
export interface Db {
  query<Row>(query: Query): Promise<{ readonly rows: Row[]; readonly rowCount: number | null }>
}

export interface Query {
  readonly name: string
  readonly text: string
  readonly values: readonly unknown[]
}

export interface Statement {
  readonly name: string
  readonly text: string
}

const registered = new Map<string, Statement>()

/** All statements of the modules loaded so far. */
export function registeredStatements(): readonly Statement[] {
  return [...registered.values()]
}

/**
 * Declares a statement and gives the function that runs it and answers with its rows.
 * Names are `<subject>.<what>`, at most 63 bytes, and unique.
 */
export function statement<Parameters extends readonly unknown[], Row = never>(
  name: string,
  text: string,
): (db: Db, ...parameters: Parameters) => Promise<Row[]> {
  if (registered.has(name)) throw new Error(`Two statements are named ${name}`)
  registered.set(name, { name, text })
  return async (db, ...values) => (await db.query<Row>({ name, text, values })).rows
}

/** Like {@link statement}, for one that returns no rows: answers with the number of rows it touched. */
export function command<Parameters extends readonly unknown[]>(
  name: string,
  text: string,
): (db: Db, ...parameters: Parameters) => Promise<number> {
  if (registered.has(name)) throw new Error(`Two statements are named ${name}`)
  registered.set(name, { name, text })
  return async (db, ...values) => (await db.query({ name, text, values })).rowCount ?? 0
}
