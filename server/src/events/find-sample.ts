import { PAYLOAD_BYTES_MAX } from '../lib/definition-limits.ts'
import { entityIdFaults } from './definitions.ts'
import type { EntityPointer } from './definitions.ts'
import { withEntityIdSchemas } from './entity-id-schema.ts'
import type { SchemaJudge } from './schema-judge.ts'

const SEEDS_TRIED = 4
/** No further try is begun after it. */
const TRYING_MS = 5_000

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
  const schemas = isHinted ? [withEntityIdSchemas(schema, pointers), schema] : [schema]
  const end = performance.now() + TRYING_MS
  for (let tried = 0; tried < SEEDS_TRIED; tried++) {
    for (const one of schemas) {
      if (performance.now() > end) return undefined
      const sample = await judge.sample(companyId, one, seed + tried)
      if (sample === undefined || entityIdFaults(pointers, sample).length > 0) continue
      if (Buffer.byteLength(JSON.stringify(sample)) > PAYLOAD_BYTES_MAX) continue
      // What is added for the ids may count as known where the schema takes known members only.
      if (one === schema || (await judge.check(companyId, schema, [sample])).length === 0) return sample
    }
  }
  return undefined
}
