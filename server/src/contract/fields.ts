/** The small shapes that the larger ones are made of. */
import { Type } from 'typebox'
import type { TSchema } from 'typebox'

export const Id = Type.String({ format: 'uuid', description: 'UUID, in lower case' })

export const Time = Type.String({ format: 'date-time', description: 'RFC 3339, in UTC with milliseconds' })

export function nullable<Schema extends TSchema>(schema: Schema) {
  return Type.Union([schema, Type.Null()])
}

/** What a request names a kind of thing by: `appointment`, `crm.contact`. */
export const TypeName = Type.String({ pattern: '^[a-z][a-z0-9_.-]{0,63}$', examples: ['appointment'] })

/** Ids of other systems: text, or a whole number that every JSON reader reads the same. The answer always has text. */
export const GivenId = Type.Unsafe<string | number>({
  type: ['string', 'integer'],
  minLength: 1,
  maxLength: 200,
  minimum: Number.MIN_SAFE_INTEGER,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'Text or a whole number; the number 123 and the text "123" are the same',
})

export const ShortText = Type.String({ minLength: 1, maxLength: 200 })

export const EntityRef = Type.Object({ type: Type.String(), id: Type.String() })

export const Actor = Type.Object({ type: Type.String(), id: Type.String(), name: Type.Optional(Type.String()) })

/** The path member of routes about one thing. Its form is not checked here: what is no id is answered as not found. */
export const IdPath = Type.Object({ id: Type.String({ description: 'UUID' }) })

export const NoContent = Type.Null({ description: 'Done; no content' })
