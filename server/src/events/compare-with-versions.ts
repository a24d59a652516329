import { asCompany } from '../db/transaction.ts'
import type { DbPool } from '../db/pools.ts'
import type { CustomEventRow } from './custom-definition-store.ts'
import { listVersionSchemas } from './custom-definition-store.ts'
import type { CompatibilityMode, VersionIncompatibility } from './schema-compatibility.ts'
import { SCHEMA_TOO_COSTLY } from './schema-judge.ts'
import type { SchemaJudge } from './schema-judge.ts'

/** As many schemas are in memory at a time. */
const SLICE = 20

/** What is found beyond this many breaks is not looked for. */
const BREAKS_MAX = 1_000

/**
 * What a new schema breaks of the versions that were in force, the newest first. A definition that never was binds nobody.
 *
 * @param schema JSON text
 */
export async function compareWithVersions(
  { pool, judge }: { readonly pool: DbPool; readonly judge: Pick<SchemaJudge, 'compare'> },
  row: Pick<CustomEventRow, 'company_id' | 'event_name' | 'first_version_in_force' | 'latest_version'>,
  mode: CompatibilityMode,
  schema: string,
): Promise<readonly VersionIncompatibility[]> {
  const { company_id: companyId, event_name: eventName, first_version_in_force: first } = row
  if (mode === 'none' || first === null) return []
  const breaks: VersionIncompatibility[] = []
  const slice = mode.endsWith('_transitive') ? SLICE : 1
  for (let before = row.latest_version + 1; before > first && breaks.length < BREAKS_MAX;) {
    const versions = await asCompany(pool, companyId, (db) =>
      listVersionSchemas(db, companyId, eventName, first, before, slice),
    )
    const found = await judge.compare(companyId, mode, versions, schema)
    breaks.push(...found)
    // What takes too long with these will take no less with those before, and it is a break already.
    if (found.some(({ code }) => code === SCHEMA_TOO_COSTLY)) break
    const last = versions.at(-1)
    if (!last || slice === 1) break
    before = last.version
  }
  return breaks
}
