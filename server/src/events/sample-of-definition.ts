import { parseStoredJson } from '../lib/json-text.ts'
import { ProblemError } from '../lib/problems.ts'
import type { DefinitionView } from './definition-view.ts'
import { findSample } from './find-sample.ts'
import type { SchemaJudge } from './schema-judge.ts'

export interface DefinitionSample {
  readonly from: 'example' | 'schema'
  readonly payload: unknown
}

/**
 * A payload that can be published: without a seed the first example, with one a payload made up from the schema. Each falls
 * back to the other. Some seeds find none, but what was accepted without an example was so because the first seed did: when
 * that finds none now it is a matter of time, and the problem is `too_busy`.
 */
export async function sampleOfDefinition(
  judge: Pick<SchemaJudge, 'sample' | 'check'>,
  companyId: string,
  definition: Pick<DefinitionView, 'schema' | 'examples' | 'entity' | 'related'>,
  seed?: number,
): Promise<DefinitionSample> {
  const examples = parseStoredJson(definition.examples)
  const given: readonly unknown[] = Array.isArray(examples) ? examples : []
  if (seed === undefined && given.length > 0) return { from: 'example', payload: given[0] }
  const { entity, related } = definition
  const pointers = { ...(entity && { entity }), related }
  const schema = parseStoredJson(definition.schema)
  const payload = await findSample(judge, companyId, pointers, schema, seed)
  if (payload !== undefined) return { from: 'schema', payload }
  if (given.length > 0) return { from: 'example', payload: given[(seed ?? 0) % given.length] }
  const first = seed === undefined ? undefined : await findSample(judge, companyId, pointers, schema)
  if (first !== undefined) return { from: 'schema', payload: first }
  throw new ProblemError('too_busy', 'No payload was found in time; try again in a moment')
}
