import { rowShape } from '../db/rows.ts'
import { command, statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { Missing } from './read-logged.ts'

/**
 * Events that cannot be routed. One that stayed in the outbox would hold up all companies, since the router goes by the
 * outbox's order; so it leaves the outbox and is noted here with the reason, until somebody puts it back.
 */
export interface SetAside {
  readonly companyId: string
  readonly eventId: string
  /** Its number in the outbox. */
  readonly seq: number
  readonly reason: SetAsideReason
  /** For people. Holds no data of the event. */
  readonly detail: string
}

/** `company_gone`: the company has no head to number from. `not_routable`: the database refuses what routing writes. */
export type SetAsideReason = Missing | 'company_gone' | 'not_routable'

const shape = rowShape<SetAside>({
  company_id: ['uuid', ({ companyId }) => companyId],
  seq: ['bigint', ({ seq }) => seq],
  event_id: ['uuid', ({ eventId }) => eventId],
  reason: ['text', ({ reason }) => reason],
  detail: ['text', ({ detail }) => detail],
})

const moveRows = command<readonly unknown[]>(
  'set_aside.move',
  `with input as materialized (
     select * from ${shape.from()}
   ), noted as (
     insert into events_set_aside (company_id, seq, event_id, reason, detail)
     select company_id, seq, event_id, reason, detail from input
   )
   delete from event_outbox
    where seq = any(array(select seq from input)) and company_id = any(array(select distinct company_id from input))`,
)

/** Moves rows from the outbox to here, in the router's transaction. */
export async function setAside(db: Db, rows: readonly SetAside[]): Promise<void> {
  if (rows.length === 0) return
  const moved = await moveRows(db, ...shape.values(rows))
  if (moved !== rows.length) throw new Error('The outbox changed under the router')
}

export interface SetAsideRow {
  company_id: string
  seq: number
  event_id: string
  reason: string
  detail: string | null
  set_aside_at: Date
}

/** Those of all companies, the oldest first. */
export const listSetAside = statement<[limit: number], SetAsideRow>(
  'set_aside.list',
  `select company_id, seq, event_id, reason, detail, set_aside_at from events_set_aside order by set_aside_at limit $1`,
)

export interface SetAsidePlace {
  company_id: string
  seq: number
  event_id: string
}

/** A page of all of them in the order of their keys, behind the one that is named. */
const pageSetAside = statement<[afterCompany: string, afterSeq: number, limit: number], SetAsidePlace>(
  'set_aside.page',
  `select company_id, seq, event_id
     from events_set_aside
    where (company_id, seq) > ($1, $2)
    order by company_id, seq
    limit $3`,
)

const NO_COMPANY = '00000000-0000-0000-0000-000000000000'

/** All that are there, read in pages. */
export async function readSetAside(db: Db, rowsPerPage: number): Promise<readonly SetAsidePlace[]> {
  const all: SetAsidePlace[] = []
  for (;;) {
    const last = all.at(-1)
    const page = await pageSetAside(db, last?.company_id ?? NO_COMPANY, last?.seq ?? 0, rowsPerPage)
    all.push(...page)
    if (page.length < rowsPerPage) return all
  }
}

/**
 * Puts events of one company back into the outbox; answers with their number. They are routed like events that were just
 * published, and set aside again when the reason still holds. Safe to call twice.
 */
export const putBack = command<[companyId: string, seqs: readonly number[]]>(
  'set_aside.put_back',
  `with back as (
     delete from events_set_aside where company_id = $1 and seq = any($2::bigint[]) returning company_id, seq, event_id
   )
   insert into event_outbox (company_id, event_id) select company_id, event_id from back order by seq`,
)
