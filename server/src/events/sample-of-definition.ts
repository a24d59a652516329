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
 * back to the other. Whatever was accepted has one, so none is a matter of time: `unavailable`.
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
  const payload = await findSample(judge, companyId, pointers, parseStoredJson(definition.schema), seed)
  if (payload !== undefined) return { from: 'schema', payload }
  if (given.length > 0) return { from: 'example', payload: given[(seed ?? 0) % given.length] }
  throw new ProblemError('unavailable', 'No payload was found in time; try again in a moment')
}
