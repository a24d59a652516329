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

const saveRow = command<
  [
    companyId: string,
    eventName: string,
    status: string,
    compatibility: string,
    title: string,
    description: string,
    owner: string | null,
    tags: readonly string[],
    firstVersion: number,
    firstVersionInForce: number | null,
    latestVersion: number,
    revision: number,
  ]
>(
  'definition.save',
  `insert into custom_events as e (company_id, event_name, status, compatibility, title, description, owner, tags,
          first_version, first_version_in_force, latest_version, revision, updated_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, now())
   on conflict (company_id, event_name) do update
      set status = excluded.status, compatibility = excluded.compatibility, title = excluded.title,
          description = excluded.description, owner = excluded.owner, tags = excluded.tags,
          first_version_in_force = excluded.first_version_in_force, latest_version = excluded.latest_version,
          revision = excluded.revision, updated_at = excluded.updated_at`,
)

export async function saveCustomEvent(db: Db, row: Omit<CustomEventRow, 'created_at' | 'updated_at'>): Promise<void> {
  await saveRow(
    db,
    row.company_id,
    row.event_name,
    row.status,
    row.compatibility,
    row.title,
    row.description,
    row.owner,
    row.tags,
    row.first_version,
    row.first_version_in_force,
    row.latest_version,
    row.revision,
  )
}

/** Its versions stay. */
export const deleteCustomEvent = command<[companyId: string, eventName: string]>(
  'definition.delete',
  `delete from custom_events where company_id = $1 and event_name = $2`,
)

/** The greatest version that any definition of this name ever had; null when there was none. */
export const greatestVersion = statement<[companyId: string, eventName: string], { version: number | null }>(
  'definition.greatest_version',
  `select max(version) as version from custom_event_versions where company_id = $1 and event_name = $2`,
)

const insertRow = command<
  [
    companyId: string,
    eventName: string,
    version: number,
    schema: string,
    examples: string,
    entity: string | null,
    related: string,
    personal: string,
    createdBy: string,
  ]
>(
  'definition.insert_version',
  `insert into custom_event_versions (company_id, event_name, version, schema, examples, entity, related, personal, created_by)
   values ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8::jsonb, $9::jsonb)`,
)

export async function insertVersion(
  db: Db,
  companyId: string,
  eventName: string,
  row: Omit<VersionRow, 'created_at'>,
): Promise<void> {
  await insertRow(
    db,
    companyId,
    eventName,
    row.version,
    row.schema,
    row.examples,
    row.entity && JSON.stringify(row.entity),
    JSON.stringify(row.related),
    JSON.stringify(row.personal),
    JSON.stringify(row.created_by),
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

/** Whether an event of this name was accepted, numbered or not. */
export const hadEvents = statement<[companyId: string, eventName: string], { had_events: boolean }>(
  'definition.had_events',
  `select exists (select 1 from event_audit_trail where company_id = $1 and event_name = $2)
       or exists (
            select 1
              from event_outbox o
             cross join lateral (
               select event_name from event_logs l where l.company_id = $1 and l.id = o.event_id limit 1
             ) l
             where o.company_id = $1 and l.event_name = $2
          ) as had_events`,
)

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
