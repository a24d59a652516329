/**
 * Changes of a company's own definitions. Each is planned first and then made: the plan reads what there is and has the
 * thread of the judge do what is costly (compiling, comparing, examples), without a lock; the change locks the company's head
 * for a few statements, looks whether what the plan saw still holds, and inserts the `daybook.definition.*` events that tell
 * of it. A plan that was overtaken throws {@link OvertakenPlan} and is made anew.
 */
import type { Db } from '../db/statement.ts'
import { asCompany } from '../db/transaction.ts'
import { ProblemError } from '../lib/problems.ts'
import type { Author } from './administrative-event.ts'
import type { CustomDefinition } from './custom-definition-store.ts'
import {
  beginDefinitionChange,
  countCustomEvents,
  deleteCustomEvent,
  findCustomEvent,
  greatestVersion,
  hadEvents,
  insertVersion,
  saveCustomEvent,
} from './custom-definition-store.ts'
import { describeDefinition, eventsOfChange, tellOfDefinition } from './definition-events.ts'
import { isInForce } from './definition-lifecycle.ts'
import type { Definitions } from './definitions.ts'
import type { VersionDraft } from './draft-version.ts'
import { insertEvents } from './insert-events.ts'
import type { DefinitionParts, DefinitionPlan } from './plan-definition.ts'
import { findLatest, missingDefinition } from './plan-definition.ts'

const DEFINITIONS_MAX = 2_000
const TRIES = 5

/** The definition was changed between its plan and the change. */
export class OvertakenPlan extends Error {}

/** Makes the change in the caller's transaction, of the api role. Several plans may be made in one. */
export async function applyPlan(
  db: Db,
  author: Author,
  companyId: string,
  plan: DefinitionPlan,
): Promise<CustomDefinition> {
  const { eventName, before, next, version } = plan
  if (plan.outcome === 'unchanged' && before) return before
  const revision = await begin(db, companyId)
  const [row] = await findCustomEvent(db, companyId, eventName)
  if (row?.revision !== before?.row.revision) throw new OvertakenPlan(eventName)
  if (!row) await checkRoom(db, companyId)
  const latest = await placeVersion(db, author, companyId, eventName, row?.latest_version, version)
  await saveCustomEvent(db, {
    company_id: companyId,
    event_name: eventName,
    ...next,
    first_version: row?.first_version ?? latest,
    first_version_in_force: row?.first_version_in_force ?? (isInForce(next.status) ? latest : null),
    latest_version: latest,
    revision,
  })
  const after = await findLatest(db, companyId, eventName)
  if (!after) throw new Error(`${eventName} was written and is not there`)
  await insertEvents(db, eventsOfChange(author, before, after))
  return after
}

/**
 * Plans and makes one change, anew when it was overtaken. `plan` is called once for each try.
 */
export async function changeDefinition(
  parts: DefinitionParts,
  author: Author,
  companyId: string,
  plan: () => Promise<DefinitionPlan>,
): Promise<{ readonly definition: CustomDefinition; readonly outcome: DefinitionPlan['outcome'] }> {
  for (let tries = 1; ; tries++) {
    const planned = await plan()
    try {
      const definition = await asCompany(parts.pool, companyId, (db) => applyPlan(db, author, companyId, planned))
      return { definition, outcome: planned.outcome }
    } catch (error) {
      if (!(error instanceof OvertakenPlan)) throw error
      if (tries === TRIES) throw new ProblemError('unavailable', 'Others change the definition at this moment')
    }
  }
}

/** Only what nothing depends on can be deleted: a draft, or what never had an event. */
export async function deleteDefinition(
  db: Db,
  author: Author,
  companyId: string,
  eventName: string,
  standard: Definitions,
  allow: (revision: number) => void = () => {},
): Promise<void> {
  await begin(db, companyId)
  const definition = await findLatest(db, companyId, eventName)
  if (!definition) throw missingDefinition(standard, eventName)
  const { row } = definition
  allow(row.revision)
  const [found] = row.status === 'draft' ? [] : await hadEvents(db, companyId, eventName)
  if (found?.had_events) {
    throw new ProblemError('definition_in_use', `${eventName} had events; archive it, and publishes of it are refused`)
  }
  await deleteCustomEvent(db, companyId, eventName)
  await insertEvents(db, [tellOfDefinition(author, row, 'deleted', { before: describeDefinition(definition) })])
}

async function begin(db: Db, companyId: string): Promise<number> {
  const [head] = await beginDefinitionChange(db, companyId)
  if (!head) throw new Error(`Company ${companyId} has no head`)
  return head.revision
}

/** Under the head's lock. */
async function checkRoom(db: Db, companyId: string): Promise<void> {
  const [counted] = await countCustomEvents(db, companyId)
  if ((counted?.count ?? 0) < DEFINITIONS_MAX) return
  throw new ProblemError('definition_limit', `A company has at most ${DEFINITIONS_MAX} definitions`)
}

/** Keeps the version, if there is a new one, and gives the number of the latest. Numbers of deleted ones do not come again. */
async function placeVersion(
  db: Db,
  { actor }: Author,
  companyId: string,
  eventName: string,
  latest: number | undefined,
  draft: VersionDraft | undefined,
): Promise<number> {
  if (!draft) {
    if (latest === undefined) throw new Error('A new definition has a version')
    return latest
  }
  const [greatest] = await greatestVersion(db, companyId, eventName)
  const version = (greatest?.version ?? 0) + 1
  await insertVersion(db, companyId, eventName, {
    version,
    schema: draft.schema,
    examples: JSON.stringify(draft.examples),
    entity: draft.entity ?? null,
    related: draft.related,
    personal: draft.personal,
    created_by: actor,
  })
  return version
}
