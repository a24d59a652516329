import type { SchemaNode } from './schema-node.ts'
import type { ValueType } from './schema-types.ts'

/** A demand that does not follow from what is given. */
export interface Gap {
  /** The keyword, or `undecided`. */
  readonly code: string
  /** Of the demand, in the demanding schema. */
  readonly pointer: string
  /** The demand in words. */
  readonly demand: string
}

/** One schema object that must follow, and all that is known about the values. */
export interface Demand {
  readonly facts: readonly SchemaNode[]
  /** The types that the facts leave, never none. */
  readonly types: ReadonlySet<ValueType>
  readonly part: SchemaNode
  readonly check: InclusionCheck
}

export interface InclusionCheck {
  /** What the demanded schema asks beyond the given ones, of the same value. */
  gaps(given: readonly SchemaNode[], demanded: SchemaNode): readonly Gap[]
  /** The same for a value inside the one that is looked at. */
  gapsBelow(given: readonly SchemaNode[], demanded: SchemaNode): readonly Gap[]
  /** The keyword of a schema's own, schemas below aside, that refuses the value; undefined if none does, `undecided` if it fails. */
  fits(schema: unknown, value: unknown): string | undefined
}

const SHOWN_LENGTH_MAX = 80

export function gapAt(part: SchemaNode, keyword: string, value: unknown): Gap {
  const text = JSON.stringify(value) ?? ''
  const shown = text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text
  return { code: keyword, pointer: `${part.pointer}/${keyword}`, demand: `\`${keyword}\` ${shown}` }
}
