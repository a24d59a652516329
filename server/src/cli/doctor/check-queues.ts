import type { Lease } from '../../db/leadership.ts'
import type { OutboxLag } from '../../events/outbox-lag.ts'
import type { SetAsideRow } from '../../events/set-aside.ts'
import type { Chain } from '../../webhooks/order-key.ts'
import type { DisabledSubscription, DueSubscription } from '../../webhooks/queue-depth.ts'
import type { Finding } from './finding.ts'
import { duration, ok, problem, warning } from './finding.ts'

/** Things that are named one by one; more are counted. */
export const NAMED_MAX = 20

/** Whoever is as late as this was not just busy for a moment. */
export const LATE_SECONDS = 10

/** Who leads now. */
export function holdingLease(leases: readonly Lease[]): Lease | undefined {
  return leases.find(({ name, seconds_left }) => name === 'router' && (seconds_left ?? 0) > 0)
}

export function judgeLeader(leases: readonly Lease[]): Finding {
  const held = holdingLease(leases)
  if (held)
    return ok('leader', `The router ${held.holder} leads, for ${duration(held.seconds_left ?? 0)} unless it renews`)
  const last = leases.find(({ name }) => name === 'router')
  const since = last?.seconds_left ?? null
  const when =
    last === undefined
      ? 'never led'
      : since === null
        ? 'handed its lease back'
        : `lost its lease ${duration(-since)} ago`
  return problem('leader', `No router leads; the last one ${when}. Start a server with the role router`)
}

export function judgeRouter({ rows, oldestSeconds }: OutboxLag, isLed: boolean, rowsMax: number): Finding {
  if (rows === 0) return ok('router', 'No event waits')
  const count = rows >= rowsMax ? `${rowsMax} or more` : String(rows)
  const text = `${count} events wait to be routed, the first for ${duration(oldestSeconds)}`
  if (oldestSeconds <= LATE_SECONDS) return ok('router', text)
  const why = isLed
    ? 'a router leads and does not get on: look for errors of the loop route in its log'
    : 'no router leads'
  return problem('router', `${text}: ${why}`)
}

export function judgeSetAside(rows: readonly SetAsideRow[]): Finding {
  if (rows.length === 0) return ok('set_aside', 'No event was set aside')
  const details = rows
    .slice(0, NAMED_MAX)
    .map(
      ({ company_id, event_id, reason, detail, set_aside_at }) =>
        `event ${event_id} of company ${company_id}: ${reason}, since ${set_aside_at.toISOString()}${detail === null ? '' : ` (${detail})`}`,
    )
  return problem('set_aside', `${countOf(rows)} events could not be routed and wait for you`, details)
}

interface Reason {
  readonly why: string
  /** It waits because somebody wants it to, or for its receiver; nothing of ours is stuck. */
  readonly onPurpose: boolean
}

/** Why what is due is not taken. The first that holds is the reason. */
function reasonNotTaken(due: DueSubscription, isAnythingLeased: boolean): Reason {
  if (due.status === 'inactive') return onPurpose('the subscription is inactive, and keeps what waits')
  if (due.status === 'disabled') return onPurpose('the subscription is disabled, and keeps what waits')
  if (due.breaker === 'open') return onPurpose('its breaker is open: the receiver did not answer lately')
  if (due.leased >= due.concurrency) return onPurpose(`all of its ${due.concurrency} calls at once are under way`)
  if (due.breaker === 'recovering') return onPurpose('its breaker lets calls through little by little')
  if (!isAnythingLeased) return stuck('no dispatcher: nobody takes deliveries of any subscription')
  if (due.is_lost) return stuck('the process that had it is gone, and nobody has taken it over')
  if (due.rate_limit !== null) return onPurpose(`its rate limit of ${due.rate_limit} calls per second`)
  return stuck('contended: dispatchers have no free slots for it (DAYBOOK_CALLS_MAX)')
}

const onPurpose = (why: string): Reason => ({ why, onPurpose: true })
const stuck = (why: string): Reason => ({ why, onPurpose: false })

/** Waiting on purpose is no problem, and neither is a receiver that does not answer: that is told where it is looked for. */
export function judgeDeliveries(overdue: readonly DueSubscription[], isAnythingLeased: boolean): Finding {
  if (overdue.length === 0) return ok('deliveries', 'None waits longer than it should')
  const reasons = overdue.map((due) => ({ due, ...reasonNotTaken(due, isAnythingLeased) }))
  const lines = reasons.slice(0, NAMED_MAX).map(({ due: { company_id, subscription_id, oldest_seconds }, why }) => {
    return `subscription ${subscription_id} of company ${company_id}: due for ${duration(oldest_seconds)}; ${why}`
  })
  const text = `${countOf(overdue)} subscriptions have deliveries that are due and not taken`
  const isOnPurpose = reasons.every((reason) => reason.onPurpose)
  return isOnPurpose ? warning('deliveries', text, lines) : problem('deliveries', text, lines)
}

/** Chains that nobody would ever attempt; their keys name things of the company, and are not shown. */
export function judgeOrder(stuck: readonly Chain[]): Finding {
  if (stuck.length === 0) return ok('order', 'Ordered deliveries go on one after the other')
  const bySubscription = Map.groupBy(
    stuck,
    ({ companyId, subscriptionId }) => `${subscriptionId} of company ${companyId}`,
  )
  const details = [...bySubscription]
    .slice(0, NAMED_MAX)
    .map(([name, own]) => `subscription ${name}: ${own.length} ${own.length === 1 ? 'order' : 'orders'}`)
  return problem(
    'order',
    'Ordered deliveries wait for an earlier one that is not there. A server with the role maintenance mends it within a minute',
    details,
  )
}

export function judgeSubscriptions(disabled: readonly DisabledSubscription[]): Finding {
  if (disabled.length === 0) return ok('subscriptions', 'None is disabled')
  const details = disabled
    .slice(0, NAMED_MAX)
    .map(
      ({ company_id, id, disabled_reason, updated_at }) =>
        `subscription ${id} of company ${company_id}: ${disabled_reason}, since ${updated_at.toISOString()}`,
    )
  return warning('subscriptions', `${countOf(disabled)} are disabled and get nothing until they are enabled`, details)
}

/** Lists are read to one more than is named. */
function countOf(rows: readonly unknown[]): string {
  return rows.length > NAMED_MAX ? `More than ${NAMED_MAX}` : String(rows.length)
}
