import { asCompany } from '../db/transaction.ts'
import { ProblemError } from '../lib/problems.ts'
import { findCustomDefinition } from './custom-definition-store.ts'
import type { CustomDefinition } from './custom-definition-store.ts'
import type { Definition } from './definitions.ts'
import { isEventName } from './event-names.ts'
import type { DefinitionParts } from './plan-definition.ts'

/** A definition of the company's own, or else the standard one of the name. */
export type FoundDefinition = { readonly custom: CustomDefinition } | { readonly standard: Definition }

/**
 * What a name means today, or meant in a version; asks the database, so it is never behind a change. Throws `not_found`,
 * also for a version that there is not.
 */
export async function readDefinition(
  { pool, standard }: Pick<DefinitionParts, 'pool' | 'standard'>,
  companyId: string,
  eventName: string,
  version?: number,
): Promise<FoundDefinition> {
  if (isEventName(eventName)) {
    const custom = await asCompany(pool, companyId, (db) => findCustomDefinition(db, companyId, eventName, version))
    if (custom) return { custom }
    const given = standard.get(eventName)
    if (given && (version === undefined || version === given.version)) return { standard: given }
  }
  throw new ProblemError('not_found', `No definition ${eventName}${version === undefined ? '' : ` ${version}`}`)
}
