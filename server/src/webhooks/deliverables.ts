import type { KeyObject } from 'node:crypto'
import { rowShape } from '../db/rows.ts'
import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import { RecentMap } from '../lib/recent-map.ts'
import { UnreadableError } from '../vault/sealed.ts'
import type { Vault } from '../vault/vault.ts'
import type { CallCredentials } from './call-credentials.ts'
import { openCallCredentials } from './call-credentials.ts'
import type { WebhookFormat } from './outgoing-event.ts'
import type { RetrySchedule } from './retry.ts'
import { decodeSigningSecret } from './sign.ts'
import { headersOf } from './subscription-settings.ts'
import type { Subscription } from './subscription-set.ts'
import { placeOfCredential, placeOfSecret, readSecrets } from './subscription-store.ts'

/** A subscription with what a call to it needs. */
export interface DeliverableSubscription extends Subscription, CallCredentials {
  readonly webhookUrl: string
  readonly url: URL
  /** Sent with every call. */
  readonly customHeaders: readonly (readonly [name: string, value: string])[]
  readonly format: WebhookFormat
  /** Undefined: the operator's. */
  readonly retrySchedule: RetrySchedule | undefined
  /** The current secret first; older ones until they expire. */
  readonly secrets: readonly SigningSecret[]
}

export interface SigningSecret {
  /** What signs, or why there is nothing that does. */
  readonly key: KeyObject | UnreadableError
  readonly expiresAtMs: number
}

interface CallRow {
  subscription_id: string
  webhook_url: string
  custom_headers: string | null
  format: WebhookFormat
  retry_schedule: number[] | null
  credential_id: string | null
  credential: Buffer | null
}

const keyShape = rowShape<Subscription>({
  subscription_id: ['uuid', ({ id }) => id],
  version: ['bigint', ({ version }) => version],
})

const readCalls = statement<[companyId: string, ...keys: unknown[]], CallRow>(
  'subscription.read_calls',
  `select v.*,
          (select c.sealed
             from subscription_credentials c
            where c.company_id = $1 and c.subscription_id = v.subscription_id and c.id = v.credential_id) as credential
     from ${keyShape.from(2)}
    cross join lateral (
      select subscription_id, webhook_url, custom_headers, format, retry_schedule, credential_id
        from event_subscription_versions
       where company_id = $1 and version = x.version and subscription_id = x.subscription_id
       limit 1
    ) v`,
)

type SecretRow = Awaited<ReturnType<typeof readSecrets>>[number]

/** And up to as many more. */
const REMEMBERED = 5_000

/**
 * What calls need of subscriptions, read and opened when the first call to one is due and kept for its version while it is
 * used: of a hundred thousand subscriptions few are called within an hour. A rotated secret makes a new version.
 */
export class Deliverables {
  readonly #vault: Vault
  readonly #known: RecentMap<DeliverableSubscription>

  constructor(vault: Vault, remembered = REMEMBERED) {
    this.#vault = vault
    this.#known = new RecentMap(remembered)
  }

  /** By subscription id. Never throws for one that is spoiled: it must not keep the company's others from being called. */
  async load(
    db: Db,
    companyId: string,
    subscriptions: Iterable<Subscription>,
  ): Promise<ReadonlyMap<string, DeliverableSubscription>> {
    const loaded = new Map<string, DeliverableSubscription>()
    const missing: Subscription[] = []
    for (const one of subscriptions) {
      const known = this.#known.get(one.id)
      if (known?.version === one.version) loaded.set(one.id, known)
      else missing.push(one)
    }
    if (missing.length > 0) for (const one of await this.#read(db, companyId, missing)) loaded.set(one.id, one)
    return loaded
  }

  async #read(
    db: Db,
    companyId: string,
    subscriptions: readonly Subscription[],
  ): Promise<readonly DeliverableSubscription[]> {
    const ids = subscriptions.map(({ id }) => id)
    const calls = new Map(
      (await readCalls(db, companyId, ...keyShape.values(subscriptions))).map((row) => [row.subscription_id, row]),
    )
    const secrets = Map.groupBy(await readSecrets(db, companyId, ids), (row) => row.subscription_id)
    const open = await this.#vault.opener(db, companyId)
    return subscriptions.flatMap((subscription) => {
      const call = calls.get(subscription.id)
      if (!call) return []
      const deliverable = {
        ...subscription,
        webhookUrl: call.webhook_url,
        url: URL.parse(call.webhook_url) ?? unusableUrl,
        customHeaders: Object.entries(headersOf(call)),
        format: call.format,
        ...credentialsOf(call, companyId, open),
        retrySchedule: call.retry_schedule?.map((seconds) => seconds * 1_000),
        secrets: (secrets.get(subscription.id) ?? []).map((secret) => ({
          key: toSigningKey(secret, open),
          expiresAtMs: secret.expires_at?.getTime() ?? Infinity,
        })),
      }
      this.#known.set(deliverable.id, deliverable)
      return [deliverable]
    })
  }
}

/** Stands for an address that somebody spoiled in the database: its calls end as `invalid_url`, and nobody else's fail. */
const unusableUrl = new URL('about:blank')

function credentialsOf(
  { subscription_id: id, credential_id: credentialId, credential }: CallRow,
  companyId: string,
  open: Awaited<ReturnType<Vault['opener']>>,
): CallCredentials {
  if (credentialId === null) return {}
  return openCallCredentials(companyId, () => {
    if (!credential) throw new UnreadableError('They are stored no more')
    return open(placeOfCredential(id, credentialId), credential)
  })
}

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
