import type { KeyObject } from 'node:crypto'
import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import { matchesEventName } from '../events/event-names.ts'
import { UnreadableError } from '../vault/sealed.ts'
import type { Vault } from '../vault/vault.ts'
import { decodeSigningSecret } from './sign.ts'
import { placeOfSecret } from './subscription-store.ts'

/** A subscription as one of its versions has it. */
export interface Subscription {
  readonly companyId: string
  readonly id: string
  readonly version: number
  readonly webhookUrl: string
  readonly eventNames: readonly string[]
  readonly status: 'active' | 'inactive' | 'disabled' | 'deleted'
  readonly concurrency: number
  readonly timeoutMs: number
}

/** A subscription with what a call to it needs. */
export interface DeliverableSubscription extends Subscription {
  readonly url: URL
  /** The current secret first; older ones until they expire. */
  readonly secrets: readonly SigningSecret[]
}

export interface SigningSecret {
  /** What signs, or why there is nothing that does. */
  readonly key: KeyObject | UnreadableError
  readonly expiresAtMs: number
}

export interface VersionRow {
  company_id: string
  version: number
  subscription_id: string
  webhook_url: string
  event_names: string[]
  status: Subscription['status']
  concurrency: number
  timeout_ms: number
}

const readVersions = statement<[companyId: string, after: number, upTo: number], VersionRow>(
  'subscription.read_versions',
  `select distinct on (subscription_id)
          company_id, version, subscription_id, webhook_url, event_names, status, concurrency, timeout_ms
     from event_subscription_versions
    where company_id = $1 and version > $2 and version <= $3
    order by subscription_id, version desc`,
)

interface SecretRow {
  subscription_id: string
  id: string
  sealed: Buffer | null
  expires_at: Date | null
}

const readSecrets = statement<[companyId: string, subscriptionIds: readonly string[]], SecretRow>(
  'subscription.read_secrets',
  `select subscription_id, id, sealed, expires_at
     from subscription_secrets
    where company_id = $1 and subscription_id = any($2::uuid[])
    order by subscription_id, expires_at desc nulls first`,
)

export function toSubscription(row: VersionRow): Subscription {
  return {
    companyId: row.company_id,
    id: row.subscription_id,
    version: row.version,
    webhookUrl: row.webhook_url,
    eventNames: row.event_names,
    status: row.status,
    concurrency: row.concurrency,
    timeoutMs: row.timeout_ms,
  }
}

/** True when an event of this name is owed to the subscription. */
export function isOwed(subscription: Subscription, eventName: string): boolean {
  return (
    subscription.status === 'active' && subscription.eventNames.some((pattern) => matchesEventName(pattern, eventName))
  )
}

/** One company's subscriptions at one version. */
export class SubscriptionSet {
  readonly version: number
  readonly #byId: ReadonlyMap<string, DeliverableSubscription>
  readonly #owed = new Map<string, readonly DeliverableSubscription[]>()

  constructor(version: number, byId: ReadonlyMap<string, DeliverableSubscription>) {
    this.version = version
    this.#byId = byId
  }

  /** Deleted ones included. */
  get(id: string): DeliverableSubscription | undefined {
    return this.#byId.get(id)
  }

  /** Those that are owed events of this name, in the order of their ids. */
  owed(eventName: string): readonly DeliverableSubscription[] {
    let owed = this.#owed.get(eventName)
    if (!owed) {
      owed = [...this.#byId.values()].filter((one) => isOwed(one, eventName)).sort((a, b) => (a.id < b.id ? -1 : 1))
      if (this.#owed.size >= NAMES_REMEMBERED) this.#owed.clear()
      this.#owed.set(eventName, owed)
    }
    return owed
  }

  /** This set with the changes that lead to `version`. */
  async at(db: Db, vault: Vault, companyId: string, version: number): Promise<SubscriptionSet> {
    const rows = await readVersions(db, companyId, this.version, version)
    const ids = rows.map((row) => row.subscription_id)
    const secrets = Map.groupBy(await readSecrets(db, companyId, ids), (row) => row.subscription_id)
    const open = await vault.opener(db, companyId)
    const byId = new Map(this.#byId)
    for (const row of rows) {
      const own = secrets.get(row.subscription_id) ?? []
      byId.set(row.subscription_id, {
        ...toSubscription(row),
        url: URL.parse(row.webhook_url) ?? unusableUrl,
        secrets: own.map((secret) => ({
          key: toSigningKey(secret, open),
          expiresAtMs: secret.expires_at?.getTime() ?? Infinity,
        })),
      })
    }
    return new SubscriptionSet(version, byId)
  }
}

/** Stands for an address that somebody spoiled in the database: its calls end as `invalid_url`, and nobody else's fail. */
const unusableUrl = new URL('about:blank')

const NAMES_REMEMBERED = 10_000

/** Never throws: one secret that cannot be opened must not keep the company's other subscriptions from being read. */
function toSigningKey(
  { subscription_id, id, sealed }: SecretRow,
  open: Awaited<ReturnType<Vault['opener']>>,
): SigningSecret['key'] {
  if (!sealed) return new UnreadableError('It is not sealed yet; the next start of a server does so')
  try {
    return decodeSigningSecret(open(placeOfSecret(subscription_id, id), sealed).reveal())
  } catch (error) {
    return error instanceof UnreadableError
      ? error
      : new UnreadableError('It does not have the form of a signing secret')
  }
}

/**
 * The subscriptions of all companies, kept in memory. Whoever uses them first reads the company's version from its head,
 * in its own transaction, and asks for that version; only what changed since is read.
 */
export class SubscriptionSets {
  readonly #vault: Vault
  readonly #sets = new Map<string, SubscriptionSet>()

  constructor(vault: Vault) {
    this.#vault = vault
  }

  /** The set at `version` or later: a caller that lags behind gets the newer one. */
  async get(db: Db, companyId: string, version: number): Promise<SubscriptionSet> {
    const known = this.#sets.get(companyId) ?? new SubscriptionSet(0, new Map())
    if (known.version >= version) return known
    const set = await known.at(db, this.#vault, companyId, version)
    const newest = this.#sets.get(companyId)
    if (!newest || newest.version < set.version) this.#sets.set(companyId, set)
    return set
  }
}
