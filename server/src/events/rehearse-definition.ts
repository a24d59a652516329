import type { DbPool } from '../db/pools.ts'
import { statement } from '../db/statement.ts'
import { asCompany } from '../db/transaction.ts'
import type { Fault } from '../lib/problems.ts'
import type { SchemaJudge } from './schema-judge.ts'

const findPositions = statement<[companyId: string, eventName: string, limit: number], LastEvent>(
  'definition.last_events',
  `select position, event_id
     from event_audit_trail
    where company_id = $1 and event_name = $2
    order by position desc
    limit $3`,
)

const readPayloads = statement<[companyId: string, ids: readonly string[]], { id: string; payload: string }>(
  'definition.read_payloads',
  `select id, payload from event_logs where company_id = $1 and id = any($2::uuid[])`,
)

/** Payloads in memory at a time: 16 MiB at the most. */
const SLICE = 64
const SAMPLES_MAX = 10
const DEADLINE_MS = 10_000

export interface RehearsalResult {
  readonly checked: number
  readonly failing: number
  /** False when time ran out before all were judged. */
  readonly complete: boolean
  /** The newest first. Faults name places of the payload and never what stands there. */
  readonly samples: readonly {
    readonly event_id: string
    readonly position: number
    readonly faults: readonly Fault[]
  }[]
}

/** Judges the last events of a name by a schema that was checked: how many would be refused today. Changes nothing. */
export async function rehearseDefinition(
  { pool, judge }: { readonly pool: DbPool; readonly judge: Pick<SchemaJudge, 'rehearse'> },
  companyId: string,
  eventName: string,
  schema: unknown,
  last: number,
): Promise<RehearsalResult> {
  const events = await asCompany(pool, companyId, (db) => findPositions(db, companyId, eventName, last))
  const end = performance.now() + DEADLINE_MS
  const samples: RehearsalResult['samples'][number][] = []
  let [checked, failing] = [0, 0]
  for (let from = 0; from < events.length; from += SLICE) {
    if (performance.now() >= end) return { checked, failing, complete: false, samples }
    const stored = await withPayloads(pool, companyId, events.slice(from, from + SLICE))
    const texts = stored.map(({ payload }) => payload)
    const result = await judge.rehearse(companyId, schema, texts, end - performance.now())
    checked += result.judged
    failing += result.failing.length
    for (const { index, faults } of result.failing) {
      const event = stored[index]
      if (!event || samples.length === SAMPLES_MAX) continue
      samples.push({ event_id: event.event_id, position: event.position, faults })
    }
    if (result.faults.length > 0) return { checked, failing, complete: false, samples }
  }
  return { checked, failing, complete: true, samples }
}

interface LastEvent {
  readonly position: number
  readonly event_id: string
}

/** Without those whose payload is gone. */
async function withPayloads(
  pool: DbPool,
  companyId: string,
  events: readonly LastEvent[],
): Promise<readonly (LastEvent & { readonly payload: string })[]> {
  const ids = events.map((one) => one.event_id)
  const rows = await asCompany(pool, companyId, (db) => readPayloads(db, companyId, ids))
  const payloads = new Map(rows.map(({ id, payload }) => [id, payload]))
  return events.flatMap((one) => {
    const payload = payloads.get(one.event_id)
    return payload === undefined ? [] : [{ ...one, payload }]
  })
}
