import type { PageRequest } from '../lib/cursor.ts'
import { decodeCursor, encodeCursor, pageRows } from '../lib/cursor.ts'

/**
 * A page of a list whose order is that of ids, newest first. `list` gives up to so many rows after the id; one more than
 * the page holds is asked for, to know whether another page follows.
 */
export async function pageById<Row extends { readonly id: string }, Answer>(
  kind: string,
  request: PageRequest,
  list: (before: string | null, limit: number) => Promise<readonly Row[]>,
  answer: (row: Row) => Answer,
): Promise<{ data: Answer[]; next_cursor: string | null }> {
  const limit = pageRows(request)
  const [before = null] = request.cursor === undefined ? [] : decodeCursor(kind, request.cursor, ['uuid'])
  const rows = await list(before, limit + 1)
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const next_cursor = rows.length > limit && last ? encodeCursor(kind, [last.id]) : null
  return { data: shown.map(answer), next_cursor }
}
