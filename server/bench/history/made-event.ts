/** Events of a business, made from their numbers: the same number gives the same event, so nothing has to be remembered. */

export interface Ref {
  readonly type: string
  readonly id: string
}

export interface MadeEvent {
  readonly id: string
  readonly name: string
  readonly entity: Ref
  readonly related: readonly Ref[]
  readonly actor: Ref
  readonly source: string
  readonly correlationId: string | null
  readonly causationId: string | null
  readonly recordedMs: number
  /** JSON without a backslash. */
  readonly payload: string
}

/** Of one company. */
export interface Story {
  /** 1 to 9; tells its ids from those of others. */
  readonly company: number
  readonly events: number
  readonly entities: number
  /** When its first and its last event were recorded. */
  readonly fromMs: number
  readonly toMs: number
}

/** With their shares, in thousandths. */
const shares = {
  'appointment.created': 200,
  'appointment.updated': 150,
  'appointment.confirmed': 120,
  'appointment.completed': 110,
  'appointment.cancelled': 50,
  'customer.created': 60,
  'customer.updated': 80,
  'invoice.created': 50,
  'invoice.sent': 40,
  'invoice.paid': 40,
  'call.started': 25,
  'call.ended': 25,
  'message.sent': 20,
  'message.received': 10,
  'order.created': 8,
  'order.paid': 6,
  'order.refunded': 3,
  'review.created': 2,
  'voucher.redeemed': 1,
} as const

const nameOfShare = Object.entries(shares).flatMap(([name, share]) => Array.from({ length: share }, () => name))

/** Twenty, with that of the merges. */
export const eventNames: readonly string[] = [...Object.keys(shares), 'customer.merged']

const administrativeNames = [
  'daybook.subscription.updated',
  'daybook.subscription.disabled',
  'daybook.api_key.created',
  'daybook.company.updated',
]

/** One event in 40 is about it: 100,000 of four million. */
export const hotCustomer: Ref = { type: 'customer', id: 'cus_hot' }

export const BRANCHES = 20
export const ACTORS = 1_000
export const sources: readonly string[] = ['api', 'portal', 'crm', 'booking', 'phone']
/** One event in 50,000 is from it. */
export const RARE_SOURCE = 'import'

/** A number without any pattern for each number (the finalizer of MurmurHash3). */
export function scatter(number: number, salt: number): number {
  let hash = Math.imul(number, 0x9e3779b1) ^ Math.imul(salt + 1, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** The id of the story's n-th event, from 0: version 7, in order. */
export function madeEventId(story: Story, n: number): string {
  const time = dueMs(story, n).toString(16).padStart(12, '0')
  const count = (n & 0xfff).toString(16).padStart(3, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${count}-8${story.company}00-${n.toString(16).padStart(12, '0')}`
}

function dueMs({ fromMs, toMs, events }: Story, n: number): number {
  return fromMs + Math.floor(((toMs - fromMs) * n) / events)
}

/** Three of five entities are customers. */
export function customerOf({ entities }: Story, number: number): Ref {
  return { type: 'customer', id: `cus_${number % Math.ceil(entities * 0.6)}` }
}

export function branchOf(number: number): Ref {
  return { type: 'branch', id: `branch_${number % BRANCHES}` }
}

export function actorOf(number: number): Ref {
  return { type: 'user', id: `user_${number % ACTORS}` }
}

/** Five events that follow each other closely share one, and then three have none. */
export function correlationOf({ company }: Story, n: number): string {
  const group = Math.floor(n / 8)
  return `cor_${company}${scatter(group, 1).toString(16)}${group.toString(16)}`
}

/** Each customer of a chain was merged into the one before; the first one of all is the hot one. */
export const MERGES_OF_CHAIN = 4
const MERGED_EVERY = 2_000

export function chainsOf({ events }: Story): number {
  return Math.floor(events / MERGED_EVERY / MERGES_OF_CHAIN)
}

function mergedCustomer(story: Story, chain: number, step: number): Ref {
  return chain === 0 && step === 0 ? hotCustomer : customerOf(story, chain * (MERGES_OF_CHAIN + 1) + step)
}

/** Whom the others of the chain were merged into, directly or not. */
export function survivorOf(story: Story, chain: number): Ref {
  return mergedCustomer(story, chain, 0)
}

/** The n-th event of the story, from 0. */
export function madeEvent(story: Story, n: number): MadeEvent {
  const inGroup = n % 8
  const dueAtMs = dueMs(story, n)
  return {
    id: madeEventId(story, n),
    ...factsOf(story, n),
    actor: actorOf(scatter(n, 2)),
    source: n % 50_000 === 11 ? RARE_SOURCE : (sources[scatter(n, 3) % sources.length] ?? ''),
    correlationId: inGroup < 5 ? correlationOf(story, n) : null,
    causationId: inGroup > 0 && inGroup < 5 ? madeEventId(story, n - 1) : null,
    // Clocks of nodes differ, and transactions overlap: positions are nearly in the order of time.
    recordedMs: dueAtMs + (scatter(n, 4) % 400),
  }
}

type Facts = Pick<MadeEvent, 'name' | 'entity' | 'related' | 'payload'>

function factsOf(story: Story, n: number): Facts {
  if (n % MERGED_EVERY === 7) return mergeFacts(story, Math.floor(n / MERGED_EVERY))
  if (n % 500 === 3) return administrativeFacts(n)
  const name = nameOfShare[scatter(n, 5) % nameOfShare.length] ?? ''
  const number = scatter(n, 6)
  const customer = customerOf(story, number)
  const branch = branchOf(scatter(n, 12))
  const type = name.slice(0, name.indexOf('.'))
  const ownId = `${type.slice(0, 3)}_${scatter(n, 7) % Math.max(1, Math.floor(story.entities / 15))}`
  const own = type === 'customer' ? customerOf(story, scatter(n, 7)) : { type, id: ownId }
  const entity = n % 40 === 0 ? hotCustomer : own
  const amount = scatter(n, 8) % 10_000
  return {
    name,
    entity,
    related: [
      ...(number % 5 < 2 && customer.id !== entity.id ? [customer] : []),
      ...(number % 10 === 0 ? [branch] : []),
    ],
    payload:
      `{"number":${n},"customer_id":"${customer.id}","branch_id":"${branch.id}","status":"${name.slice(type.length + 1)}",` +
      `"amount":${amount},"currency":"EUR","channel":"website","starts_at":"2026-03-12T14:30:00+01:00",` +
      `"service":{"name":"Cut and colour","duration_minutes":${(amount % 8) * 15}}}`,
  }
}

function mergeFacts(story: Story, merge: number): Facts {
  const [chain, step] = [Math.floor(merge / MERGES_OF_CHAIN), merge % MERGES_OF_CHAIN]
  const [entity, other] = [mergedCustomer(story, chain, step), mergedCustomer(story, chain, step + 1)]
  const payload = `{"customer_id":"${entity.id}","merged_customer_id":"${other.id}"}`
  return { name: 'customer.merged', entity, related: [other], payload }
}

function administrativeFacts(n: number): Facts {
  const number = Math.floor(n / 500)
  const name = administrativeNames[number % administrativeNames.length] ?? ''
  const payload =
    `{"reason":"Asked for by the customer","before":{"concurrency":${number % 32},"status":"active"},` +
    `"after":{"concurrency":${(number % 32) + 1},"status":"active"}}`
  const type = name.split('.')[1] ?? ''
  return { name, entity: { type, id: `${type}_${number % 40}` }, related: [], payload }
}
