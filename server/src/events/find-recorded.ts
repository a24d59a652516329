import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { NewEvent } from './event.ts'

/** An event that was recorded by an earlier publish, and by which of its names it was recognised. */
export interface Recorded {
  readonly id: string
  readonly recordedAt: string
  readonly contentDigest: Buffer
  readonly by: 'id' | 'idempotency_key'
}

interface Row {
  id: string
  key: string | null
  content_digest: Buffer
  recorded_at: Date
}

const findByIdOrKey = statement<[companyId: string, ids: readonly string[], keys: readonly string[]], Row>(
  'event.find_recorded',
  `select id, null as key, content_digest, recorded_at from event_logs where company_id = $1 and id = any($2::uuid[])
   union all
   select event_id, key, content_digest, recorded_at from publish_keys where company_id = $1 and key = any($3::text[])`,
)

/**
 * Looks up which of the events are recorded under their id or their idempotency key.
 * The key is the stronger name: a publisher that repeats a key need not repeat the id.
 */
export async function findRecorded(
  db: Db,
  events: readonly NewEvent[],
): Promise<(event: NewEvent) => Recorded | undefined> {
  const found = new Map<string, Recorded>()
  for (const [companyId, own] of Map.groupBy(events, (event) => event.companyId)) {
    const keys = own.flatMap((event) => event.idempotencyKey ?? [])
    const ids = own.map((event) => event.id)
    for (const row of await findByIdOrKey(db, companyId, ids, keys)) {
      const by = row.key === null ? 'id' : 'idempotency_key'
      found.set(`${companyId} ${by} ${row.key ?? row.id}`, {
        id: row.id,
        recordedAt: row.recorded_at.toISOString(),
        contentDigest: row.content_digest,
        by,
      })
    }
  }
  return (event) =>
    found.get(`${event.companyId} idempotency_key ${event.idempotencyKey}`) ??
    found.get(`${event.companyId} id ${event.id}`)
}
