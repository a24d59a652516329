/**
 * Changes of a company's own definitions. Each is planned first and then made: the plan reads what there is and has the
 * thread of the judge do what is costly (compiling, comparing, examples), without a lock.
 *
 * The change is made in a few statements, however many plans it has. New versions, which may be megabytes, are written before
 * the company's head is locked; under the lock it is looked whether what the plans saw still holds, and the rows and the
 * `daybook.definition.*` events that tell of them are written. A plan that was overtaken throws {@link OvertakenPlan}, nothing
 * is kept, and it is made anew.
 */
import type { Db } from '../db/statement.ts'
import { asCompany, sqlState } from '../db/transaction.ts'
import { ProblemError } from '../lib/problems.ts'
import type { Author } from './administrative-event.ts'
import type { CustomDefinition, LogMark, NewVersionRow, VersionRow } from './custom-definition-store.ts'
import {
  beginDefinitionChange,
  deleteCustomEvent,
  findCustomEvents,
  greatestVersions,
  hadEvents,
  insertVersions,
  logBegin,
  readLogMark,
  saveCustomEvents,
} from './custom-definition-store.ts'
import { describeDefinition, eventsOfChange, tellOfDefinition } from './definition-events.ts'
import { isInForce } from './definition-lifecycle.ts'
import type { Definitions } from './definitions.ts'
import { insertEvents } from './insert-events.ts'
import type { DefinitionParts, DefinitionPlan } from './plan-definition.ts'
import { findLatest, missingDefinition, noDefinitionLeft } from './plan-definition.ts'

const TRIES = 5

/** A definition was changed between its plan and the change. */
export class OvertakenPlan extends Error {}

/**
 * Makes the changes in the caller's transaction, of the api role. Each name has one plan at the most.
 *
 * @returns the definitions as they are then, in the order of the plans
 */
export async function applyPlans(
  db: Db,
  author: Author,
  companyId: string,
  plans: readonly DefinitionPlan[],
): Promise<readonly CustomDefinition[]> {
  const changes = plans.filter(({ outcome }) => outcome !== 'unchanged')
  const made = changes.length === 0 ? [] : await makeChanges(db, author, companyId, changes)
  const byName = new Map(made.map((definition) => [definition.row.event_name, definition]))
  return plans.map(({ eventName, before }) => {
    const definition = byName.get(eventName) ?? before
    if (!definition) throw new Error(`${eventName} was written and is not there`)
    return definition
  })
}

async function makeChanges(
  db: Db,
  author: Author,
  companyId: string,
  plans: readonly DefinitionPlan[],
): Promise<readonly CustomDefinition[]> {
  const versions = await keepVersions(db, author, companyId, plans)
  const revision = await begin(db, companyId)
  await checkPlans(db, companyId, plans)
  const saved = await saveCustomEvents(
    db,
    companyId,
    plans.map(({ eventName, before, next }) => {
      const latest = versionOf(versions, eventName, before).version
      return {
        company_id: companyId,
        event_name: eventName,
        ...next,
        first_version: before?.row.first_version ?? latest,
        first_version_in_force: before?.row.first_version_in_force ?? (isInForce(next.status) ? latest : null),
        latest_version: latest,
        revision,
      }
    }),
  )
  const rows = new Map(saved.map((row) => [row.event_name, row]))
  const changed = plans.flatMap(({ eventName, before }) => {
    const row = rows.get(eventName)
    return row ? [{ before, after: { row, version: versionOf(versions, eventName, before) } }] : []
  })
  await insertEvents(
    db,
    changed.flatMap(({ before, after }) => eventsOfChange(author, before, after)),
  )
  return changed.map(({ after }) => after)
}

/** Keeps the new versions, and gives them by name. Numbers of deleted ones do not come again. */
async function keepVersions(
  db: Db,
  { actor }: Author,
  companyId: string,
  plans: readonly DefinitionPlan[],
): Promise<ReadonlyMap<string, VersionRow>> {
  const drafts = plans.flatMap(({ eventName, version }) => (version ? [{ eventName, version }] : []))
  if (drafts.length === 0) return new Map()
  const greatest = await greatestVersions(
    db,
    companyId,
    drafts.map(({ eventName }) => eventName),
  )
  const before = new Map(greatest.map(({ event_name: name, version }) => [name, version]))
  const rows = drafts.map(({ eventName, version: { schema, examples, entity, related, personal } }): NewVersionRow => ({
    event_name: eventName,
    version: (before.get(eventName) ?? 0) + 1,
    schema,
    examples: JSON.stringify(examples),
    entity: entity ?? null,
    related,
    personal,
    created_by: actor,
  }))
  try {
    return await insertVersions(db, companyId, rows)
  } catch (error) {
    if (sqlState(error) === UNIQUE_VIOLATION) throw new OvertakenPlan('Another change kept such a version')
    throw error
  }
}

const UNIQUE_VIOLATION = '23505'

function versionOf(
  versions: ReadonlyMap<string, VersionRow>,
  eventName: string,
  before: CustomDefinition | undefined,
): VersionRow {
  const version = versions.get(eventName) ?? before?.version
  if (!version) throw new Error(`The new definition ${eventName} has no version`)
  return version
}

/** Under the head's lock: whether the plans were made for what there is, and whether there is room for what is new. */
async function checkPlans(db: Db, companyId: string, plans: readonly DefinitionPlan[]): Promise<void> {
  const found = await findCustomEvents(
    db,
    companyId,
    plans.map(({ eventName }) => eventName),
  )
  const revisions = new Map(found.map((row) => [row.event_name, row.revision]))
  for (const { eventName, before } of plans) {
    if (revisions.get(eventName) !== before?.row.revision) throw new OvertakenPlan(eventName)
  }
  const added = plans.filter(({ before }) => before === undefined).length
  if (added === 0) return
  const problem = await noDefinitionLeft(db, companyId, added)
  if (problem) throw problem
}

/**
 * Plans and makes changes in one transaction, anew when one of them was overtaken. `plan` is called once for each try; when
 * it gives no plans nothing is made.
 *
 * @returns the definitions as they are then, in the order of the plans of the last try
 */
export async function changeDefinitions(
  { pool }: Pick<DefinitionParts, 'pool'>,
  author: Author,
  companyId: string,
  plan: () => Promise<readonly DefinitionPlan[]>,
): Promise<readonly CustomDefinition[]> {
  for (let tries = 1; ; tries++) {
    const plans = await plan()
    try {
      return await asCompany(pool, companyId, async (db) => await applyPlans(db, author, companyId, plans))
    } catch (error) {
      if (!(error instanceof OvertakenPlan)) throw error
      if (tries === TRIES) throw new ProblemError('unavailable', 'Others change the definitions at this moment')
    }
  }
}

/** {@link changeDefinitions} for one. */
export async function changeDefinition(
  parts: Pick<DefinitionParts, 'pool'>,
  author: Author,
  companyId: string,
  plan: () => Promise<DefinitionPlan>,
): Promise<{ readonly definition: CustomDefinition; readonly outcome: DefinitionPlan['outcome'] }> {
  let outcome: DefinitionPlan['outcome'] = 'unchanged'
  const [definition] = await changeDefinitions(parts, author, companyId, async () => {
    const planned = await plan()
    outcome = planned.outcome
    return [planned]
  })
  if (!definition) throw new Error('A plan gives a definition')
  return { definition, outcome }
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
  const seen = await findLatest(db, companyId, eventName)
  if (!seen) throw missingDefinition(standard, eventName)
  allow(seen.row.revision)
  const since = await checkUnused(db, companyId, seen)
  await begin(db, companyId)
  const definition = await findLatest(db, companyId, eventName)
  if (!definition) throw missingDefinition(standard, eventName)
  allow(definition.row.revision)
  await checkUnused(db, companyId, definition, definition.row.status === seen.row.status ? since : logBegin)
  await deleteCustomEvent(db, companyId, eventName)
  await insertEvents(db, [
    tellOfDefinition(author, definition.row, 'deleted', { before: describeDefinition(definition) }),
  ])
}

/**
 * Throws if what is no draft had events after the mark. Gives the mark of now: looking through a long outbox takes its time,
 * so it is done before the head is locked, and under the lock only for what came since.
 */
async function checkUnused(
  db: Db,
  companyId: string,
  { row: { event_name: eventName, status } }: CustomDefinition,
  since: LogMark = logBegin,
): Promise<LogMark> {
  const [mark = logBegin] = await readLogMark(db, companyId)
  if (status !== 'draft' && (await hadEvents(db, companyId, eventName, since))) {
    throw new ProblemError('definition_in_use', `${eventName} had events; archive it, and publishes of it are refused`)
  }
  return mark
}

async function begin(db: Db, companyId: string): Promise<number> {
  const [head] = await beginDefinitionChange(db, companyId)
  if (!head) throw new Error(`Company ${companyId} has no head`)
  return head.revision
}
