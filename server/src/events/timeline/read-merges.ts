/**
 * Merges are few among the events about an entity, and few of them are about one entity; no index leads to both. So there
 * are two ways: through the entity's entries where these are few, and through the company's merges where they are many.
 */
import { statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import type { EntityRef } from '../event.ts'

/** Entries of the index of entities, of all that are asked for together, up to which they are read one by one. */
const ENTRIES_MAX = 1_000

/** Merges of the company that are looked at, the newest. */
const MERGES_MAX = 10_000

/** Answered by the index alone. It stops where it is known that there are many. */
const countEntries = statement<[companyId: string, type: string, ids: readonly string[]], { readonly entries: number }>(
  'timeline.count_entries',
  `select count(*) as entries
     from (
       select e.position
         from unnest($3::text[]) as w(id)
        cross join lateral (
          select e.position
            from event_entities e
           where e.company_id = $1 and e.entity_type = $2 and e.entity_id = w.id
           limit ${ENTRIES_MAX + 1}
        ) e
        limit ${ENTRIES_MAX + 1}
     ) counted`,
)

async function hasFewEntries(db: Db, companyId: string, type: string, ids: readonly string[]): Promise<boolean> {
  const [counted] = await countEntries(db, companyId, type, ids)
  return (counted?.entries ?? 0) <= ENTRIES_MAX
}

interface RelatedRow {
  readonly related: readonly EntityRef[] | null
}

const relatedByEntity = statement<
  [companyId: string, type: string, ids: readonly string[], mergedName: string],
  RelatedRow
>(
  'timeline.merged_by_entity',
  `select l.related
     from unnest($3::text[]) as w(id)
    cross join lateral (
      select e.position
        from event_entities e
       where e.company_id = $1 and e.entity_type = $2 and e.entity_id = w.id and not e.is_related
    ) e
    cross join lateral (
      select t.event_id, t.event_name
        from event_audit_trail t
       where t.company_id = $1 and t.position = e.position
       limit 1
    ) t
    cross join lateral (
      select l.related from event_logs l where l.company_id = $1 and l.id = t.event_id limit 1
    ) l
    where t.event_name = $4`,
)

/** How many were looked at, in every row; one row without anything else where none is about these entities. */
const relatedByName = statement<
  [companyId: string, type: string, ids: readonly string[], mergedName: string],
  RelatedRow & { readonly looked: number }
>(
  'timeline.merged_by_name',
  `with merge as materialized (
     select t.event_id, t.entity_type, t.entity_id
       from event_audit_trail t
      where t.company_id = $1 and t.event_name = $4
      order by t.position desc
      limit ${MERGES_MAX}
   )
   select c.looked, l.related
     from (select count(*) as looked from merge) c
     left join (
       select l.related
         from merge m
        cross join lateral (
          select l.related from event_logs l where l.company_id = $1 and l.id = m.event_id limit 1
        ) l
        where m.entity_type = $2 and m.entity_id = any($3)
     ) l on true`,
)

interface Merged {
  /** Ids, of the type that was asked for. */
  readonly ids: readonly string[]
  /** False when the company has more merges than are looked at. */
  readonly isComplete: boolean
}

/** What was merged into these: what `<type>.merged` events about them name as related, as long as these are in the log. */
export async function listMerged(db: Db, companyId: string, type: string, ids: readonly string[]): Promise<Merged> {
  const mergedName = `${type}.merged`
  if (await hasFewEntries(db, companyId, type, ids)) {
    return { ids: idsIn(await relatedByEntity(db, companyId, type, ids, mergedName), type), isComplete: true }
  }
  const rows = await relatedByName(db, companyId, type, ids, mergedName)
  return { ids: idsIn(rows, type), isComplete: (rows[0]?.looked ?? 0) < MERGES_MAX }
}

function idsIn(rows: readonly RelatedRow[], type: string): readonly string[] {
  const refs = rows.flatMap(({ related }) => related ?? [])
  return [...new Set(refs.filter((one) => one.type === type).map((one) => one.id))]
}

type SurvivorParameters = [companyId: string, type: string, id: string, mergedName: string]

interface SurvivorRow {
  readonly survivor: string
}

const survivorsByEntity = statement<SurvivorParameters, SurvivorRow>(
  'timeline.survivors_by_entity',
  `select distinct t.entity_id as survivor
     from event_entities e
    cross join lateral (
      select t.event_name, t.entity_type, t.entity_id
        from event_audit_trail t
       where t.company_id = $1 and t.position = e.position
       limit 1
    ) t
    where e.company_id = $1 and e.entity_type = $2 and e.entity_id = $3 and e.is_related and t.event_name = $4
      and t.entity_type = $2`,
)

const survivorsByName = statement<SurvivorParameters, SurvivorRow>(
  'timeline.survivors_by_name',
  `select distinct m.entity_id as survivor
     from (
       select t.position, t.entity_type, t.entity_id
         from event_audit_trail t
        where t.company_id = $1 and t.event_name = $4
        order by t.position desc
        limit ${MERGES_MAX}
     ) m
    cross join lateral (
      select e.is_related
        from event_entities e
       where e.company_id = $1 and e.entity_type = $2 and e.entity_id = $3 and e.position = m.position
       limit 1
    ) e
    where m.entity_type = $2 and e.is_related`,
)

/** The other way round: what it was merged into. The trail knows it for ever. */
export async function listSurvivors(db: Db, companyId: string, { type, id }: EntityRef): Promise<readonly string[]> {
  const read = (await hasFewEntries(db, companyId, type, [id])) ? survivorsByEntity : survivorsByName
  return (await read(db, companyId, type, id, `${type}.merged`)).map(({ survivor }) => survivor)
}
