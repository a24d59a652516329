import { csvLine } from '../lib/csv.ts'
import { oneLineJson } from '../lib/one-line-json.ts'
import type { ExportFormat } from './send-export.ts'

/** Of a CSV. What has parts has a column for each; a list is JSON. */
export type Column<Item> = readonly [name: string, value: (item: Item) => string | number | boolean | null | undefined]

/** Pages of things as text, one for each; in CSV the line of the columns comes first. */
export async function* exportTexts<Item>(
  pages: AsyncIterable<readonly Item[]>,
  format: ExportFormat,
  columns: readonly Column<Item>[],
  jsonOf: (item: Item) => string,
): AsyncGenerator<string> {
  const lineOf = (item: Item): string =>
    format === 'csv' ? csvLine(columns.map(([, value]) => value(item))) : `${oneLineJson(jsonOf(item))}\n`
  let head = format === 'csv' ? csvLine(columns.map(([name]) => name)) : ''
  for await (const items of pages) {
    yield head + items.map(lineOf).join('')
    head = ''
  }
}
