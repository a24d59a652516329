import { statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import type { EntityRef } from '../event.ts'

/** Merges that are looked at for one identity. */
const MERGES_MAX = 100

interface MergeRow {
  readonly related: readonly EntityRef[] | null
}

/** What was merged into each of these: the related entities of `<type>.merged` events about it. */
const readMerges = statement<[companyId: string, type: string, ids: readonly string[], mergedName: string], MergeRow>(
  'timeline.read_merges',
  `select l.related
     from unnest($3::text[]) as w(id)
    cross join lateral (
      select e.position, e.event_id
        from event_entities e
        join event_audit_trail t on t.company_id = $1 and t.position = e.position
       where e.company_id = $1 and e.entity_type = $2 and e.entity_id = w.id and not e.is_related and t.event_name = $4
       limit ${MERGES_MAX}
    ) m
    cross join lateral (
      select l.related from event_logs l where l.company_id = $1 and l.id = m.event_id limit 1
    ) l`,
)

/** The other way round; the trail knows it for ever. */
const readSurvivors = statement<
  [companyId: string, type: string, id: string, mergedName: string],
  { readonly survivor: string }
>(
  'timeline.read_survivors',
  `select distinct t.entity_id as survivor
     from event_entities e
     join event_audit_trail t on t.company_id = $1 and t.position = e.position
    where e.company_id = $1 and e.entity_type = $2 and e.entity_id = $3 and e.is_related and t.event_name = $4
      and t.entity_type = $2
    limit ${MERGES_MAX}`,
)

export interface Identities {
  /** Of the same type: the entity itself first, then what was merged into it, directly or not. */
  readonly ids: readonly string[]
  /** What the entity itself was merged into. */
  readonly mergedInto: readonly string[]
  /** False when there are more than 100. */
  readonly isComplete: boolean
}

const IDENTITIES_MAX = 100

/**
 * Whose story an entity's is. `customer.merged` is about the customer that lives on and names the one that was given up as
 * related; so `<type>.merged` for every type. Chains are followed and circles end, as no identity is looked at twice. A
 * merge is known as long as its event is in the log.
 */
export async function readIdentities(db: Db, companyId: string, { type, id }: EntityRef): Promise<Identities> {
  const mergedName = `${type}.merged`
  const found = new Set([id])
  for (let open: readonly string[] = [id]; open.length > 0 && found.size < IDENTITIES_MAX;) {
    const rows = await readMerges(db, companyId, type, open, mergedName)
    const others = rows.flatMap(({ related }) => related ?? []).filter((one) => one.type === type)
    open = [...new Set(others.map((one) => one.id))].filter((other) => !found.has(other))
    for (const other of open) found.add(other)
  }
  const survivors = await readSurvivors(db, companyId, type, id, mergedName)
  return {
    ids: [...found].slice(0, IDENTITIES_MAX),
    mergedInto: survivors.map(({ survivor }) => survivor),
    isComplete: found.size < IDENTITIES_MAX,
  }
}
