import type { Db } from '../db/statement.ts'
import type { PageRequest } from '../lib/cursor.ts'
import { decodeCursor, encodeCursor, pageRows } from '../lib/cursor.ts'
import { listCustomEvents } from './custom-definition-store.ts'
import type { DefinitionStatus } from './definition-lifecycle.ts'
import { summaryOfCustom, summaryOfStandard } from './definition-view.ts'
import type { DefinitionSummary } from './definition-view.ts'
import type { Definitions } from './definitions.ts'

export interface DefinitionFilter {
  readonly source?: 'standard' | 'custom' | undefined
  readonly status?: DefinitionStatus | undefined
  readonly tag?: string | undefined
  /** Part of a name, a title or a description, in any case. */
  readonly text?: string | undefined
}

/**
 * The standard definitions and a company's own, by name. The cursor is the name of the last one of a page, so what is made or
 * deleted meanwhile shifts nothing.
 */
export async function listDefinitions(
  db: Db,
  standard: Definitions,
  companyId: string,
  filter: DefinitionFilter,
  page: PageRequest,
): Promise<{ readonly definitions: readonly DefinitionSummary[]; readonly nextCursor: string | null }> {
  const [after = ''] = page.cursor === undefined ? [] : decodeCursor('definitions', page.cursor, ['name'])
  const limit = pageRows(page)
  const { source, status, tag, text } = filter
  const asked = [tag, text].filter((one) => one !== undefined)
  if (asked.some((one) => one.includes('\0'))) return { definitions: [], nextCursor: null } // no stored text has it
  const conditions = { status: status ?? null, tag: tag ?? null, text: text ?? null }
  const own = source === 'standard' ? [] : await listCustomEvents(db, companyId, after, conditions, limit + 1)
  const names = new Set(own.map((row) => row.event_name))
  const given = source === 'custom' ? [] : standardSummaries(standard, filter).filter((one) => one.eventName > after)
  const all = [...own.map(summaryOfCustom), ...given.filter((one) => !names.has(one.eventName))]
  const sorted = all.toSorted((one, other) => (one.eventName < other.eventName ? -1 : 1))
  const definitions = sorted.slice(0, limit)
  const last = definitions.at(-1)
  return {
    definitions,
    nextCursor: last && sorted.length > limit ? encodeCursor('definitions', [last.eventName]) : null,
  }
}

function standardSummaries(standard: Definitions, filter: DefinitionFilter): readonly DefinitionSummary[] {
  const text = filter.text?.toLowerCase() ?? ''
  return standard
    .names()
    .flatMap((name) => standard.get(name) ?? [])
    .map(summaryOfStandard)
    .filter(({ status }) => filter.status === undefined || filter.status === status)
    .filter(({ tags }) => filter.tag === undefined || tags.includes(filter.tag))
    .filter(({ eventName, title, description }) =>
      [eventName, title, description].some((one) => one.toLowerCase().includes(text)),
    )
}
