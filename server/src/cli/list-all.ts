import type { RequestOptions } from '@daybook/sdk'
import type { Read } from './connection.ts'

interface Page<Item> {
  readonly data: readonly Item[]
  readonly next_cursor: string | null
}

/** The most that the server gives at once. */
const pageRows = 200

/** The first `limit` items of a list of the interface, over as many pages as it takes. */
export async function* listAll<Item>(
  read: Read,
  path: string,
  query: NonNullable<RequestOptions['query']> = {},
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<Item, void> {
  let cursor: string | undefined
  for (let left = limit; left > 0;) {
    const page = await read<Page<Item>>(path, { ...query, limit: Math.min(left, pageRows), cursor })
    yield* page.data
    left -= page.data.length
    if (page.next_cursor === null) return
    cursor = page.next_cursor
  }
}
