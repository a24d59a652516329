import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { LoggedEvent, RoutedEvent } from './event.ts'
import type { LoggedEvents } from './read-logged.ts'
import { missingDetails, readLogged } from './read-logged.ts'
import type { RecentEvents } from './recent-events.ts'
import type { SetAside } from './set-aside.ts'

export interface OutboxRow {
  company_id: string
  seq: number
  event_id: string
}

const takePositions = statement<
  [companyIds: readonly string[], counts: readonly number[]],
  { company_id: string; last_position: number; subscription_version: number }
>(
  'head.take_positions',
  `update company_heads h
      set last_position = h.last_position + ($2::bigint[])[array_position($1::uuid[], h.company_id)]
    where h.company_id = any($1::uuid[])
   returning h.company_id, h.last_position, h.subscription_version`,
)

/** A line of the audit trail. */
export interface TrailRow {
  readonly event: RoutedEvent
  /** Of its outbox row. */
  readonly seq: number
}

/** What becomes of outbox rows. */
export interface Batch {
  readonly trail: readonly TrailRow[]
  /** Of the companies' subscriptions. */
  readonly versions: ReadonlyMap<string, number>
  readonly aside: readonly SetAside[]
}

/** Reads the events of outbox rows and takes positions for them, in their order. */
export async function numberEvents(db: Db, recent: RecentEvents, rows: readonly OutboxRow[]): Promise<Batch> {
  const logged = new Map<string, LoggedEvents>()
  for (const [companyId, own] of Map.groupBy(rows, (row) => row.company_id)) {
    const ids = own.map((row) => row.event_id)
    logged.set(companyId, await readLogged(db, recent, companyId, ids))
  }
  const aside: SetAside[] = []
  const found: { readonly event: LoggedEvent; readonly row: OutboxRow }[] = []
  for (const row of rows) {
    const event = logged.get(row.company_id)?.get(row.event_id)
    if (event) {
      found.push({ event, row })
    } else {
      const why = logged.get(row.company_id)?.whyMissing(row.event_id) ?? 'payload_gone'
      aside.push(toSetAside(row, why, missingDetails[why]))
    }
  }
  const counts = new Map<string, number>()
  for (const { row } of found) counts.set(row.company_id, (counts.get(row.company_id) ?? 0) + 1)
  const next = new Map<string, number>()
  const versions = new Map<string, number>()
  for (const head of await takePositions(db, [...counts.keys()], [...counts.values()])) {
    next.set(head.company_id, head.last_position - (counts.get(head.company_id) ?? 0) + 1)
    versions.set(head.company_id, head.subscription_version)
  }
  const trail: TrailRow[] = []
  for (const { event, row } of found) {
    const position = next.get(row.company_id)
    if (position === undefined) {
      aside.push(toSetAside(row, 'company_gone', 'There is no such company'))
    } else {
      next.set(row.company_id, position + 1)
      trail.push({ event: { ...event, position }, seq: row.seq })
    }
  }
  return { trail, versions, aside }
}

export function toSetAside(row: OutboxRow, reason: SetAside['reason'], detail: string): SetAside {
  return { companyId: row.company_id, eventId: row.event_id, seq: row.seq, reason, detail }
}
