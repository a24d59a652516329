import type { Db } from '../db/statement.ts'
import type { Author } from '../events/administrative-event.ts'
import { administrativeEvent } from '../events/administrative-event.ts'
import { isEventNamePattern, matchesEventName } from '../events/event-names.ts'
import { insertEvents } from '../events/insert-events.ts'
import { newId } from '../lib/ids.ts'
import { ProblemError } from '../lib/problems.ts'
import type { Fault } from '../lib/problems.ts'
import { Secret } from '../vault/secret.ts'
import type { Vault } from '../vault/vault.ts'
import type { EgressAllow } from './egress-policy.ts'
import { checkWebhookUrl } from './egress-policy.ts'
import { decodeSigningSecret, newSigningSecret } from './sign.ts'
import type { SubscriptionRow } from './subscription-store.ts'
import {
  beginChange,
  countByName,
  countSubscriptions,
  createHealth,
  deleteExpiredSecrets,
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
export interface SubscriptionInput {
  readonly webhook_url: string
  readonly event_names: readonly string[]
  readonly description?: string | null
  readonly active?: boolean
  /** Calls at once. */
  readonly concurrency?: number
  /** Deadline of one attempt. */
  readonly timeout_ms?: number
  /** Calls per second, over all processes; null: as fast as they are answered. */
  readonly rate_limit?: number | null
  /** `whsec_` and base64 of 24 to 64 bytes; one is made when absent. */
  readonly secret?: string
}

export type SubscriptionChange = Partial<Omit<SubscriptionInput, 'secret'>>

/** Events that were held back while a subscription was not active. */
export interface Held {
  readonly from_position: number
  readonly to_position: number
  readonly count: number
}

export const SUBSCRIPTIONS_MAX = 10_000
const EVENT_NAMES_MAX = 100
const CONCURRENCY_DEFAULT = 64
const TIMEOUT_DEFAULT_MS = 15_000

export async function createSubscription(
  db: Db,
  vault: Vault,
  allow: EgressAllow,
  author: Author,
  companyId: string,
  input: SubscriptionInput,
): Promise<{ subscription: SubscriptionRow; secret: Secret<string> }> {
  checkInput(input, allow)
  const secret = takeSecret(input.secret)
  const seal = await vault.sealer(db, companyId) // may make a key beside this transaction, so before its locks
  const { version, lastPosition } = await begin(db, companyId)
  const [counted] = await countSubscriptions(db, companyId)
  if ((counted?.count ?? 0) >= SUBSCRIPTIONS_MAX) {
    throw new ProblemError('subscription_limit', `A company has at most ${SUBSCRIPTIONS_MAX} subscriptions`)
  }
  const id = newId(author.nowMs)
  const active = input.active ?? true
  await saveSubscription(db, {
    company_id: companyId,
    id,
    version,
    webhook_url: new URL(input.webhook_url).href,
    event_names: [...new Set(input.event_names)],
    description: input.description ?? null,
    status: active ? 'active' : 'inactive',
    disabled_reason: null,
    concurrency: input.concurrency ?? CONCURRENCY_DEFAULT,
    timeout_ms: input.timeout_ms ?? TIMEOUT_DEFAULT_MS,
    rate_limit: input.rate_limit ?? null,
    held_from_position: active ? null : lastPosition + 1,
  })
  await createHealth(db, companyId, id)
  const secretId = newId(author.nowMs)
  await insertSecret(db, companyId, id, secretId, seal(placeOfSecret(id, secretId), secret))
  const subscription = await getSubscription(db, companyId, id)
  await tell(db, author, 'daybook.subscription.created', subscription, { after: describe(subscription) })
  return { subscription, secret }
}

export async function updateSubscription(
  db: Db,
  allow: EgressAllow,
  author: Author,
  companyId: string,
  id: string,
  change: SubscriptionChange,
): Promise<SubscriptionRow> {
  const { version, lastPosition } = await begin(db, companyId)
  const before = await getSubscription(db, companyId, id)
  const { active, ...fields } = change
  checkInput({ ...before, ...fields }, allow)
  const next = { ...before, ...fields, version, event_names: [...new Set(fields.event_names ?? before.event_names)] }
  next.webhook_url = new URL(next.webhook_url).href
  next.description = fields.description === undefined ? before.description : fields.description
  next.rate_limit = fields.rate_limit === undefined ? before.rate_limit : fields.rate_limit
  await saveSubscription(db, active === undefined ? next : withActive(next, active, lastPosition))
  const isElsewhere = next.webhook_url !== before.webhook_url
  if (isElsewhere || (active === true && before.status !== 'active')) await resetHealth(db, companyId, id)
  const after = await getSubscription(db, companyId, id)
  await tell(db, author, 'daybook.subscription.updated', after, { before: describe(before), after: describe(after) })
  return after
}

/** Posts to it again. Answers with what was held back since it stopped; its waiting deliveries are due at once. */
export async function enableSubscription(
  db: Db,
  author: Author,
  companyId: string,
  id: string,
): Promise<{ subscription: SubscriptionRow; held: Held | null }> {
  const { version, lastPosition } = await begin(db, companyId)
  const before = await getSubscription(db, companyId, id)
  if (before.status === 'active') return { subscription: before, held: null }
  await saveSubscription(db, { ...withActive(before, true, lastPosition), version })
  await resetHealth(db, companyId, id)
  const held = await countHeld(db, before, lastPosition)
  const subscription = await getSubscription(db, companyId, id)
  await tell(db, author, 'daybook.subscription.enabled', subscription, {
    before: { status: before.status },
    after: { status: subscription.status },
    held,
  })
  return { subscription, held }
}

/** Stops posting to it. What waits is kept; of new events only the first position is. */
export async function disableSubscription(
  db: Db,
  author: Author,
  companyId: string,
  id: string,
): Promise<SubscriptionRow> {
  const { version, lastPosition } = await begin(db, companyId)
  const before = await getSubscription(db, companyId, id)
  if (before.status === 'inactive') return before
  return await stop(db, author, before, { ...withActive(before, false, lastPosition), version }, 'by_request')
}

/** Disables a subscription that failed too often or is gone, if it is still marked so and active. */
export async function disableFailing(db: Db, author: Author, companyId: string, id: string): Promise<boolean> {
  const { version, lastPosition } = await begin(db, companyId)
  const [mark] = await takeDisableDue(db, companyId, id)
  const [before] = await findSubscriptionRow(db, companyId, id)
  if (!mark || before?.status !== 'active') return false
  const next = { ...withActive(before, false, lastPosition), status: 'disabled' as const, version }
  await stop(db, author, before, { ...next, disabled_reason: mark.disable_due }, mark.disable_due)
  return true
}

/** Ends it. Its waiting deliveries end as cancelled; its versions, logs and events stay. */
export async function deleteSubscription(db: Db, author: Author, companyId: string, id: string): Promise<void> {
  const { version, lastPosition } = await begin(db, companyId)
  const before = await getSubscription(db, companyId, id)
  const next = { ...before, status: 'deleted' as const, disabled_reason: null, version }
  await saveSubscription(db, { ...next, held_from_position: before.held_from_position ?? lastPosition + 1 })
  await resetHealth(db, companyId, id) // what waits is ended without a call; no breaker is to hold it up
  await tell(db, author, 'daybook.subscription.deleted', before, { before: describe(before) })
}

/** A new signing secret. The old one goes on being signed with for `overlapSeconds`, beside the new one. */
export async function rotateSecret(
  db: Db,
  vault: Vault,
  author: Author,
  companyId: string,
  id: string,
  options: { readonly secret?: string; readonly overlapSeconds: number },
): Promise<{ subscription: SubscriptionRow; secret: Secret<string> }> {
  const secret = takeSecret(options.secret)
  const seal = await vault.sealer(db, companyId)
  const { version } = await begin(db, companyId)
  const before = await getSubscription(db, companyId, id)
  await retireSecrets(db, companyId, id, options.overlapSeconds)
  await deleteExpiredSecrets(db, companyId, id)
  const secretId = newId(author.nowMs)
  await insertSecret(db, companyId, id, secretId, seal(placeOfSecret(id, secretId), secret))
  await saveSubscription(db, { ...before, version })
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

async function begin(db: Db, companyId: string): Promise<{ version: number; lastPosition: number }> {
  const [head] = await beginChange(db, companyId)
  if (!head) throw new Error(`Company ${companyId} has no head`)
  return { version: head.version, lastPosition: head.last_position }
}

async function stop(
  db: Db,
  author: Author,
  before: SubscriptionRow,
  next: SubscriptionRow,
  reason: string,
): Promise<SubscriptionRow> {
  await saveSubscription(db, next)
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

/** Active or not, with the first position that it misses. */
function withActive(row: SubscriptionRow, active: boolean, lastPosition: number): SubscriptionRow {
  if (active) return { ...row, status: 'active', disabled_reason: null, held_from_position: null }
  return {
    ...row,
    status: 'inactive',
    disabled_reason: null,
    held_from_position: row.held_from_position ?? lastPosition + 1,
  }
}

async function countHeld(db: Db, before: SubscriptionRow, lastPosition: number): Promise<Held | null> {
  const from = before.held_from_position
  if (from === null) return null
  const names = await countByName(db, before.company_id, from, lastPosition)
  const matching = names.filter(({ event_name }) => before.event_names.some((one) => matchesEventName(one, event_name)))
  return { from_position: from, to_position: lastPosition, count: matching.reduce((sum, { count }) => sum + count, 0) }
}

async function tell(
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
function takeSecret(given: string | undefined): Secret<string> {
  const text = given ?? newSigningSecret()
  decodeSigningSecret(text)
  return new Secret(text)
}

/** What an event tells of a subscription; never a secret. */
function describe(row: SubscriptionRow): object {
  const { webhook_url, event_names, description, status, concurrency, timeout_ms, rate_limit } = row
  return { webhook_url, event_names, description, status, concurrency, timeout_ms, rate_limit }
}

function checkInput(input: Pick<SubscriptionInput, 'webhook_url' | 'event_names'>, allow: EgressAllow): void {
  const url = checkWebhookUrl(input.webhook_url, allow)
  if (!url.ok) {
    throw new ProblemError('invalid_url', url.message, [
      { pointer: '/webhook_url', code: url.code, message: url.message },
    ])
  }
  const faults: Fault[] = []
  for (const [index, pattern] of input.event_names.entries()) {
    if (isEventNamePattern(pattern)) continue
    const message = 'An event name, a prefix such as appointment.*, or * for every business event'
    faults.push({ pointer: `/event_names/${index}`, code: 'invalid_event_name', message })
  }
  if (input.event_names.length === 0 || input.event_names.length > EVENT_NAMES_MAX) {
    const message = `A subscription names 1 to ${EVENT_NAMES_MAX} events; * is every business event`
    faults.push({ pointer: '/event_names', code: 'invalid_event_name', message })
  }
  if (faults.length > 0) throw new ProblemError('invalid_event_name', faults[0]?.message ?? '', faults)
}
