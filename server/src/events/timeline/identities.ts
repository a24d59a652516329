import type { Db } from '../../db/statement.ts'
import type { EntityRef } from '../event.ts'
import { listMerged, listSurvivors } from './read-merges.ts'

export interface Identities {
  /** Of the same type: the entity itself first, then what was merged into it, directly or not. */
  readonly ids: readonly string[]
  /** What the entity itself was merged into. */
  readonly mergedInto: readonly string[]
  /** False when there are more than 100, or more merges than are looked at. */
  readonly isComplete: boolean
}

const IDENTITIES_MAX = 100

/**
 * Whose story an entity's is. `customer.merged` is about the customer that lives on and names the one that was given up as
 * related; so `<type>.merged` for every type. Chains are followed and circles end, as no identity is looked at twice. A
 * merge is known as long as its event is in the log.
 */
export async function readIdentities(db: Db, companyId: string, entity: EntityRef): Promise<Identities> {
  const { type, id } = entity
  const found = new Set([id])
  let isComplete = true
  for (let open: readonly string[] = [id]; open.length > 0 && found.size < IDENTITIES_MAX;) {
    const merged = await listMerged(db, companyId, type, open)
    isComplete &&= merged.isComplete
    open = merged.ids.filter((other) => !found.has(other))
    for (const other of open) found.add(other)
  }
  return {
    ids: [...found].slice(0, IDENTITIES_MAX),
    mergedInto: await listSurvivors(db, companyId, entity),
    isComplete: isComplete && found.size < IDENTITIES_MAX,
  }
}
