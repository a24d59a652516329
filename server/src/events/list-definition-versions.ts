import { asCompany } from '../db/transaction.ts'
import type { PageRequest } from '../lib/cursor.ts'
import { decodeCursor, encodeCursor, pageRows } from '../lib/cursor.ts'
import { listVersions } from './custom-definition-store.ts'
import type { DefinitionParts } from './plan-definition.ts'
import { readDefinition } from './read-definition.ts'

export interface ListedVersion {
  readonly version: number
  readonly isLatest: boolean
  /** False for one of a draft. */
  readonly wasInForce: boolean
  readonly createdAt: Date | null
  readonly createdBy: { readonly type: string; readonly id: string; readonly name?: string } | null
}

/** The versions of a definition, newest first. Throws `not_found`. */
export async function listDefinitionVersions(
  parts: Pick<DefinitionParts, 'pool' | 'standard'>,
  companyId: string,
  eventName: string,
  page: PageRequest,
): Promise<{ readonly versions: readonly ListedVersion[]; readonly nextCursor: string | null }> {
  const kind = 'definition_versions'
  const [before = Infinity] = page.cursor === undefined ? [] : decodeCursor(kind, page.cursor, ['integer'])
  const found = await readDefinition(parts, companyId, eventName)
  if ('standard' in found) {
    const { version } = found.standard
    const only = { version, isLatest: true, wasInForce: true, createdAt: null, createdBy: null }
    return { versions: version < before ? [only] : [], nextCursor: null }
  }
  const { row } = found.custom
  const limit = pageRows(page)
  const below = Math.min(before, row.latest_version + 1)
  const rows = await asCompany(parts.pool, companyId, (db) =>
    listVersions(db, companyId, eventName, row.first_version, below, limit + 1),
  )
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const inForceFrom = row.first_version_in_force ?? Infinity
  return {
    versions: shown.map(({ version, created_at, created_by: { type, id, name } }) => ({
      version,
      isLatest: version === row.latest_version,
      wasInForce: version >= inForceFrom,
      createdAt: created_at,
      createdBy: { type, id, ...(name !== undefined && { name }) },
    })),
    nextCursor: last && rows.length > limit ? encodeCursor(kind, [last.version]) : null,
  }
}
