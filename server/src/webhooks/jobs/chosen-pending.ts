import { statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import type { Cancellable } from '../end-cancelled.ts'
import type { ChoiceTerms } from './delivery-choice.ts'

/**
 * Pending deliveries that a job chooses: those that were pending when it was counted and are so still, in the order of
 * their ids. The scan looks at a given number of rows of the primary key.
 */
const scan = `select d.id, d.subscription_id, d.position, d.created_at, d.order_key, d.due_at
       from webhook_deliveries d
      where d.company_id = $1 and d.id > $2 and d.id < $3
      order by d.id
      limit $8`

const fits = `($4::uuid is null or p.subscription_id = $4) and p.created_at <= $7::timestamptz
            and ($5::text[] is null or (
              select t.event_name from event_audit_trail t where t.company_id = $1 and t.position = p.position) = any($5))
            and ($6::text is null or case when p.due_at = 'infinity' then 'waits_for_earlier' else coalesce((
              select a.reason
                from webhook_logs a
               where a.company_id = $1 and a.delivery_id = p.id and a.attempt_no > 0
               order by a.attempt_no desc
               limit 1), 'not_attempted_yet') end = $6)`

type Parameters = [
  companyId: string,
  afterId: string,
  beforeId: string,
  subscriptionId: string | null,
  names: readonly string[] | null,
  reason: string | null,
  countedAt: string,
  rows: number,
]

const countPending = statement<Parameters, { scanned: number; chosen: number }>(
  'job.count_pending',
  `select count(*) as scanned, count(*) filter (where ${fits}) as chosen from (${scan}) p`,
)

interface ScannedRow {
  readonly id: string
  readonly subscription_id: string
  readonly chosen: boolean
  readonly is_deleted: boolean
  readonly is_ordered: boolean
}

const scanPending = statement<Parameters, ScannedRow>(
  'job.scan_pending',
  `with scanned as materialized (
     ${scan}
   )
   select p.id, p.subscription_id, p.order_key is not null as is_ordered, ${fits} as chosen,
          (select s.status = 'deleted' from event_subscriptions s where s.company_id = $1 and s.id = p.subscription_id)
            as is_deleted
     from scanned p
    order by p.id`,
)

/** Undefined when there are more than so many rows to look at. */
export async function countChosenPending(
  db: Db,
  companyId: string,
  terms: ChoiceTerms,
  rowsMax: number,
): Promise<number | undefined> {
  const { fromId, beforeId, subscriptionId, names, reason } = terms
  const [found] = await countPending(
    db,
    companyId,
    fromId,
    beforeId,
    subscriptionId,
    names,
    reason,
    'infinity',
    rowsMax + 1,
  )
  return found && found.scanned <= rowsMax ? found.chosen : undefined
}

export interface ChosenPending {
  readonly id: string
  readonly subscription_id: string
  /** Of its subscription. */
  readonly is_deleted: boolean
  readonly is_ordered: boolean
}

/** What was found among the next rows; `reached` is the last of these, null when there are no more. */
export async function scanChosenPending(
  db: Db,
  companyId: string,
  terms: ChoiceTerms,
  after: { readonly cursor: string | null; readonly countedAt: string; readonly rows: number },
): Promise<{ readonly chosen: readonly ChosenPending[]; readonly reached: string | null }> {
  const { fromId, beforeId, subscriptionId, names, reason } = terms
  const { cursor, countedAt, rows } = after
  const from = cursor ?? fromId
  const scanned = await scanPending(db, companyId, from, beforeId, subscriptionId, names, reason, countedAt, rows)
  const last = scanned.length === rows ? scanned.at(-1) : undefined
  return { chosen: scanned.filter(({ chosen }) => chosen), reached: last?.id ?? null }
}

/**
 * Locks those that nobody attempts. One that is locked, because it is being claimed or its result is being written, is
 * passed over: whoever waited here for many rows could meet a dispatcher that waits for them in another order.
 */
export const lockIdle = statement<[companyId: string, ids: readonly string[]], Cancellable>(
  'job.lock_idle',
  `select id, subscription_id, event_id, position, replay_id, attempts, lease_token is not null as has_lease, order_key,
          due_at = 'infinity' as is_blocked
     from webhook_deliveries
    where company_id = $1 and id = any($2::uuid[]) and (lease_token is null or due_at <= now())
    order by id
      for update skip locked`,
)
