import { command, statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import type { Fault } from '../../lib/problems.ts'
import { ProblemError } from '../../lib/problems.ts'
import type { Author } from '../administrative-event.ts'
import { administrativeEvent } from '../administrative-event.ts'
import { isEventNamePattern } from '../event-names.ts'
import { insertEvents } from '../insert-events.ts'
import type { Retention } from './retention-rules.ts'
import { keepAll } from './retention-rules.ts'

interface Row {
  readonly company_id: string
  readonly payload_days: number | null
  readonly ledger_days: number | null
  readonly rules: readonly { readonly event_name: string; readonly payload_days: number | null }[]
  readonly updated_at: Date
}

const columns = 'company_id, payload_days, ledger_days, rules, updated_at'

const findRow = statement<[companyId: string], Row>(
  'retention.find',
  `select ${columns} from retention_settings where company_id = $1`,
)

/** Whoever changes it waits until the transaction has ended, and so for what is ended by the rules of before. */
const lockRow = statement<[companyId: string], Row>(
  'retention.lock_for_share',
  `select ${columns} from retention_settings where company_id = $1 for share`,
)

const listRows = statement<[afterCompanyId: string, limit: number], Row>(
  'retention.list_companies',
  `select ${columns} from retention_settings where company_id > $1 order by company_id limit $2`,
)

const saveRow = statement<
  [companyId: string, payloadDays: number | null, ledgerDays: number | null, rules: string, at: string],
  Row
>(
  'retention.save',
  `update retention_settings
      set payload_days = $2, ledger_days = $3, rules = $4::jsonb, updated_at = $5::timestamptz
    where company_id = $1
   returning ${columns}`,
)

const addRow = command<[companyId: string, at: string]>(
  'retention.add',
  `insert into retention_settings (company_id, payload_days, ledger_days, rules, updated_at)
   values ($1, null, null, '[]', $2::timestamptz)
       on conflict do nothing`,
)

/** Two changes at once: each tells of the other as its before. The company's head stays free, for publishing and routing. */
const lockRowForChange = statement<[companyId: string], Row>(
  'retention.lock_for_update',
  `select ${columns} from retention_settings where company_id = $1 for update`,
)

/** What a company decided, and when. */
export interface RetentionDecision extends Retention {
  /** Null when nothing was ever decided: everything is kept. */
  readonly updated_at: string | null
}

export async function getRetention(db: Db, companyId: string): Promise<RetentionDecision> {
  const [row] = await findRow(db, companyId)
  return row ? toDecision(row) : { ...keepAll, updated_at: null }
}

/** The same, and nobody changes it before the transaction has ended. */
export async function holdRetention(db: Db, companyId: string): Promise<Retention> {
  const [row] = await lockRow(db, companyId)
  return row ? toDecision(row) : keepAll
}

/** Of all companies that decided something, in the order of their ids. */
export async function listRetentions(
  db: Db,
  afterCompanyId: string,
  limit: number,
): Promise<readonly { readonly companyId: string; readonly retention: Retention }[]> {
  const rows = await listRows(db, afterCompanyId, limit)
  return rows.map((row) => ({ companyId: row.company_id, retention: toDecision(row) }))
}

/**
 * Replaces what was decided, with its `daybook.retention.changed`. What has ended already does not come back. Throws
 * invalid_event_name or invalid_retention.
 */
export async function changeRetention(
  db: Db,
  author: Author,
  companyId: string,
  wanted: Retention,
): Promise<RetentionDecision> {
  checkRules(wanted)
  const at = new Date(author.nowMs).toISOString()
  await addRow(db, companyId, at)
  const [previous] = await lockRowForChange(db, companyId)
  if (!previous) throw new Error('The retention was not found')
  const { updated_at: _, ...before } = toDecision(previous)
  const rules = wanted.rules.map((rule) => ({
    event_name: rule.event_name,
    payload_days: rule.payload_retention_days,
  }))
  const [row] = await saveRow(
    db,
    companyId,
    wanted.payload_retention_days,
    wanted.ledger_retention_days,
    JSON.stringify(rules),
    at,
  )
  if (!row) throw new Error('The retention was not saved')
  const decision = toDecision(row)
  const { updated_at: __, ...after } = decision
  await insertEvents(db, [
    administrativeEvent(author, {
      companyId,
      eventName: 'daybook.retention.changed',
      entity: { type: 'company', id: companyId },
      payload: { before, after },
    }),
  ])
  return decision
}

/** Throws invalid_event_name or invalid_retention. */
export function checkRules({ rules }: Retention): void {
  const names = rules.map((rule) => rule.event_name)
  const pointerOf = (index: number): string => `/rules/${index}/event_name`
  const malformed = faultsOf(names, pointerOf, 'invalid_event_name', (name) => !isEventNamePattern(name))
  if (malformed.length > 0) throw new ProblemError('invalid_event_name', 'A rule names no event name', malformed)
  const twice = faultsOf(names, pointerOf, 'duplicate', (name, index) => names.indexOf(name) < index)
  if (twice.length > 0) throw new ProblemError('invalid_retention', 'Two rules are about the same names', twice)
}

const messages = {
  invalid_event_name: 'An event name, a prefix such as appointment.*, or * for every business event',
  duplicate: 'An earlier rule is about the same names',
} as const

function faultsOf(
  names: readonly string[],
  pointerOf: (index: number) => string,
  code: keyof typeof messages,
  isWrong: (name: string, index: number) => boolean,
): readonly Fault[] {
  return names.flatMap((name, index) =>
    isWrong(name, index) ? [{ pointer: pointerOf(index), code, message: messages[code] }] : [],
  )
}

function toDecision(row: Row): RetentionDecision {
  return {
    payload_retention_days: row.payload_days,
    ledger_retention_days: row.ledger_days,
    rules: row.rules.map((rule) => ({ event_name: rule.event_name, payload_retention_days: rule.payload_days })),
    updated_at: row.updated_at.toISOString(),
  }
}
