import type { Db } from '../db/statement.ts'
import { command, statement } from '../db/statement.ts'
import type { Author } from '../events/administrative-event.ts'
import { administrativeEvent } from '../events/administrative-event.ts'
import { insertEvents } from '../events/insert-events.ts'
import { newId } from '../lib/ids.ts'
import { ProblemError } from '../lib/problems.ts'

export interface CompanySettings {
  /** Events whose name has no definition are accepted. */
  readonly allow_undeclared_events: boolean
  /** Failed deliveries in a row after which a subscription is disabled. */
  readonly disable_after_failures: number
  /** It is told once a day how many events there were and how they were delivered, by a `metrics.updated`. */
  readonly daily_metrics: boolean
}

export const defaultSettings: CompanySettings = {
  allow_undeclared_events: false,
  disable_after_failures: 10,
  daily_metrics: false,
}

export interface Company {
  readonly id: string
  readonly name: string
  readonly settings: CompanySettings
  readonly created_at: Date
}

const insertRow = command<[id: string, name: string, settings: string]>(
  'company.insert',
  `insert into companies (id, name, settings) values ($1, $2, $3::jsonb)`,
)

const insertHead = command<[id: string]>('company.insert_head', `insert into company_heads (company_id) values ($1)`)

interface Row {
  id: string
  name: string
  settings: Partial<CompanySettings>
  created_at: Date
}

const findRow = statement<[id: string], Row>(
  'company.find',
  `select id, name, settings, created_at from companies where id = $1`,
)

const listRows = statement<[before: string | null, limit: number], Row>(
  'company.list',
  `select id, name, settings, created_at
     from companies
    where $1::uuid is null or id < $1
    order by id desc
    limit $2`,
)

const saveSettings = command<[id: string, settings: string]>(
  'company.save_settings',
  `update companies set settings = $2::jsonb where id = $1`,
)

const lockHead = statement<[id: string], { company_id: string }>(
  'company.lock_head',
  `select company_id from company_heads where company_id = $1 for update`,
)

/** Needs the engine's role: companies are made by the operator, above all of them. */
export async function createCompany(
  db: Db,
  author: Author,
  input: { readonly name: string; readonly settings?: Partial<CompanySettings> },
): Promise<Company> {
  const id = newId(author.nowMs)
  const settings = { ...defaultSettings, ...input.settings }
  await insertRow(db, id, input.name, JSON.stringify(settings))
  await insertHead(db, id)
  await tell(db, author, id, 'daybook.company.created', { after: { name: input.name, settings } })
  return await getCompany(db, id)
}

export async function updateSettings(
  db: Db,
  author: Author,
  id: string,
  change: Partial<CompanySettings>,
): Promise<Company> {
  await lockHead(db, id)
  const before = await getCompany(db, id)
  const settings = { ...before.settings, ...change }
  await saveSettings(db, id, JSON.stringify(settings))
  await tell(db, author, id, 'daybook.company.updated', {
    before: { settings: before.settings },
    after: { settings },
  })
  return { ...before, settings }
}

export async function getCompany(db: Db, id: string): Promise<Company> {
  const [row] = await findRow(db, id)
  if (!row) throw new ProblemError('not_found', `No company ${id}`)
  return toCompany(row)
}

/** Newest first, after the company `before`. */
export async function listCompanies(db: Db, before: string | null, limit: number): Promise<readonly Company[]> {
  return (await listRows(db, before, limit)).map(toCompany)
}

function toCompany(row: Row): Company {
  return { ...row, settings: { ...defaultSettings, ...row.settings } }
}

async function tell(
  db: Db,
  author: Author,
  companyId: string,
  eventName: `daybook.${string}`,
  payload: { readonly before?: unknown; readonly after?: unknown },
): Promise<void> {
  const entity = { type: 'company', id: companyId }
  await insertEvents(db, [administrativeEvent(author, { companyId, eventName, entity, payload })])
}
