import type { Db } from '../db/statement.ts'
import type { Author } from '../events/administrative-event.ts'
import { administrativeEvent, systemActor } from '../events/administrative-event.ts'
import { insertEvents } from '../events/insert-events.ts'
import { systemClock } from '../lib/clock.ts'
import { newId } from '../lib/ids.ts'
import { ProblemError } from '../lib/problems.ts'
import type { Fault } from '../lib/problems.ts'
import { Secret } from '../vault/secret.ts'
import type { Vault } from '../vault/vault.ts'
import { checkFilterRoom } from './check-filter-room.ts'
import { dissolveChains } from './dissolve-chains.ts'
import type { EgressAllow } from './egress-policy.ts'
import type { EndpointCredentialFacts, EndpointCredentials } from './endpoint-auth.ts'
import { checkEndpointCredentials, credentialFacts } from './endpoint-auth.ts'
import { cancelRecovery, refuseWhileRecovering } from './jobs/open-recovery.ts'
import type { SigningScheme } from './sign.ts'
import { decodeSigningSecret, newSigningSecret, publicKeyOf } from './sign.ts'
import type { CredentialChange } from './subscription-credentials.ts'
import {
  changedCredentials,
  changesCredentials,
  factsOf,
  noCredentials,
  refuseToTakeAlong,
  storeCredentials,
} from './subscription-credentials.ts'
import type { SubscriptionSettings } from './subscription-settings.ts'
import { checkSettings, settingDefaults, settingsOf, toColumns } from './subscription-settings.ts'
import type { Subscription } from './subscription-set.ts'
import { toSubscription } from './subscription-set.ts'
import type { SubscriptionRow } from './subscription-store.ts'
import {
  beginChange,
  countOrdered,
  countSubscription,
  createHealth,
  deleteCredentials,
  deleteExpiredSecrets,
  deleteSecrets,
  findSubscriptionRow,
  insertSecret,
  placeOfSecret,
  resetHealth,
  retireSecrets,
  saveSubscription,
  takeDisableDue,
} from './subscription-store.ts'

/**
 * Changes of subscriptions. Every function runs in its caller's transaction, begins by locking the company's head, keeps
 * the new state as an immutable version, and inserts the `daybook.subscription.*` event that tells of it.
 */
export interface SubscriptionInput
  extends Pick<SubscriptionSettings, 'webhook_url' | 'event_names'>, SubscriptionOptions, CredentialChange {
  /** `whsec_` and base64 of 24 to 64 bytes, or `whsk_` and an Ed25519 key; one is made when absent. */
  readonly secret?: string
  /** Of the secret that is made. */
  readonly signature?: SigningScheme
}

type SubscriptionOptions = Partial<Omit<SubscriptionSettings, 'webhook_url' | 'event_names'>>

export type SubscriptionChange = Partial<SubscriptionSettings> & CredentialChange

/** Throws when the version that is there is not one that the change was made for. */
export type CheckVersion = (version: number) => void

export const SUBSCRIPTIONS_MAX = 200_000
/** Their deliveries are written with the batch of the event, however many they are. */
export const ORDERED_MAX = 2_000

export async function createSubscription(
  db: Db,
  vault: Vault,
  allow: EgressAllow,
  author: Author,
  companyId: string,
  input: SubscriptionInput,
): Promise<{ subscription: SubscriptionRow; secret: Secret<string> }> {
  const { secret: givenSecret, signature, auth, tls, ...given } = input
  const settings = { ...settingDefaults, ...given }
  const credentials = { auth: auth ?? { type: 'none' as const }, ...(tls && { tls }) }
  checkSettings(settings, allow, ...checkedCredentials(credentials, allow, author))
  await checkFilterRoom(db, companyId, settings.filter)
  const { secret, ...signing } = takeSecret(givenSecret, signature)
  const seal = await vault.sealer(db, companyId) // may make a key beside this transaction, so before its locks
  const { version, lastPosition, subscriptions } = await begin(db, companyId)
  if (subscriptions >= SUBSCRIPTIONS_MAX) {
    throw new ProblemError('subscription_limit', `A company has at most ${SUBSCRIPTIONS_MAX} subscriptions`)
  }
  if (settings.ordering !== 'none') await checkRoomInOrder(db, companyId)
  const id = newId(author.nowMs)
  const row = {
    company_id: companyId,
    id,
    version,
    ...toColumns(settings),
    ...signing,
    ...noCredentials,
    held_from_position: null,
    held_by: null,
  }
  const stored = { ...row, ...(await storeCredentials(db, seal, row, credentials)) }
  await saveSubscription(db, withActive(stored, settings.active, lastPosition), lastPosition)
  await countSubscription(db, companyId, 1)
  await createHealth(db, companyId, id)
  const secretId = newId(author.nowMs)
  await insertSecret(db, companyId, id, secretId, seal(placeOfSecret(id, secretId), secret))
  const subscription = await getSubscription(db, companyId, id)
  await tell(db, author, 'daybook.subscription.created', subscription, { after: describe(subscription) })
  return { subscription, secret }
}

/**
 * Changes settings.
 * @param change what is absent stays; for a replacement the caller completes it with the defaults
 */
export async function updateSubscription(
  db: Db,
  vault: Vault,
  allow: EgressAllow,
  author: Author,
  companyId: string,
  id: string,
  { auth, tls, ...change }: SubscriptionChange,
  checkVersion: CheckVersion = () => {},
): Promise<SubscriptionRow> {
  const given = { ...(auth !== undefined && { auth }), ...(tls !== undefined && { tls }) }
  if (change.filter) await checkFilterRoom(db, companyId, change.filter)
  if (change.active === false) await cancelRecovery(db, author, companyId, id)
  const seal = changesCredentials(given) ? await vault.sealer(db, companyId) : undefined
  const { version, lastPosition } = await begin(db, companyId)
  const before = await getSubscription(db, companyId, id)
  checkVersion(before.version)
  const settings = { ...settingsOf(before), ...change }
  const credentials = seal && (await changedCredentials(db, vault, before, given))
  const checked = credentials ? checkedCredentials(credentials, allow, author) : ([factsOf(before), []] as const)
  const { active } = change
  const isSwitched = active !== undefined && active !== (before.status === 'active')
  if (isSwitched && active) await refuseWhileRecovering(db, companyId, id)
  if (settings.ordering !== 'none' && before.ordering === 'none') await checkRoomInOrder(db, companyId)
  const columns = toColumns(settings)
  const isElsewhere = columns.webhook_url !== before.webhook_url
  checkSettings(settings, allow, ...checked, !isElsewhere && !(isSwitched && active))
  if (placeOf(settings) !== placeOf(before)) refuseToTakeAlong(factsOf(before), given)
  const stored = seal && credentials ? await storeCredentials(db, seal, before, credentials) : {}
  const next = { ...before, ...columns, ...stored, version }
  await saveSubscription(db, isSwitched ? withActive(next, active, lastPosition) : next, lastPosition)
  if (isElsewhere || (isSwitched && active)) await resetHealth(db, companyId, id)
  const after = await getSubscription(db, companyId, id)
  await tell(db, author, 'daybook.subscription.updated', after, { before: describe(before), after: describe(after) })
  return after
}

/** Ends the recovery of an ordered subscription, under the lock of the company's head. */
export async function activateRecovered(db: Db, companyId: string, id: string, jobId: string): Promise<void> {
  const author = { actor: systemActor, nowMs: systemClock.now() }
  const { version, lastPosition } = await begin(db, companyId)
  const before = await getSubscription(db, companyId, id)
  if (before.status === 'active') {
    await saveSubscription(db, { ...withActive(before, true, lastPosition), version }, lastPosition)
    await tell(db, author, 'daybook.subscription.released', before, { job_id: jobId })
    return
  }
  await activate(db, author, before, { version, lastPosition, told: { job_id: jobId } })
}

/** Makes it active and tells of it; under the lock of the company's head. */
export async function activate(
  db: Db,
  author: Author,
  before: SubscriptionRow,
  { version, lastPosition, told }: { readonly version: number; readonly lastPosition: number; readonly told: object },
): Promise<SubscriptionRow> {
  await saveSubscription(db, { ...withActive(before, true, lastPosition), version }, lastPosition)
  await resetHealth(db, before.company_id, before.id)
  const subscription = await getSubscription(db, before.company_id, before.id)
  await tell(db, author, 'daybook.subscription.enabled', subscription, {
    before: { status: before.status },
    after: { status: subscription.status },
    ...told,
  })
  return subscription
}

/** Stops posting to it. What waits is kept; of new events only the first position is. */
export async function disableSubscription(
  db: Db,
  author: Author,
  companyId: string,
  id: string,
  checkVersion: CheckVersion = () => {},
): Promise<SubscriptionRow> {
  await cancelRecovery(db, author, companyId, id)
  const { version, lastPosition } = await begin(db, companyId)
  const before = await getSubscription(db, companyId, id)
  checkVersion(before.version)
  if (before.status === 'inactive') return before
  return await stop(
    db,
    author,
    before,
    { ...withActive(before, false, lastPosition), version },
    'by_request',
    lastPosition,
  )
}

/** Disables a subscription that failed too often or is gone, if it is still marked so and active. */
export async function disableFailing(db: Db, author: Author, companyId: string, id: string): Promise<boolean> {
  const { version, lastPosition } = await begin(db, companyId)
  const [mark] = await takeDisableDue(db, companyId, id)
  const [before] = await findSubscriptionRow(db, companyId, id)
  if (!mark || before?.status !== 'active') return false
  const next = { ...withActive(before, false, lastPosition), status: 'disabled' as const, version }
  await stop(db, author, before, { ...next, disabled_reason: mark.disable_due }, mark.disable_due, lastPosition)
  return true
}

/**
 * Ends it. Its waiting deliveries end as cancelled; its versions, logs and events stay. Its secrets and credentials are
 * gone: what waits is ended without a call.
 */
export async function deleteSubscription(
  db: Db,
  author: Author,
  companyId: string,
  id: string,
  checkVersion: CheckVersion = () => {},
): Promise<void> {
  const { version, lastPosition } = await begin(db, companyId)
  const before = await getSubscription(db, companyId, id)
  checkVersion(before.version)
  const next = {
    ...before,
    ...noCredentials,
    status: 'deleted' as const,
    disabled_reason: null,
    held_by: null,
    version,
  }
  const held = { held_from_position: before.held_from_position ?? lastPosition + 1 }
  await saveSubscription(db, { ...next, ...held }, lastPosition)
  await deleteCredentials(db, companyId, id)
  await deleteSecrets(db, companyId, id)
  await countSubscription(db, companyId, -1)
  await resetHealth(db, companyId, id) // what waits is ended without a call; no breaker is to hold it up
  await dissolveChains(db, companyId, [id]) // under the lock that resetting took; claims do the rest
  await tell(db, author, 'daybook.subscription.deleted', before, { before: describe(before) })
}

/** A new signing secret. The old one goes on being signed with for `overlapSeconds`, beside the new one. */
export async function rotateSecret(
  db: Db,
  vault: Vault,
  author: Author,
  companyId: string,
  id: string,
  options: { readonly secret?: string; readonly signature?: SigningScheme; readonly overlapSeconds: number },
  checkVersion: CheckVersion = () => {},
): Promise<{ subscription: SubscriptionRow; secret: Secret<string> }> {
  const seal = await vault.sealer(db, companyId)
  const { version, lastPosition } = await begin(db, companyId)
  const before = await getSubscription(db, companyId, id)
  checkVersion(before.version)
  const { secret, ...signing } = takeSecret(options.secret, options.signature ?? before.signature)
  await retireSecrets(db, companyId, id, options.overlapSeconds)
  await deleteExpiredSecrets(db, companyId, id)
  const secretId = newId(author.nowMs)
  await insertSecret(db, companyId, id, secretId, seal(placeOfSecret(id, secretId), secret))
  await saveSubscription(db, { ...before, ...signing, version }, lastPosition)
  const subscription = await getSubscription(db, companyId, id)
  await tell(db, author, 'daybook.subscription.secret_rotated', subscription, {
    overlap_seconds: options.overlapSeconds,
  })
  return { subscription, secret }
}

export async function getSubscription(db: Db, companyId: string, id: string): Promise<SubscriptionRow> {
  const [row] = await findSubscriptionRow(db, companyId, id)
  if (!row) throw new ProblemError('not_found', `No subscription ${id}`)
  return row
}

/** As routing and calls see it; of whatever status but deleted. Throws not_found. */
export async function currentSubscription(db: Db, companyId: string, id: string): Promise<Subscription> {
  return toSubscription({ ...(await getSubscription(db, companyId, id)), subscription_id: id })
}

/** Locks the company's head, so that the change lies between two positions. */
export async function begin(
  db: Db,
  companyId: string,
): Promise<{ version: number; lastPosition: number; subscriptions: number }> {
  const [head] = await beginChange(db, companyId)
  if (!head) throw new Error(`Company ${companyId} has no head`)
  return { version: head.version, lastPosition: head.last_position, subscriptions: head.subscriptions }
}

/** What a URL leads to, its query apart: on one host the paths may belong to many. */
function placeOf({ webhook_url: text }: { readonly webhook_url: string }): string | undefined {
  const url = URL.parse(text)
  return url ? url.origin + url.pathname : undefined
}

/** Under the lock of the company's head. Throws subscription_limit. */
async function checkRoomInOrder(db: Db, companyId: string): Promise<void> {
  const [counted] = await countOrdered(db, companyId, ORDERED_MAX)
  if ((counted?.count ?? 0) < ORDERED_MAX) return
  throw new ProblemError('subscription_limit', `A company has at most ${ORDERED_MAX} ordered subscriptions`)
}

/** What may be told of credentials, and what is wrong with them. */
function checkedCredentials(
  credentials: EndpointCredentials,
  allow: EgressAllow,
  { nowMs }: Author,
): readonly [EndpointCredentialFacts, readonly Fault[]] {
  const faults = checkEndpointCredentials(credentials, allow, nowMs)
  return [credentialFacts(faults.length > 0 ? { auth: credentials.auth } : credentials), faults]
}

/** Saves a subscription that is posted to no more, and tells of it; under the lock of the company's head. */
export async function stop(
  db: Db,
  author: Author,
  before: SubscriptionRow,
  next: SubscriptionRow,
  reason: string,
  lastPosition: number,
): Promise<SubscriptionRow> {
  await saveSubscription(db, next, lastPosition)
  const after = await getSubscription(db, before.company_id, before.id)
  await tell(db, author, 'daybook.subscription.disabled', after, {
    before: { status: before.status },
    after: { status: after.status },
    reason,
    failures_in_row: before.failures_in_row,
    held_from_position: after.held_from_position,
  })
  return after
}

/** Active or not, with the first position that it misses. Whatever held its events back does so no more. */
export function withActive<Row extends { held_from_position: number | null }>(
  row: Row,
  active: boolean,
  lastPosition: number,
): Row & Pick<SubscriptionRow, 'status' | 'disabled_reason' | 'held_from_position' | 'held_by'> {
  if (active) return { ...row, status: 'active', disabled_reason: null, held_from_position: null, held_by: null }
  return {
    ...row,
    status: 'inactive',
    disabled_reason: null,
    held_from_position: row.held_from_position ?? lastPosition + 1,
    held_by: null,
  }
}

/** Records what happened to a subscription, in the transaction of the change. */
export async function tell(
  db: Db,
  author: Author,
  eventName: `daybook.${string}`,
  subscription: SubscriptionRow,
  payload: { readonly before?: unknown; readonly after?: unknown; readonly [member: string]: unknown },
): Promise<void> {
  const entity = { type: 'subscription', id: subscription.id }
  await insertEvents(db, [
    administrativeEvent(author, {
      companyId: subscription.company_id,
      eventName,
      entity,
      payload: { subscription_id: subscription.id, ...payload },
    }),
  ])
}

/** The secret that was given, or a new one. Throws `invalid_request` for one that cannot sign. */
function takeSecret(
  given: string | undefined,
  scheme: SigningScheme | undefined,
): { secret: Secret<string> } & Pick<SubscriptionRow, 'signature' | 'public_key'> {
  const text = given ?? newSigningSecret(scheme)
  const publicKey = publicKeyOf(decodeSigningSecret(text))
  return {
    secret: new Secret(text),
    signature: publicKey === undefined ? 'hmac' : 'ed25519',
    public_key: publicKey ?? null,
  }
}

/** What an event tells of a subscription; never a secret. */
function describe(row: SubscriptionRow): object {
  const { active: _, ...settings } = settingsOf(row)
  return { ...settings, ...factsOf(row), signature: row.signature, status: row.status }
}
