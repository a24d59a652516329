import { paint } from './paint.ts'

export interface Column<Row> {
  readonly title: string
  readonly value: (row: Row) => string | number | null | undefined
}

/** Rows under their titles, columns two spaces apart, no spaces at the ends of lines. */
export function tableText<Row>(
  stream: NodeJS.WritableStream,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): string {
  const cells = rows.map((row) => columns.map(({ value }) => oneLine(value(row))))
  const widths = columns.map(({ title }, at) => Math.max(title.length, ...cells.map((line) => line[at]?.length ?? 0)))
  const layOut = (line: readonly string[]): string =>
    line
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd()
  const titles = layOut(columns.map(({ title }) => title))
  return [paint(stream, 'bold', titles), ...cells.map(layOut)].join('\n')
}

/** The members of one thing, a line each; lists with commas, what is absent as `-`. */
export function recordText(stream: NodeJS.WritableStream, record: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(record)
  const width = Math.max(0, ...entries.map(([name]) => name.length))
  return entries
    .map(([name, value]) => `${paint(stream, 'dim', name.padEnd(width))}  ${oneLine(describe(value))}`)
    .join('\n')
}

function describe(value: unknown): string | number | null | undefined {
  if (value === null || value === undefined || typeof value === 'string' || typeof value === 'number') return value
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value.join(', ')
  return JSON.stringify(value)
}

function oneLine(value: string | number | null | undefined): string {
  return value === null || value === undefined || value === '' ? '-' : visible(String(value)).replaceAll('\n', '�')
}

/** What others wrote must not steer the terminal: control characters, but for line ends, are shown as `�`. */
export function visible(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n]/gu, '�')
}
