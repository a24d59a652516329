import type { Db } from '../db/statement.ts'
import { command, statement } from '../db/statement.ts'
import type { Author } from '../events/administrative-event.ts'
import { administrativeEvent } from '../events/administrative-event.ts'
import { insertEvents } from '../events/insert-events.ts'
import { newId } from '../lib/ids.ts'
import { ProblemError } from '../lib/problems.ts'
import type { Scope } from '../lib/scopes.ts'
import { digestOfKey, hintOfKey, newApiKey } from './api-key-text.ts'

export interface ApiKey {
  readonly id: string
  readonly name: string
  readonly hint: string
  readonly scopes: readonly Scope[]
  readonly created_at: Date
  readonly expires_at: Date | null
  readonly revoked_at: Date | null
}

const insertRow = command<
  [
    companyId: string,
    id: string,
    name: string,
    digest: Buffer,
    hint: string,
    scopes: readonly string[],
    expiresAt: string | null,
  ]
>(
  'api_key.insert',
  `insert into api_keys (company_id, id, name, key_digest, hint, scopes, expires_at) values ($1, $2, $3, $4, $5, $6, $7)`,
)

const columns = `id, name, hint, scopes, created_at, expires_at, revoked_at`

const findRow = statement<[companyId: string, id: string], ApiKey>(
  'api_key.find',
  `select ${columns} from api_keys where company_id = $1 and id = $2`,
)

const listRows = statement<[companyId: string, before: string | null, limit: number], ApiKey>(
  'api_key.list',
  `select ${columns}
     from api_keys
    where company_id = $1 and ($2::uuid is null or id < $2)
    order by id desc
    limit $3`,
)

const revokeRow = command<[companyId: string, id: string]>(
  'api_key.revoke',
  `update api_keys set revoked_at = now() where company_id = $1 and id = $2 and revoked_at is null`,
)

/** Makes a key. Its text is in this answer and nowhere else. `text` is given for a company's first key only. */
export async function createApiKey(
  db: Db,
  author: Author,
  companyId: string,
  input: {
    readonly name: string
    readonly scopes: readonly Scope[]
    readonly expires_at?: string | null
    readonly text?: string
  },
): Promise<{ apiKey: ApiKey; key: string }> {
  const key = input.text ?? newApiKey()
  const id = newId(author.nowMs)
  const hint = hintOfKey(key)
  await insertRow(db, companyId, id, input.name, digestOfKey(key), hint, input.scopes, input.expires_at ?? null)
  const apiKey = await getApiKey(db, companyId, id)
  await tell(db, author, companyId, 'daybook.api_key.created', apiKey, {
    after: { name: apiKey.name, hint, scopes: apiKey.scopes, expires_at: apiKey.expires_at },
  })
  return { apiKey, key }
}

/** Ends a key; every process refuses it within five seconds. Safe to call twice. */
export async function revokeApiKey(db: Db, author: Author, companyId: string, id: string): Promise<ApiKey> {
  const before = await getApiKey(db, companyId, id)
  if ((await revokeRow(db, companyId, id)) === 0) return before
  const after = await getApiKey(db, companyId, id)
  await tell(db, author, companyId, 'daybook.api_key.revoked', after, {
    before: { name: before.name, revoked_at: null },
    after: { name: after.name, revoked_at: after.revoked_at },
  })
  return after
}

/** Newest first, after the key `before`. */
export async function listApiKeys(
  db: Db,
  companyId: string,
  before: string | null,
  limit: number,
): Promise<readonly ApiKey[]> {
  return await listRows(db, companyId, before, limit)
}

async function getApiKey(db: Db, companyId: string, id: string): Promise<ApiKey> {
  const [row] = await findRow(db, companyId, id)
  if (!row) throw new ProblemError('not_found', `No API key ${id}`)
  return row
}

async function tell(
  db: Db,
  author: Author,
  companyId: string,
  eventName: `daybook.${string}`,
  apiKey: ApiKey,
  payload: { readonly before?: unknown; readonly after?: unknown },
): Promise<void> {
  const entity = { type: 'api_key', id: apiKey.id }
  await insertEvents(db, [
    administrativeEvent(author, { companyId, eventName, entity, payload: { api_key_id: apiKey.id, ...payload } }),
  ])
}
