import { rowShape } from '../db/rows.ts'
import { command, statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import { parseStoredJson } from '../lib/json-text.ts'
import type { DefinitionStatus } from './definition-lifecycle.ts'
import type { EntityPointer } from './definitions.ts'
import type { Actor } from './event.ts'
import type { PersonalMember } from './schema-annotations.ts'
import type { CompatibilityMode } from './schema-compatibility.ts'

/** A row of custom_events: what a definition is today. */
export interface CustomEventRow {
  company_id: string
  event_name: string
  status: DefinitionStatus
  compatibility: CompatibilityMode
  title: string
  description: string
  owner: string | null
  tags: readonly string[]
  /** Versions below it belong to a definition of this name that was deleted. */
  first_version: number
  /** Null: it was never in force. */
  first_version_in_force: number | null
  latest_version: number
  /** Grows with every change, also over a deletion. */
  revision: number
  created_at: Date
  updated_at: Date
}

/** A row of custom_event_versions. It never changes. */
export interface VersionRow {
  version: number
  /** The schema's JSON text, byte for byte as it was given. */
  schema: string
  /** A JSON array. */
  examples: string
  entity: EntityPointer | null
  related: readonly EntityPointer[]
  personal: readonly PersonalMember[]
  created_at: Date
  created_by: Actor
}

const columns = `e.company_id, e.event_name, e.status, e.compatibility, e.title, e.description, e.owner, e.tags,
          e.first_version, e.first_version_in_force, e.latest_version, e.revision, e.created_at, e.updated_at`
const versionColumns = `version, schema, examples, entity, related, personal, created_at, created_by`

/**
 * Begins a change of a company's definitions: locks its head, so that the change lies between two positions, and counts
 * its definition version on. The first statement of every such transaction.
 */
export const beginDefinitionChange = statement<[companyId: string], { revision: number }>(
  'definition.begin_change',
  `update company_heads
      set definition_version = definition_version + 1
    where company_id = $1
   returning definition_version as revision`,
)

export const findCustomEvent = statement<[companyId: string, eventName: string], CustomEventRow>(
  'definition.find',
  `select ${columns} from custom_events e where e.company_id = $1 and e.event_name = $2`,
)

/** Those of the names that there are, in any order. */
export const findCustomEvents = statement<[companyId: string, eventNames: readonly string[]], CustomEventRow>(
  'definition.find_many',
  `select ${columns} from custom_events e where e.company_id = $1 and e.event_name = any($2::text[])`,
)

export const countCustomEvents = statement<[companyId: string], { count: number }>(
  'definition.count',
  `select count(*) as count from custom_events where company_id = $1`,
)

/** What is wanted of a list; null where nothing is asked. */
export interface ListConditions {
  readonly status: DefinitionStatus | null
  readonly tag: string | null
  /** Part of a name, a title or a description, in any case. */
  readonly text: string | null
}

/** A definition with what its latest version says of entities. */
export type ListedRow = CustomEventRow & Pick<VersionRow, 'entity' | 'related'>

const listRows = statement<
  [companyId: string, after: string, status: string | null, tag: string | null, text: string | null, limit: number],
  ListedRow
>(
  'definition.list',
  `select ${columns}, v.entity, v.related
     from custom_events e
    cross join lateral (
      select entity, related
        from custom_event_versions v
       where v.company_id = $1 and v.event_name = e.event_name and v.version = e.latest_version
       limit 1
    ) v
    where e.company_id = $1 and e.event_name > $2
      and ($3::text is null or e.status = $3)
      and ($4::text is null or $4 = any(e.tags))
      and ($5::text is null
        or position(lower($5) in lower(e.event_name)) > 0
        or position(lower($5) in lower(e.title)) > 0
        or position(lower($5) in lower(e.description)) > 0)
    order by e.event_name
    limit $6`,
)

/** By name, after the name `after`. */
export async function listCustomEvents(
  db: Db,
  companyId: string,
  after: string,
  { status, tag, text }: ListConditions,
  limit: number,
): Promise<readonly ListedRow[]> {
  return await listRows(db, companyId, after, status, tag, text, limit)
}

type SavedRow = Omit<CustomEventRow, 'created_at' | 'updated_at'>

const savedShape = rowShape<SavedRow>({
  event_name: ['text', (row) => row.event_name],
  status: ['text', (row) => row.status],
  compatibility: ['text', (row) => row.compatibility],
  title: ['text', (row) => row.title],
  description: ['text', (row) => row.description],
  owner: ['text', (row) => row.owner],
  tags: ['json', (row) => JSON.stringify(row.tags)],
  first_version: ['int', (row) => row.first_version],
  first_version_in_force: ['int', (row) => row.first_version_in_force],
  latest_version: ['int', (row) => row.latest_version],
  revision: ['bigint', (row) => row.revision],
})

const saveRows = statement<[companyId: string, ...columns: readonly string[]], CustomEventRow>(
  'definition.save',
  `insert into custom_events as e (company_id, event_name, status, compatibility, title, description, owner, tags,
          first_version, first_version_in_force, latest_version, revision, updated_at)
   select $1, x.event_name, x.status, x.compatibility, x.title, x.description, x.owner,
          array(select jsonb_array_elements_text(x.tags::jsonb)),
          x.first_version, x.first_version_in_force, x.latest_version, x.revision, now()
     from ${savedShape.from(2)}
   on conflict (company_id, event_name) do update
      set status = excluded.status, compatibility = excluded.compatibility, title = excluded.title,
          description = excluded.description, owner = excluded.owner, tags = excluded.tags,
          first_version_in_force = excluded.first_version_in_force, latest_version = excluded.latest_version,
          revision = excluded.revision, updated_at = excluded.updated_at
   returning ${columns}`,
)

/** Of one company, each name once. Gives the rows as they are kept, in any order. */
export async function saveCustomEvents(
  db: Db,
  companyId: string,
  rows: readonly SavedRow[],
): Promise<readonly CustomEventRow[]> {
  return await saveRows(db, companyId, ...savedShape.values(rows))
}

/** Its versions stay. */
export const deleteCustomEvent = command<[companyId: string, eventName: string]>(
  'definition.delete',
  `delete from custom_events where company_id = $1 and event_name = $2`,
)

/** The greatest version that any definition of a name ever had; no row for a name that had none. */
export const greatestVersions = statement<
  [companyId: string, eventNames: readonly string[]],
  { event_name: string; version: number }
>(
  'definition.greatest_versions',
  `select event_name, max(version) as version
     from custom_event_versions
    where company_id = $1 and event_name = any($2::text[])
    group by event_name`,
)

/** A version that is not kept yet. */
export type NewVersionRow = Omit<VersionRow, 'created_at'> & { readonly event_name: string }

const versionShape = rowShape<NewVersionRow>({
  event_name: ['text', (row) => row.event_name],
  version: ['int', (row) => row.version],
  schema: ['text', (row) => row.schema],
  examples: ['json', (row) => row.examples],
  entity: ['json', ({ entity }) => entity && JSON.stringify(entity)],
  related: ['json', (row) => JSON.stringify(row.related)],
  personal: ['json', (row) => JSON.stringify(row.personal)],
  created_by: ['json', (row) => JSON.stringify(row.created_by)],
})

/** What of a version is read back: jsonb has an order of members of its own. */
type KeptVersion = Omit<VersionRow, 'version' | 'schema' | 'examples'> & { readonly event_name: string }

const insertRows = statement<[companyId: string, ...columns: readonly string[]], KeptVersion>(
  'definition.insert_versions',
  `insert into custom_event_versions (company_id, event_name, version, schema, examples, entity, related, personal, created_by)
   select $1, x.event_name, x.version, x.schema, x.examples, x.entity::jsonb, x.related::jsonb, x.personal::jsonb,
          x.created_by::jsonb
     from ${versionShape.from(2)}
    order by x.event_name
   returning event_name, entity, related, personal, created_at, created_by`,
)

/**
 * Of one company, each name once; gives them by name. They are written in the order of their names, so that two transactions
 * that keep versions of the same names wait for each other in one order. Fails with a unique violation if another one kept
 * such a version.
 */
export async function insertVersions(
  db: Db,
  companyId: string,
  rows: readonly NewVersionRow[],
): Promise<ReadonlyMap<string, VersionRow>> {
  const given = new Map(rows.map((row) => [row.event_name, row]))
  const kept = await insertRows(db, companyId, ...versionShape.values(rows))
  return new Map(
    kept.flatMap(({ event_name: name, ...members }) => {
      const row = given.get(name)
      return row ? [[name, { version: row.version, schema: row.schema, examples: row.examples, ...members }]] : []
    }),
  )
}

export const findVersion = statement<[companyId: string, eventName: string, version: number], VersionRow>(
  'definition.find_version',
  `select ${versionColumns}
     from custom_event_versions
    where company_id = $1 and event_name = $2 and version = $3`,
)

/** Newest first, below the version `before` and not below `first`. */
export const listVersions = statement<
  [companyId: string, eventName: string, first: number, before: number, limit: number],
  Pick<VersionRow, 'version' | 'created_at' | 'created_by'>
>(
  'definition.list_versions',
  `select version, created_at, created_by
     from custom_event_versions
    where company_id = $1 and event_name = $2 and version >= $3 and version < $4
    order by version desc
    limit $5`,
)

/** Like {@link listVersions}, with the schemas. */
export const listVersionSchemas = statement<
  [companyId: string, eventName: string, first: number, before: number, limit: number],
  Pick<VersionRow, 'version' | 'schema'>
>(
  'definition.list_version_schemas',
  `select version, schema
     from custom_event_versions
    where company_id = $1 and event_name = $2 and version >= $3 and version < $4
    order by version desc
    limit $5`,
)

/** A point in a company's log: what was numbered and what waited for a number then. */
export interface LogMark {
  position: number
  seq: number
}

/** The point that the log begins at. */
export const logBegin: LogMark = { position: 0, seq: 0 }

export const readLogMark = statement<[companyId: string], LogMark>(
  'definition.read_log_mark',
  `select h.last_position as position,
          coalesce((select max(o.seq) from event_outbox o where o.company_id = $1), 0) as seq
     from company_heads h
    where h.company_id = $1`,
)

const findEvents = statement<[companyId: string, eventName: string, position: number, seq: number], { found: boolean }>(
  'definition.had_events',
  `select exists (select 1 from event_audit_trail where company_id = $1 and event_name = $2 and position > $3)
       or exists (
            select 1
              from event_outbox o
             cross join lateral (
               select event_name from event_logs l where l.company_id = $1 and l.id = o.event_id limit 1
             ) l
             where o.company_id = $1 and o.seq > $4 and l.event_name = $2
          ) as found`,
)

/** Whether an event of this name was accepted after the mark, numbered or not. */
export async function hadEvents(db: Db, companyId: string, eventName: string, since: LogMark): Promise<boolean> {
  const [row] = await findEvents(db, companyId, eventName, since.position, since.seq)
  return row?.found === true
}

/** A definition with one of its versions. */
export interface CustomDefinition {
  readonly row: CustomEventRow
  readonly version: VersionRow
}

/** The definition with its latest version, or with the one that is asked for. */
export async function findCustomDefinition(
  db: Db,
  companyId: string,
  eventName: string,
  version?: number,
): Promise<CustomDefinition | undefined> {
  const [row] = await findCustomEvent(db, companyId, eventName)
  if (!row) return undefined
  const wanted = version ?? row.latest_version
  if (wanted < row.first_version || wanted > row.latest_version) return undefined
  const [found] = await findVersion(db, companyId, eventName, wanted)
  return found && { row, version: found }
}

export function parseExamples({ examples }: Pick<VersionRow, 'examples'>): readonly unknown[] {
  const parsed = parseStoredJson(examples)
  return Array.isArray(parsed) ? parsed : []
}
