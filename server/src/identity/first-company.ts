import type { DbPool } from '../db/pools.ts'
import { command, statement } from '../db/statement.ts'
import { inTransaction } from '../db/transaction.ts'
import { systemActor } from '../events/administrative-event.ts'
import { createApiKey } from './api-keys.ts'
import { createCompany } from './companies.ts'

const lockCompanies = command<[]>('company.lock_all', `lock table companies in share row exclusive mode`)

const anyCompany = statement<[], { id: string }>('company.any', `select id from companies limit 1`)

/**
 * On an empty database, makes the first company and its key. Answers with the key's text, which is nowhere else; undefined
 * when there is a company already. Two starters at once make one company: the table is locked.
 */
export async function ensureFirstCompany(
  engine: DbPool,
  nowMs: number,
  bootstrapApiKey: string | undefined,
): Promise<string | undefined> {
  return await inTransaction(engine, async (db) => {
    await lockCompanies(db)
    if ((await anyCompany(db)).length > 0) return undefined
    const author = { actor: systemActor, nowMs }
    const company = await createCompany(db, author, {
      name: 'First company',
      settings: { allow_undeclared_events: true },
    })
    const text = bootstrapApiKey === undefined ? {} : { text: bootstrapApiKey }
    const { key } = await createApiKey(db, author, company.id, { name: 'First key', scopes: ['*'], ...text })
    return key
  })
}
