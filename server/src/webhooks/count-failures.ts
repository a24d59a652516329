import { rowShape } from '../db/rows.ts'
import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import { isOurs } from './breaker.ts'
import type { AttemptRecord } from './record-results.ts'

/** A subscription that has earned its disabling. */
export interface DisableDue {
  readonly company_id: string
  readonly subscription_id: string
}

const shape = rowShape<FailureRow>({
  company_id: ['uuid', (row) => row.company_id],
  subscription_id: ['uuid', (row) => row.subscription_id],
  began_at: ['json', (row) => row.began_at],
  succeeded: ['boolean', (row) => row.succeeded],
  gone: ['boolean', (row) => row.gone],
})

/**
 * Adds failed deliveries to the failures in a row of their subscription; those whose last attempt began before the last
 * success do not count. Marks the subscription once it has as many as its company allows, or at once when it is gone;
 * the disabling itself is a transaction of its own, which finds the mark again after a crash.
 */
const addFailures = statement<readonly unknown[], DisableDue & { disable_due: string | null }>(
  'health.add_failures',
  `update subscription_health h
      set failures_in_row = f.kept + f.added,
          last_failure_at = now(),
          disable_due = case
            when f.gone then 'gone'
            when f.kept + f.added >= f.failures_max then 'failures_in_row'
            else h.disable_due end
     from (
       select x.company_id, x.subscription_id, x.gone,
              case when x.succeeded then 0 else o.failures_in_row end as kept,
              (select count(*) from json_array_elements_text(x.began_at::json) as b
                where o.last_success_at is null or x.succeeded or b::timestamptz > o.last_success_at) as added,
              coalesce((c.settings ->> 'disable_after_failures')::int, 10) as failures_max
         from ${shape.from()}
         join companies c on c.id = x.company_id
         join subscription_health o on o.company_id = x.company_id and o.subscription_id = x.subscription_id
          for update of o
     ) f
    where h.company_id = f.company_id and h.subscription_id = f.subscription_id
   returning h.company_id, h.subscription_id, h.disable_due`,
)

/**
 * Counts the failed deliveries among `records`, in the transaction that wrote them.
 * Answers with the subscriptions that are to be disabled.
 */
export async function countFailures(db: Db, records: readonly AttemptRecord[]): Promise<readonly DisableDue[]> {
  const rows = [...Map.groupBy(records, (record) => record.subscriptionId).values()].flatMap(foldFailures)
  if (rows.length === 0) return []
  return (await addFailures(db, ...shape.values(rows))).filter((row) => row.disable_due !== null)
}

interface FailureRow {
  readonly company_id: string
  readonly subscription_id: string
  /** When the last attempt of each failed delivery began; a JSON array. */
  readonly began_at: string
  /** A success among the records came before the counted failures. */
  readonly succeeded: boolean
  readonly gone: boolean
}

/** What the records of one subscription, in the order they ended, add to its failures in a row; exported for tests. */
export function foldFailures(records: readonly AttemptRecord[]): FailureRow[] {
  const lastSuccess = records.findLastIndex((record) => record.outcome === 'delivered')
  const success = records[lastSuccess]
  const failures = records
    .slice(lastSuccess + 1)
    // One that ended without a call, or by a trouble of ours, says nothing of the receiver.
    .filter((record) => record.outcome === 'failed' && record.attemptNo > 0 && !isOurs(record.reason))
    .filter((record) => !(success && record.startedAt < success.startedAt))
  const gone = records.some((record) => record.gone)
  const [first] = records
  if (!first || (failures.length === 0 && !gone)) return []
  return [
    {
      company_id: first.companyId,
      subscription_id: first.subscriptionId,
      began_at: JSON.stringify(failures.map((record) => record.startedAt)),
      succeeded: success !== undefined,
      gone,
    },
  ]
}
