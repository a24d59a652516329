import { hash } from 'node:crypto'
import { EXAMPLES_MAX, PAYLOAD_BYTES_MAX } from '../lib/definition-limits.ts'
import { parseJsonBody } from '../lib/json-text.ts'
import { ProblemError } from '../lib/problems.ts'
import type { Fault } from '../lib/problems.ts'
import { entityIdFaults } from './definitions.ts'
import type { EntityPointer } from './definitions.ts'
import { findSample } from './find-sample.ts'
import type { SchemaQuestions } from './judge-within.ts'
import { readAnnotations } from './schema-annotations.ts'
import type { PersonalMember } from './schema-annotations.ts'
import { checkSchemaText } from './schema-limits.ts'

/** What a company gives as a version of a definition. */
export interface GivenVersion {
  /** JSON text of the schema. */
  readonly schema: string
  readonly examples: readonly unknown[]
}

/** A version that may be kept. */
export interface VersionDraft {
  readonly schema: string
  readonly examples: readonly unknown[]
  readonly entity?: EntityPointer
  readonly related: readonly EntityPointer[]
  readonly personal: readonly PersonalMember[]
}

/**
 * What keeps a version from being one; pointers lead into `{ schema, examples }`. Without faults there is a payload that can
 * be published by it: each of its examples, or without any one that was found.
 */
export async function draftVersion(
  judge: Pick<SchemaQuestions, 'check' | 'sample'>,
  companyId: string,
  given: GivenVersion,
): Promise<{ readonly draft: VersionDraft; readonly faults: readonly Fault[] }> {
  const outer = given.examples.length > EXAMPLES_MAX ? [tooManyExamples] : faultsOfText(given.schema)
  if (outer.length > 0) return { draft: bare(given), faults: outer }
  const schema = parseSchemaText(given.schema)
  const faults = await judge.check(companyId, schema, given.examples)
  // Annotations of what is no schema may be anything.
  if (faults.length > 0) return { draft: bare(given), faults }
  const { entity, related, personal } = readAnnotations(schema)
  const draft: VersionDraft = { ...given, ...(entity && { entity }), related, personal }
  const more = faultsOfExamples(draft)
  if (more.length > 0 || given.examples.length > 0) return { draft, faults: more }
  const sample = await findSample(judge, companyId, draft, schema)
  return { draft, faults: sample === undefined ? [nothingFits] : [] }
}

function bare(given: GivenVersion): VersionDraft {
  return { ...given, related: [], personal: [] }
}

/** What is said of a schema's text before it is read; pointers lead into `{ schema, examples }`. */
export function faultsOfText(schema: string): readonly Fault[] {
  return checkSchemaText(schema).map((fault) => ({ ...fault, pointer: `/schema${fault.pointer}` }))
}

/** Throws what the door for JSON bodies throws; the text may come from a document of another form. */
export function parseSchemaText(text: string): unknown {
  return parseJsonBody(Buffer.from(text)).value
}

function faultsOfExamples(draft: VersionDraft): readonly Fault[] {
  return draft.examples.flatMap((example, index) => {
    const at = `/examples/${index}`
    const faults = entityIdFaults(draft, example).map((fault) => ({ ...fault, pointer: at + fault.pointer }))
    if (Buffer.byteLength(JSON.stringify(example)) <= PAYLOAD_BYTES_MAX) return faults
    const message = `No payload may be larger than ${PAYLOAD_BYTES_MAX} bytes`
    return [...faults, { pointer: at, code: 'payload_too_large', message }]
  })
}

const tooManyExamples: Fault = {
  pointer: '/examples',
  code: 'too_many_examples',
  message: `A definition has at most ${EXAMPLES_MAX} examples`,
}

const nothingFits: Fault = {
  pointer: '/examples',
  code: 'no_sample',
  message: 'No payload was found that fits the schema; give an example that does',
}

/** As a problem; undefined when there are no faults. */
export function invalidDefinition(faults: readonly Fault[]): ProblemError | undefined {
  const [first] = faults
  if (!first) return undefined
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more, see errors)` : ''
  return new ProblemError('invalid_definition', `${first.pointer}: ${first.message}${more}`, faults.slice(0, 100))
}

/** SHA-256 of the schema's text, in hexadecimal: what an event tells of a version. */
export function schemaDigest(text: string): string {
  return hash('sha256', text)
}
