import { Type } from 'typebox'
import type { Static, TSchema, TUnsafe } from 'typebox'

/** A schema that stands once in the OpenAPI document, under its name, and is referred to everywhere else. */
export interface Component<Schema extends TSchema = TSchema> {
  readonly schema: Schema & { readonly $id: string }
  readonly ref: TUnsafe<Static<Schema>>
}

/** The description is also that of responses which consist of the schema. */
export function component<Schema extends TSchema>(
  name: string,
  description: string,
  schema: Schema,
): Component<Schema> {
  return { schema: { ...schema, $id: name, description }, ref: Type.Unsafe<Static<Schema>>({ $ref: `${name}#` }) }
}
