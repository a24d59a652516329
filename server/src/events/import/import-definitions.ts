/**
 * Definitions of a document into a company's own: what each would do, and all of it at once or nothing.
 *
 * Each is planned by itself, so that every refusal can be told. The plans are then made in one transaction; when one was
 * overtaken by another change, all are planned anew.
 */
import { asCompany } from '../../db/transaction.ts'
import { ProblemError } from '../../lib/problems.ts'
import type { Author } from '../administrative-event.ts'
import { changeDefinitions } from '../custom-definitions.ts'
import type { DefinitionParts, DefinitionPlan, DefinitionWish } from '../plan-definition.ts'
import { findLatest, planCreation, planUpdate } from '../plan-definition.ts'
import type { CompatibilityMode } from '../schema-compatibility.ts'
import type { ImportedDefinition } from './imported-definition.ts'

export interface ImportWish {
  /** Of what is new, and of drafts; it stands over what the document says. */
  readonly status?: 'draft' | 'active' | undefined
  /** Of all; it stands over what the document says. */
  readonly compatibility?: CompatibilityMode | undefined
}

export interface ImportStep {
  readonly eventName: string
  /** Where in the document the definition stands. */
  readonly pointer: string
  readonly outcome: DefinitionPlan['outcome'] | 'refused'
  /** The latest there is: of a plan before it is made, else after. Null: none. */
  readonly version: number | null
  readonly plan: DefinitionPlan | undefined
  /** Why it is refused. */
  readonly problem: ProblemError | undefined
}

/** What the import would do, in the order of the document. Writes nothing. */
export async function planImport(
  parts: DefinitionParts,
  companyId: string,
  definitions: readonly ImportedDefinition[],
  wish: ImportWish,
): Promise<readonly ImportStep[]> {
  const steps: ImportStep[] = []
  for (const definition of definitions) steps.push(await planStep(parts, companyId, definition, wish))
  return steps
}

/**
 * Plans and, unless a step is refused, makes all of it in one transaction.
 *
 * @returns the steps; nothing was written if one of them is refused
 */
export async function importDefinitions(
  parts: DefinitionParts,
  author: Author,
  companyId: string,
  definitions: readonly ImportedDefinition[],
  wish: ImportWish,
): Promise<readonly ImportStep[]> {
  let steps: readonly ImportStep[] = []
  const made = await changeDefinitions(parts, author, companyId, async () => {
    steps = await planImport(parts, companyId, definitions, wish)
    return steps.some(({ problem }) => problem) ? [] : steps.flatMap(({ plan }) => plan ?? [])
  })
  return steps.map((step, index) => ({ ...step, version: made[index]?.row.latest_version ?? step.version }))
}

async function planStep(
  parts: DefinitionParts,
  companyId: string,
  definition: ImportedDefinition,
  wish: ImportWish,
): Promise<ImportStep> {
  const { eventName, pointer } = definition
  try {
    const plan = await planDefinition(parts, companyId, definition, wish)
    const version = plan.before?.row.latest_version ?? null
    return { eventName, pointer, outcome: plan.outcome, version, plan, problem: undefined }
  } catch (error) {
    if (!(error instanceof ProblemError) || passing.has(error.code)) throw error
    return { eventName, pointer, outcome: 'refused', version: null, plan: undefined, problem: error }
  }
}

/** They say nothing of the definition. */
const passing = new Set<string>(['rate_limited', 'shutting_down', 'unavailable', 'too_busy'])

async function planDefinition(
  parts: DefinitionParts,
  companyId: string,
  definition: ImportedDefinition,
  { status, compatibility }: ImportWish,
): Promise<DefinitionPlan> {
  const { eventName, title, description, owner, tags, schema, examples } = definition
  const wish = {
    title,
    description,
    owner,
    tags,
    schema: JSON.stringify(schema),
    examples,
    compatibility: compatibility ?? definition.compatibility,
  } satisfies DefinitionWish
  const before = await asCompany(parts.pool, companyId, (db) => findLatest(db, companyId, eventName))
  // What is in force stays so, whatever is wished for what is new.
  const isOpen = before === undefined || before.row.status === 'draft'
  const complete = { ...wish, status: (isOpen ? status : undefined) ?? definition.status }
  return before || parts.standard.get(eventName)
    ? await planUpdate(parts, companyId, eventName, complete)
    : await planCreation(parts, companyId, eventName, complete)
}
