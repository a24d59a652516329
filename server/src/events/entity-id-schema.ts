import { parseJsonPointer } from '../lib/json-pointer.ts'
import { ENTITY_ID_LENGTH_MAX } from './definitions.ts'
import type { EntityPointer } from './definitions.ts'
import { isSchemaObject, member } from './schema-node.ts'

interface EntityPointers {
  readonly entity?: EntityPointer
  readonly related: readonly EntityPointer[]
}

/** Places of lists in one pointer, and the last place of one: each doubles the schema, or makes it longer. */
const INDEXES_MAX = 4
const INDEX_MAX = 100

/**
 * What a definition asks of the payload at an entity's pointer, as a schema: nothing, or what can be an id. Undefined where
 * that would be too large a schema.
 */
export function entityIdSchema(pointer: string): object | undefined {
  const keys = parseJsonPointer(pointer)
  const indexes = keys.filter(isIndex)
  if (indexes.length > INDEXES_MAX || indexes.some((key) => Number(key) > INDEX_MAX)) return undefined
  return keys.reduceRight<object>((below, key) => {
    const properties = { [key]: below }
    if (!isIndex(key)) return { properties }
    return { properties, prefixItems: [...Array.from({ length: Number(key) }, () => true), below] }
  }, idForm)
}

/**
 * The schema with what it may leave open said. What is said so counts as evaluated, so beside `unevaluatedProperties` or
 * `unevaluatedItems` it may take more than the schema did.
 */
export function withEntityIdSchemas(schema: unknown, { entity, related }: EntityPointers): unknown {
  if (!isSchemaObject(schema)) return schema
  const ids = (entity ? [entity, ...related] : related).flatMap(({ id }) => entityIdSchema(id) ?? [])
  const own = member(schema, 'allOf')
  return { ...schema, allOf: [...(Array.isArray(own) ? own : []), ...ids] }
}

function isIndex(key: string): boolean {
  return /^(?:0|[1-9][0-9]*)$/.test(key)
}

/** Of `entityId` in definitions.ts; null is as good as absent. */
const idForm = {
  type: ['string', 'integer', 'null'],
  minLength: 1,
  maxLength: ENTITY_ID_LENGTH_MAX,
  minimum: Number.MIN_SAFE_INTEGER,
  maximum: Number.MAX_SAFE_INTEGER,
}
