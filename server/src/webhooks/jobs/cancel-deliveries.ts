import { endCancelled } from '../end-cancelled.ts'
import { lockSubscriptions } from '../subscription-health.ts'
import { lockIdle, scanChosenPending } from './chosen-pending.ts'
import { countChosen } from './count-chosen.ts'
import type { DeliveryChoice } from './delivery-choice.ts'
import { termsOf } from './delivery-choice.ts'
import { jobKind } from './job-kinds.ts'

const SLICE_ROWS = 200

/**
 * Ends each chosen pending delivery without another attempt, as cancelDelivery does for one. Skipped are those in flight
 * (`in_flight`).
 */
export const cancelDeliveries = jobKind<DeliveryChoice & { readonly state: 'pending' }>({
  kind: 'cancel_deliveries',
  scope: 'deliveries:write',
  goesOnAfterFailure: true,
  isEmptyDone: true,
  count: countChosen,
  slice: async (db, { companyId, parameters, createdAt, cursor }) => {
    const terms = await termsOf(db, companyId, parameters)
    if (!terms) return { done: 0, skipped: {}, cursor: null, finished: true }
    const place = { cursor, countedAt: createdAt, rows: SLICE_ROWS }
    const { chosen, reached } = await scanChosenPending(db, companyId, terms, place)
    const ordered = chosen.filter(({ is_ordered }) => is_ordered).map(({ subscription_id }) => subscription_id)
    if (ordered.length > 0) await lockSubscriptions(db, toKeys(companyId, ordered))
    const locked = await lockIdle(
      db,
      companyId,
      chosen.map(({ id }) => id),
    )
    await endCancelled(db, companyId, locked)
    const skipped = { in_flight: chosen.length - locked.length }
    // Of the ordered ones something may be due that waited for what was cancelled.
    const wake = [...new Set(ordered)]
    return { done: locked.length, skipped, cursor: reached, finished: reached === null, wake }
  },
})

function toKeys(companyId: string, subscriptionIds: readonly string[]) {
  return subscriptionIds.map((subscriptionId) => ({ companyId, subscriptionId }))
}
