import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { DefinitionStatus } from './definition-lifecycle.ts'

/** What a publish has to know of a definition before it reads a schema. */
export interface IndexEntry {
  readonly eventName: string
  readonly status: DefinitionStatus
  /** The latest. */
  readonly version: number
}

/** A company's definitions by name. */
export interface DefinitionIndex {
  /** The company's `definition_version` that it is not older than. */
  readonly version: number
  readonly entries: ReadonlyMap<string, IndexEntry>
}

const readVersions = statement<[companyIds: readonly string[]], { company_id: string; version: number }>(
  'definition.read_company_versions',
  `select company_id, definition_version as version from company_heads where company_id = any($1::uuid[])`,
)

/** In bytes of its parameter, a few hundred kilobytes. */
const COMPANIES_AT_A_TIME = 5_000

/** The `definition_version` of each; of a company that there is not, nothing. */
export async function readDefinitionVersions(
  db: Db,
  companyIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const versions = new Map<string, number>()
  for (let from = 0; from < companyIds.length; from += COMPANIES_AT_A_TIME) {
    const rows = await readVersions(db, companyIds.slice(from, from + COMPANIES_AT_A_TIME))
    for (const { company_id: companyId, version } of rows) versions.set(companyId, version)
  }
  return versions
}

interface ChangeRow {
  count: number
  event_name: string | null
  status: DefinitionStatus
  version: number
}

/** One row at least, for the count; both are of one moment. */
const readChanges = statement<[companyId: string, since: number], ChangeRow>(
  'definition.read_changes',
  `select c.count, e.event_name, e.status, e.latest_version as version
     from (select count(*) as count from custom_events where company_id = $1) c
     left join custom_events e on e.company_id = $1 and e.revision > $2`,
)

const readNames = statement<[companyId: string], { event_name: string }>(
  'definition.read_names',
  `select event_name from custom_events where company_id = $1`,
)

/**
 * A company's definitions. Of what is known of them before, only what changed since is read.
 *
 * @param version the company's, read before: what is found may be newer than it says, and is then read once more, but never
 *   older
 */
export async function readDefinitionIndex(
  db: Db,
  companyId: string,
  version: number,
  before: DefinitionIndex = { version: 0, entries: new Map() },
): Promise<DefinitionIndex> {
  if (version === before.version) return before
  // A database that was put back to an earlier time has versions that were given twice.
  if (version < before.version) return await readDefinitionIndex(db, companyId, version)
  const changes = await readChanges(db, companyId, before.version)
  const entries = new Map(before.entries)
  for (const { event_name: eventName, status, version: latest } of changes) {
    if (eventName !== null) entries.set(eventName, { eventName, status, version: latest })
  }
  if (entries.size === changes[0]?.count) return { version, entries }
  const left = new Set((await readNames(db, companyId)).map((row) => row.event_name))
  for (const name of entries.keys()) if (!left.has(name)) entries.delete(name)
  return { version, entries }
}
