import type { Db } from '../db/statement.ts'
import { statement } from '../db/statement.ts'
import type { Clock } from '../lib/clock.ts'
import type { Scope } from '../lib/scopes.ts'
import { digestOfKey } from './api-key-text.ts'
import type { CompanySettings } from './companies.ts'
import { defaultSettings } from './companies.ts'

/** Whoever calls, as its key says. */
export interface Principal {
  readonly companyId: string
  readonly keyId: string
  readonly keyName: string
  readonly scopes: readonly Scope[]
  readonly settings: CompanySettings
}

interface Row {
  company_id: string
  id: string
  name: string
  scopes: Scope[]
  settings: Partial<CompanySettings>
}

/** The digest is looked up whole by index, so nothing is compared piece by piece and time tells nothing. */
const findByDigest = statement<[digest: Buffer], Row>(
  'api_key.find_by_digest',
  `select k.company_id, k.id, k.name, k.scopes, c.settings
     from api_keys k
     join companies c on c.id = k.company_id
    where k.key_digest = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())`,
)

const REMEMBERED_MS = 3_000
const REMEMBERED_MAX = 10_000

/**
 * Looks keys up and remembers the answer for three seconds: a revoked key, and a changed setting, are seen by every
 * process within five.
 */
export class KeyRing {
  readonly #db: Db
  readonly #clock: Clock
  readonly #known = new Map<string, { principal: Promise<Principal | undefined>; until: number }>()

  constructor(options: { db: Db; clock: Clock }) {
    this.#db = options.db
    this.#clock = options.clock
  }

  /** Undefined for a key that does not exist, is revoked, or has expired. */
  async authenticate(text: string): Promise<Principal | undefined> {
    const digest = digestOfKey(text)
    const name = digest.toString('base64')
    const now = this.#clock.elapsed()
    const known = this.#known.get(name)
    if (known && known.until > now) return await known.principal
    if (this.#known.size >= REMEMBERED_MAX) this.#known.clear()
    const principal = this.#find(digest)
    this.#known.set(name, { principal, until: now + REMEMBERED_MS })
    principal.catch(() => this.#known.delete(name))
    return await principal
  }

  async #find(digest: Buffer): Promise<Principal | undefined> {
    const [row] = await findByDigest(this.#db, digest)
    return (
      row && {
        companyId: row.company_id,
        keyId: row.id,
        keyName: row.name,
        scopes: row.scopes,
        settings: { ...defaultSettings, ...row.settings },
      }
    )
  }
}
