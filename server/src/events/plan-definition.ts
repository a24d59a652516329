import type { DbPool } from '../db/pools.ts'
import type { Db } from '../db/statement.ts'
import { asCompany } from '../db/transaction.ts'
import { parseStoredJson } from '../lib/json-text.ts'
import { ProblemError } from '../lib/problems.ts'
import { compareWithVersions } from './compare-with-versions.ts'
import type { CustomDefinition, CustomEventRow, VersionRow } from './custom-definition-store.ts'
import { countCustomEvents, findCustomDefinition, parseExamples } from './custom-definition-store.ts'
import type { DefinitionStatus } from './definition-lifecycle.ts'
import { statusesAfter } from './definition-lifecycle.ts'
import type { Definitions } from './definitions.ts'
import type { GivenVersion, VersionDraft } from './draft-version.ts'
import { draftVersion, faultsOfText, invalidDefinition } from './draft-version.ts'
import { isEventName, isReservedEventName } from './event-names.ts'
import type { SchemaQuestions } from './judge-within.ts'
import type { CompatibilityMode } from './schema-compatibility.ts'
import { canonicalText } from './schema-node.ts'

const DEFINITIONS_MAX = 2_000
const VERSIONS_MAX = 1_000
export const COMPATIBILITY_DEFAULT: CompatibilityMode = 'full_transitive'

/** What a definition shall be; of one that exists, what is absent stays. */
export interface DefinitionWish {
  readonly title?: string | undefined
  readonly description?: string | undefined
  readonly owner?: string | null | undefined
  readonly tags?: readonly string[] | undefined
  readonly status?: DefinitionStatus | undefined
  readonly compatibility?: CompatibilityMode | undefined
  /** JSON text; kept byte for byte. */
  readonly schema?: string | undefined
  readonly examples?: readonly unknown[] | undefined
}

export interface DefinitionParts {
  /** Of the api role. */
  readonly pool: DbPool
  readonly judge: SchemaQuestions
  readonly standard: Definitions
}

/** What a change would do; made by {@link planCreation} and {@link planUpdate}. */
export interface DefinitionPlan {
  readonly eventName: string
  readonly outcome: 'create' | 'new_version' | 'update' | 'unchanged'
  /** What the plan was made for; undefined: there was none. */
  readonly before: CustomDefinition | undefined
  readonly next: DefinitionState
  readonly version: VersionDraft | undefined
}

type DefinitionState = Pick<CustomEventRow, 'status' | 'compatibility' | 'title' | 'description' | 'owner' | 'tags'>

/** Throws the problem that stands against it. */
export async function planCreation(
  parts: DefinitionParts,
  companyId: string,
  eventName: string,
  wish: DefinitionWish & { readonly schema: string },
): Promise<DefinitionPlan> {
  checkOwnName(eventName)
  const before = await asCompany(parts.pool, companyId, (db) => findLatest(db, companyId, eventName))
  if (before || parts.standard.get(eventName)) throw definitionExists(eventName)
  const version = await acceptVersion(parts.judge, companyId, { schema: wish.schema, examples: wish.examples ?? [] })
  const fresh: DefinitionState = {
    status: 'draft',
    compatibility: COMPATIBILITY_DEFAULT,
    title: eventName,
    description: '',
    owner: null,
    tags: [],
  }
  return { eventName, outcome: 'create', before: undefined, next: withWish(fresh, wish), version }
}

/**
 * Throws the problem that stands against it: `not_found`, `standard_definition`, `definition_transition`,
 * `definition_limit`, `invalid_definition`, or `incompatible_schema` with every break.
 *
 * @param allow looks at the revision that is there, and throws if the caller means another one
 */
export async function planUpdate(
  parts: DefinitionParts,
  companyId: string,
  eventName: string,
  wish: DefinitionWish,
  allow: (revision: number) => void = () => {},
): Promise<DefinitionPlan> {
  const before = await asCompany(parts.pool, companyId, (db) => findLatest(db, companyId, eventName))
  if (!before) throw missingDefinition(parts.standard, eventName)
  allow(before.row.revision)
  const next = withWish(before.row, wish)
  checkTransition(before.row, next.status)
  const tooLarge = invalidDefinition(faultsOfText(wish.schema ?? ''))
  if (tooLarge) throw tooLarge
  const given = newVersion(before.version, wish)
  if (!given) {
    const isSame = JSON.stringify(next) === JSON.stringify(withWish(before.row, {}))
    return { eventName, outcome: isSame ? 'unchanged' : 'update', before, next, version: undefined }
  }
  const noVersion = noVersionLeft(before.row)
  if (noVersion) throw noVersion
  const version = await acceptVersion(parts.judge, companyId, given)
  const breaks = await compareWithVersions(parts, before.row, next.compatibility, given.schema)
  const [first] = breaks
  if (first) {
    const more = breaks.length > 1 ? ` (and ${breaks.length - 1} more, see errors)` : ''
    const message = `Version ${first.version}, ${first.breaks}, ${first.pointer || '/'}: ${first.message}${more}`
    throw new ProblemError('incompatible_schema', message, breaks.slice(0, 100))
  }
  return { eventName, outcome: 'new_version', before, next, version }
}

/** What stands against one more version; undefined when there may be one. */
export function noVersionLeft(row: CustomEventRow): ProblemError | undefined {
  if (row.latest_version - row.first_version + 1 < VERSIONS_MAX) return undefined
  return new ProblemError('definition_limit', `A definition has at most ${VERSIONS_MAX} versions`)
}

/** What stands against more definitions of a company; undefined when there may be so many more. */
export async function noDefinitionLeft(db: Db, companyId: string, added: number): Promise<ProblemError | undefined> {
  const [counted] = await countCustomEvents(db, companyId)
  if ((counted?.count ?? 0) + added <= DEFINITIONS_MAX) return undefined
  return new ProblemError('definition_limit', `A company has at most ${DEFINITIONS_MAX} definitions`)
}

export function missingDefinition(standard: Definitions, eventName: string): ProblemError {
  return standard.get(eventName)
    ? new ProblemError('standard_definition', `${eventName} is a standard definition`)
    : new ProblemError('not_found', `No definition ${eventName}`)
}

/** With its latest version. */
export async function findLatest(db: Db, companyId: string, eventName: string): Promise<CustomDefinition | undefined> {
  return isEventName(eventName) ? await findCustomDefinition(db, companyId, eventName) : undefined
}

/** Throws for a name that no company can define. */
export function checkOwnName(eventName: string): void {
  const fault = (code: 'invalid_event_name' | 'reserved_event_name', message: string): ProblemError =>
    new ProblemError(code, `/event_name: ${message}`, [{ pointer: '/event_name', code, message }])
  if (!isEventName(eventName)) {
    throw fault('invalid_event_name', 'One to six dotted segments of a-z, 0-9, _ and -, at most 128 characters')
  }
  if (isReservedEventName(eventName)) {
    throw fault('reserved_event_name', 'Names that begin with daybook. are written by Daybook alone')
  }
}

function definitionExists(eventName: string): ProblemError {
  const message = `There is a definition of ${eventName}`
  return new ProblemError('definition_exists', message, [
    { pointer: '/event_name', code: 'definition_exists', message },
  ])
}

function checkTransition({ status, event_name }: CustomEventRow, next: DefinitionStatus): void {
  const allowed = statusesAfter(status)
  if (next === status || allowed.includes(next)) return
  const message = `${event_name} is ${status}; it can become ${allowed.join(' or ')}`
  throw new ProblemError('definition_transition', message, [
    { pointer: '/status', code: 'definition_transition', message },
  ])
}

function withWish(state: DefinitionState, wish: DefinitionWish): DefinitionState {
  return {
    status: wish.status ?? state.status,
    compatibility: wish.compatibility ?? state.compatibility,
    title: wish.title ?? state.title,
    description: wish.description ?? state.description,
    owner: wish.owner === undefined ? state.owner : wish.owner,
    tags: [...new Set(wish.tags ?? state.tags)],
  }
}

/**
 * The version that a wish asks for; undefined when it says the same as the latest: equal JSON, whatever its blanks and the
 * order of its members.
 */
export function newVersion(
  latest: VersionRow,
  wish: Pick<DefinitionWish, 'schema' | 'examples'>,
): GivenVersion | undefined {
  const schema = wish.schema ?? latest.schema
  const examples = wish.examples ?? parseExamples(latest)
  const isSame = (one: unknown, other: unknown): boolean => canonicalText(one) === canonicalText(other)
  const hasSameSchema =
    wish.schema === undefined || isSame(parseStoredJson(wish.schema), parseStoredJson(latest.schema))
  const hasSameExamples = wish.examples === undefined || isSame(wish.examples, parseExamples(latest))
  return hasSameSchema && hasSameExamples ? undefined : { schema, examples }
}

async function acceptVersion(judge: SchemaQuestions, companyId: string, given: GivenVersion): Promise<VersionDraft> {
  const { draft, faults } = await draftVersion(judge, companyId, given)
  const problem = invalidDefinition(faults)
  if (problem) throw problem
  return draft
}
