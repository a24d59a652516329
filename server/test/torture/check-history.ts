import { checkCalls } from './check-calls.ts'
import { checkLedger } from './check-ledger.ts'
import { checkLog } from './check-log.ts'
import { owedBy } from './check-owed.ts'
import type { DatabaseRows, Evidence } from './evidence.ts'
import { endpointOf } from './evidence.ts'

/** The classes of Jepsen's total queue, and what else must never be. Lists hold sentences for people. */
export interface Verdict {
  /** Publishes that were answered with 2xx. */
  readonly acknowledged: number
  /** Publishes whose outcome their publisher never learned, and that are in the log all the same. */
  readonly recovered: number
  /** Pairs of event and subscription that were owed for certain. */
  readonly owed: number
  /** Pairs that may have been owed: the subscription changed meanwhile. */
  readonly perhapsOwed: number
  readonly lost: readonly string[]
  readonly unexpected: readonly string[]
  readonly duplicated: number
  readonly duplicateBound: number
  /** Signatures, bytes, numbers, endings, views. */
  readonly faults: readonly string[]
}

/**
 * Judges a run that has come to rest. Lost: acknowledged, owed, and neither ended visibly nor waiting for a subscription
 * that is not active. Unexpected: called or owed without a publish, a match or the same company.
 */
export function checkHistory(evidence: Evidence): Verdict {
  const log = checkLog(evidence)
  const calls = checkCalls(evidence)
  const owed = checkOwed(evidence)
  const publishes = [...evidence.publishes.values()]
  const numbered = new Set(evidence.database.trail.map((row) => row.event_id))
  return {
    acknowledged: publishes.filter(({ acknowledgedMs }) => acknowledgedMs !== undefined).length,
    recovered: publishes.filter(({ id, acknowledgedMs }) => acknowledgedMs === undefined && numbered.has(id)).length,
    owed: owed.certain,
    perhapsOwed: owed.perhaps,
    lost: [...log.lost, ...owed.lost],
    unexpected: [...log.unexpected, ...calls.unexpected, ...owed.unexpected],
    duplicated: calls.duplicated,
    duplicateBound: calls.duplicateBound,
    faults: [...log.faults, ...calls.faults, ...checkLedger(evidence).faults, ...checkViews(evidence)],
  }
}

export function isClean(verdict: Verdict): boolean {
  const { lost, unexpected, faults, duplicated, duplicateBound } = verdict
  return lost.length === 0 && unexpected.length === 0 && faults.length === 0 && duplicated <= duplicateBound
}

/** Deliveries against what is owed. */
function checkOwed(evidence: Evidence) {
  const { database, publishes } = evidence
  const lost: string[] = []
  const unexpected: string[] = []
  let certain = 0
  let perhaps = 0
  const owed = owedBy(evidence)
  const known = deliveriesOf(database)
  for (const { company_id: companyId, position, event_id: eventId, event_name: eventName } of database.trail) {
    const publish = publishes.get(eventId)
    if (!publish) continue
    for (const [subscriptionId, isOwed] of owed(companyId, position, eventName, publish.sentMs)) {
      const pair = `${subscriptionId} ${eventId}`
      if (isOwed === 'yes') certain++
      if (isOwed === 'perhaps') perhaps++
      if (isOwed === 'yes' && !known.has(pair)) lost.push(`event ${eventId} is owed to ${subscriptionId}`)
      if (isOwed === 'no' && known.has(pair))
        unexpected.push(`event ${eventId} goes to ${subscriptionId}, which does not want it`)
    }
  }
  for (const row of database.pending) {
    if (row.status === 'inactive' || row.status === 'disabled') continue
    lost.push(`delivery ${row.id} has not ended, though its subscription is ${row.status}`)
  }
  return { lost, unexpected, certain, perhaps }
}

function deliveriesOf(database: DatabaseRows): ReadonlySet<string> {
  const pairs = [...database.ledger, ...database.pending].map((row) => `${row.subscription_id} ${row.event_id}`)
  return new Set(pairs)
}

/** What the interface shows is what the database holds. */
function checkViews({ views, database, endpoints }: Evidence): string[] {
  const faults: string[] = []
  const pending = new Set(database.pending.map(({ id }) => id))
  const ledger = Map.groupBy(database.ledger, (row) => row.delivery_id)
  for (const view of views) {
    const rows = ledger.get(view.id) ?? []
    const state = pending.has(view.id) ? 'pending' : rows.at(-1)?.outcome
    if (view.state !== state) faults.push(`delivery ${view.id} is shown as ${view.state}, the ledger says ${state}`)
    const attempts = rows.filter((row) => row.attempt_no > 0).length
    if (state !== 'pending' && view.attempts !== attempts) {
      faults.push(`delivery ${view.id} is shown with ${view.attempts} attempts, the ledger has ${attempts}`)
    }
  }
  const count = new Set([...pending, ...ledger.keys()]).size
  if (views.length > 0 && new Set(views.map(({ id }) => id)).size !== count) {
    faults.push(`${views.length} deliveries are shown, ${count} are there`)
  }
  const made = new Map(database.versions.map((row) => [row.subscription_id, row]))
  for (const [endpoint, { subscriptionId, deletedMs }] of endpoints) {
    if (subscriptionId === undefined) continue
    const last = database.versions.findLast((row) => row.subscription_id === subscriptionId)
    if (!made.has(subscriptionId) || !last)
      faults.push(`subscription ${subscriptionId} was acknowledged and is not there`)
    else if (endpointOf(last.webhook_url) !== endpoint) faults.push(`subscription ${subscriptionId} has another URL`)
    else if (deletedMs !== undefined && last.status !== 'deleted') {
      faults.push(`subscription ${subscriptionId} was deleted and is ${last.status}`)
    }
  }
  return faults
}
