import { Type } from 'typebox'
import type { TSchema } from 'typebox'

/** The query members of every list. */
export const pageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  cursor: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1_000,
      description: 'The `next_cursor` of the page before, with the same filters',
    }),
  ),
}

export function page<Schema extends TSchema>(item: Schema) {
  return Type.Object(
    {
      data: Type.Array(item),
      next_cursor: Type.Union([Type.String(), Type.Null()], { description: 'Null on the last page' }),
    },
    { description: 'A page of the list' },
  )
}

/** The query members of lists that can be cut by time. */
export const timeQuery = {
  from: Type.Optional(
    Type.String({
      maxLength: 64,
      description: 'RFC 3339 with an offset, or relative: `-90s`, `-30m`, `-24h`, `-7d`, `now`',
    }),
  ),
  to: Type.Optional(Type.String({ maxLength: 64, description: 'Like `from`; itself not included' })),
}
