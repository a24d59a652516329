import type { Db } from '../../db/statement.ts'
import { expandEventNames } from '../../events/expand-event-names.ts'
import { AFTER_ALL_IDS, BEFORE_ALL_IDS, firstIdOfMs } from '../../lib/ids.ts'

/** Which deliveries a job is about: those of one state that fulfil everything else that is given. */
export interface DeliveryChoice {
  readonly state: 'pending' | 'failed' | 'cancelled'
  /** UUID. */
  readonly subscription_id?: string | undefined
  /** A name, a prefix such as `appointment.*`, or `*` for every business event. */
  readonly event_name?: string | undefined
  /** Of the ending; of a pending one, of its last attempt, or `not_attempted_yet`. */
  readonly reason?: string | undefined
  /** RFC 3339, included: when it ended; for a pending one, when its event was made. */
  readonly from?: string | undefined
  /** Likewise, not included. */
  readonly to?: string | undefined
}

/** A choice as statements take it. */
export interface ChoiceTerms {
  /** Ids carry the time: of the ledger's row, or of the delivery and so of its event. */
  readonly fromId: string
  readonly beforeId: string
  readonly subscriptionId: string | null
  readonly names: readonly string[] | null
  readonly reason: string | null
}

/** Undefined when no delivery can fulfil it. Throws invalid_event_name. */
export async function termsOf(db: Db, companyId: string, choice: DeliveryChoice): Promise<ChoiceTerms | undefined> {
  const { subscription_id: subscriptionId, event_name: eventName, reason, from, to } = choice
  if (reason?.includes('\0')) return undefined // text of the database holds none, and it refuses to compare with one
  const names = eventName === undefined ? undefined : await expandEventNames(db, companyId, [eventName])
  if (names?.length === 0) return undefined
  return {
    fromId: from === undefined ? BEFORE_ALL_IDS : firstIdOfMs(Date.parse(from)),
    beforeId: to === undefined ? AFTER_ALL_IDS : firstIdOfMs(Date.parse(to)),
    subscriptionId: subscriptionId ?? null,
    names: names ?? null,
    reason: reason ?? null,
  }
}
