import type { RequestOptions } from '@daybook/sdk'
import type { Read } from './connection.ts'
import { listAll } from './list-all.ts'
import type { Column } from './table.ts'
import { tableText } from './table.ts'
import type { Terminal } from './terminal.ts'
import { say, sayJson } from './terminal.ts'

interface List<Row> {
  readonly path: string
  readonly query?: NonNullable<RequestOptions['query']>
  readonly limit?: number
  readonly columns: readonly Column<Row>[]
  /** Said instead of an empty table. */
  readonly none: string
}

/** A list as a table, or with `json` one document per line as they come. */
export async function showList<Row>(terminal: Terminal, read: Read, json: boolean, list: List<Row>): Promise<void> {
  const items = listAll<Row>(read, list.path, list.query, list.limit)
  if (json) {
    for await (const item of items) sayJson(terminal, item)
    return
  }
  const rows: Row[] = []
  for await (const item of items) rows.push(item)
  say(terminal, rows.length === 0 ? list.none : tableText(terminal.stdout, list.columns, rows))
}
