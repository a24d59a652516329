import type { Db } from '../db/statement.ts'
import type { Author } from '../events/administrative-event.ts'
import { Secret } from '../vault/secret.ts'
import type { Vault } from '../vault/vault.ts'
import type { EndpointCredentials } from './endpoint-auth.ts'
import { openCredentials, readable } from './subscription-credentials.ts'
import { placeOfSecret, readSecrets } from './subscription-store.ts'
import { getSubscription, tell } from './subscriptions.ts'

export interface RevealedSecrets {
  /** The current one first. */
  readonly secrets: readonly { readonly secret: Secret<string>; readonly expiresAt: Date | null }[]
  readonly credentials: Secret<EndpointCredentials>
}

/**
 * Everything of a subscription that is secret, and an event that says who asked for it. Throws not_found, and
 * secret_unreadable for what cannot be opened.
 */
export async function revealSecrets(
  db: Db,
  vault: Vault,
  author: Author,
  companyId: string,
  id: string,
): Promise<RevealedSecrets> {
  const row = await getSubscription(db, companyId, id)
  const sealed = await readSecrets(db, companyId, [id])
  const open = readable(await vault.opener(db, companyId))
  const secrets = sealed.flatMap(({ id: secretId, sealed: bytes, expires_at: expiresAt }) =>
    bytes ? [{ secret: open(placeOfSecret(id, secretId), bytes), expiresAt }] : [],
  )
  const credentials = (await openCredentials(db, vault, row)) ?? { auth: { type: 'none' } }
  await tell(db, author, 'daybook.subscription.secrets_revealed', row, {})
  return { secrets, credentials: new Secret(credentials) }
}
