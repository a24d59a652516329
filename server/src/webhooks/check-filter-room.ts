import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import { ProblemError } from '../lib/problems.ts'

/** All filters of a company's subscriptions are in the router's memory. */
export const FILTER_BYTES_MAX = 64 * 1024 * 1024

/** Of this size even as many as there may be take no more, so they are saved without a look at the others. */
const SMALL_BYTES = 320

const sumFilterBytes = statement<[companyId: string], { bytes: number }>(
  'subscription.sum_filter_bytes',
  `select coalesce(sum(octet_length(filter)), 0)::bigint as bytes
     from event_subscriptions
    where company_id = $1 and status <> 'deleted' and filter is not null`,
)

/**
 * Throws invalid_filter when the company's filters are as large together as they may be. Asked before anything is locked,
 * for it looks at every subscription; so changes at the same time may together go a little beyond.
 */
export async function checkFilterRoom(db: Db, companyId: string, filter: object | null): Promise<void> {
  const bytes = Buffer.byteLength(JSON.stringify(filter))
  if (bytes <= SMALL_BYTES) return
  const [stored] = await sumFilterBytes(db, companyId)
  if ((stored?.bytes ?? 0) + bytes <= FILTER_BYTES_MAX) return
  const message = `The filters of a company have at most ${FILTER_BYTES_MAX} bytes together`
  throw new ProblemError('invalid_filter', message, [{ pointer: '/filter', code: 'filters_too_large', message }])
}
