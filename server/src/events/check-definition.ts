import { asCompany } from '../db/transaction.ts'
import type { Fault } from '../lib/problems.ts'
import { compareWithVersions } from './compare-with-versions.ts'
import type { CustomDefinition } from './custom-definition-store.ts'
import { parseExamples } from './custom-definition-store.ts'
import { draftVersion, parseSchemaText } from './draft-version.ts'
import type { DefinitionParts } from './plan-definition.ts'
import {
  checkOwnName,
  COMPATIBILITY_DEFAULT,
  findLatest,
  missingDefinition,
  newVersion,
  noDefinitionLeft,
  noVersionLeft,
} from './plan-definition.ts'
import { rehearseDefinition } from './rehearse-definition.ts'
import type { RehearsalResult } from './rehearse-definition.ts'
import type { CompatibilityMode, VersionIncompatibility } from './schema-compatibility.ts'

export interface TrialDefinition {
  /** JSON text. */
  readonly schema: string
  /** When absent those of the latest version. */
  readonly examples?: readonly unknown[] | undefined
  readonly compatibility?: CompatibilityMode | undefined
  /** How many of the last events of the name are judged. */
  readonly last: number
}

export interface DefinitionVerdict {
  readonly faults: readonly Fault[]
  readonly compatibility: CompatibilityMode
  readonly incompatibilities: readonly VersionIncompatibility[]
  /** None for what is no schema. */
  readonly rehearsal: RehearsalResult | undefined
}

/**
 * What would become of a schema as the next version of a name, or as its first: everything that creating or changing it
 * would refuse, and how many of the last events would fail. Writes nothing. A standard definition cannot be changed, so
 * nothing is tried on it.
 */
export async function checkDefinition(
  parts: DefinitionParts,
  companyId: string,
  eventName: string,
  trial: TrialDefinition,
): Promise<DefinitionVerdict> {
  checkOwnName(eventName)
  const latest = await asCompany(parts.pool, companyId, (db) => findLatest(db, companyId, eventName))
  if (!latest && parts.standard.get(eventName)) throw missingDefinition(parts.standard, eventName)
  const compatibility = trial.compatibility ?? latest?.row.compatibility ?? COMPATIBILITY_DEFAULT
  const examples = trial.examples ?? (latest ? parseExamples(latest.version) : [])
  const { faults } = await draftVersion(parts.judge, companyId, { schema: trial.schema, examples })
  if (faults.some(({ pointer }) => !pointer.startsWith('/examples'))) {
    return { faults, compatibility, incompatibilities: [], rehearsal: undefined }
  }
  const noRoom = await faultsOfLimits(parts, companyId, latest, trial)
  const incompatibilities = latest ? await compareWithVersions(parts, latest.row, compatibility, trial.schema) : []
  const rehearsal = await rehearseDefinition(parts, companyId, eventName, parseSchemaText(trial.schema), trial.last)
  return { faults: [...faults, ...noRoom], compatibility, incompatibilities, rehearsal }
}

/** Whether there is room for it, should it be a new definition or a new version. */
async function faultsOfLimits(
  { pool }: DefinitionParts,
  companyId: string,
  latest: CustomDefinition | undefined,
  trial: TrialDefinition,
): Promise<readonly Fault[]> {
  const problem = !latest
    ? await asCompany(pool, companyId, async (db) => await noDefinitionLeft(db, companyId, 1))
    : newVersion(latest.version, trial) && noVersionLeft(latest.row)
  return problem ? [{ pointer: '', code: problem.code, message: problem.message }] : []
}
