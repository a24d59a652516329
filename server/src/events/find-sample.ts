import { parseJsonPointer } from '../lib/json-pointer.ts'
import { ENTITY_ID_LENGTH_MAX, entityIdFaults } from './definitions.ts'
import type { EntityPointer } from './definitions.ts'
import { PAYLOAD_BYTES_MAX } from './prepare-events.ts'
import type { SchemaJudge } from './schema-judge.ts'
import { isSchemaObject, member } from './schema-node.ts'

const SEEDS_TRIED = 4

interface EntityPointers {
  readonly entity?: EntityPointer
  readonly related: readonly EntityPointer[]
}

/**
 * A made-up payload that can be published: it fits the schema, names its entities by ids that can be ids, and is not too
 * large. The same schema and seed give the same one. Undefined if none was found in time, which does not mean that there is
 * none.
 */
export async function findSample(
  judge: Pick<SchemaJudge, 'sample' | 'check'>,
  companyId: string,
  pointers: EntityPointers,
  schema: unknown,
  seed = 1,
): Promise<unknown> {
  const isHinted = pointers.entity !== undefined || pointers.related.length > 0
  const schemas = isHinted ? [withIds(schema, pointers), schema] : [schema]
  for (let tried = 0; tried < SEEDS_TRIED; tried++) {
    for (const one of schemas) {
      const sample = await judge.sample(companyId, one, seed + tried)
      if (sample === undefined || entityIdFaults(pointers, sample).length > 0) continue
      if (Buffer.byteLength(JSON.stringify(sample)) > PAYLOAD_BYTES_MAX) continue
      // What is added for the ids may count as known where the schema takes known members only.
      if (one === schema || (await judge.check(companyId, schema, [sample])).length === 0) return sample
    }
  }
  return undefined
}

/** The schema with what it may leave open said: that an entity's id is one. */
function withIds(schema: unknown, { entity, related }: EntityPointers): unknown {
  if (!isSchemaObject(schema)) return schema
  const ids = (entity ? [entity, ...related] : related).map(({ id }) =>
    parseJsonPointer(id).reduceRight<object>((below, key) => ({ properties: { [key]: below } }), idForm),
  )
  const own = member(schema, 'allOf')
  return { ...schema, allOf: [...(Array.isArray(own) ? own : []), ...ids] }
}

const idForm = {
  type: ['string', 'integer', 'null'],
  minLength: 1,
  maxLength: ENTITY_ID_LENGTH_MAX,
  minimum: Number.MIN_SAFE_INTEGER,
  maximum: Number.MAX_SAFE_INTEGER,
}
