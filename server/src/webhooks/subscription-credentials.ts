import type { Db } from '../db/statement.ts'
import { newId } from '../lib/ids.ts'
import { ProblemError } from '../lib/problems.ts'
import { UnreadableError } from '../vault/sealed.ts'
import type { Vault } from '../vault/vault.ts'
import type { EndpointTls } from './client-certificate.ts'
import type { EndpointAuth, EndpointCredentialFacts, EndpointCredentials } from './endpoint-auth.ts'
import { credentialFacts, credentialText, parseCredentialText } from './endpoint-auth.ts'
import type { SubscriptionRow } from './subscription-store.ts'
import {
  deleteCredentials,
  deleteSuperseded,
  findCredential,
  insertCredential,
  placeOfCredential,
  supersedeCredentials,
} from './subscription-store.ts'

/** Absent stays, null is taken away. */
export interface CredentialChange {
  readonly auth?: EndpointAuth | null
  readonly tls?: EndpointTls | null
}

type CredentialColumns = Pick<SubscriptionRow, 'credential_id' | 'credential_facts'>

export const noCredentials: CredentialColumns = { credential_id: null, credential_facts: null }

export function changesCredentials({ auth, tls }: CredentialChange): boolean {
  return auth !== undefined || tls !== undefined
}

/** Throws secret_unreadable where a part stays that cannot be opened. */
export async function changedCredentials(
  db: Db,
  vault: Vault,
  row: CredentialColumns & Pick<SubscriptionRow, 'company_id' | 'id'>,
  { auth, tls }: CredentialChange,
): Promise<EndpointCredentials> {
  const isWhole = auth !== undefined && tls !== undefined
  const before = isWhole ? undefined : await openCredentials(db, vault, row)
  const nextTls = tls === undefined ? before?.tls : (tls ?? undefined)
  const nextAuth = auth === undefined ? before?.auth : auth
  return { auth: nextAuth ?? { type: 'none' }, ...(nextTls && { tls: nextTls }) }
}

/**
 * Credentials stay with the place that they were given for. Else whoever may change a subscription, but not read its
 * secrets, could have them sent to an address of his own. Throws invalid_credentials.
 */
export function refuseToTakeAlong(before: EndpointCredentialFacts, { auth, tls }: CredentialChange): void {
  const left = [
    ...(before.auth.type !== 'none' && auth === undefined ? ['/auth'] : []),
    ...(before.tls && tls === undefined ? ['/tls'] : []),
  ]
  if (left.length === 0) return
  const message = 'The URL leads to another place: give its credentials again, or null'
  throw new ProblemError(
    'invalid_credentials',
    message,
    left.map((pointer) => ({ pointer, code: 'credentials_needed', message })),
  )
}

/** Undefined where there are none. Throws secret_unreadable. */
export async function openCredentials(
  db: Db,
  vault: Vault,
  {
    company_id: companyId,
    id,
    credential_id: credentialId,
  }: Pick<SubscriptionRow, 'company_id' | 'id' | 'credential_id'>,
): Promise<EndpointCredentials | undefined> {
  if (credentialId === null) return undefined
  const [row] = await findCredential(db, companyId, id, credentialId)
  const open = await vault.opener(db, companyId)
  return readable(() =>
    parseCredentialText(row ? open(placeOfCredential(id, credentialId), row.sealed).reveal() : ''),
  )()
}

/** The same, throwing secret_unreadable for what cannot be opened. */
export function readable<Given extends unknown[], Result>(
  open: (...given: Given) => Result,
): (...given: Given) => Result {
  return (...given) => {
    try {
      return open(...given)
    } catch (error) {
      if (error instanceof UnreadableError) throw new ProblemError('secret_unreadable', error.message)
      throw error
    }
  }
}

/** Longer than any call is under way, with what goes before it. */
const KEPT_SECONDS = 300

/**
 * Stores them sealed. Those before stay for the calls that are under way, however often they are replaced meanwhile. Where
 * nothing is left all are gone at once: a call that was about to show one is not made.
 */
export async function storeCredentials(
  db: Db,
  seal: Awaited<ReturnType<Vault['sealer']>>,
  row: Pick<SubscriptionRow, 'company_id' | 'id'>,
  credentials: EndpointCredentials,
): Promise<CredentialColumns> {
  const { company_id: companyId, id } = row
  if (credentials.auth.type === 'none' && !credentials.tls) {
    await deleteCredentials(db, companyId, id)
    return noCredentials
  }
  const credentialId = newId()
  await insertCredential(
    db,
    companyId,
    id,
    credentialId,
    seal(placeOfCredential(id, credentialId), credentialText(credentials)),
  )
  await supersedeCredentials(db, companyId, id, credentialId)
  await deleteSuperseded(db, companyId, id, KEPT_SECONDS)
  return { credential_id: credentialId, credential_facts: JSON.stringify(credentialFacts(credentials)) }
}

/** What may be shown. */
export function factsOf({
  credential_facts: facts,
}: Pick<SubscriptionRow, 'credential_facts'>): EndpointCredentialFacts {
  return facts === null ? { auth: { type: 'none' }, tls: null } : (JSON.parse(facts) as EndpointCredentialFacts)
}
