import { statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'
import type { Ended } from '../post-again.ts'
import type { ChoiceTerms } from './delivery-choice.ts'

/**
 * Ended deliveries that a job chooses. The ledger tells of them: a delivery is chosen by its last ending, if that is of
 * the wanted kind and the delivery was not pending, both as things were when the job was counted. So each is chosen once at
 * most, whatever became of it since and however often the job's own retry failed again.
 *
 * Calls that somebody made to try an endpoint are no deliveries.
 *
 * The scan goes along the index of what is in trouble, from the oldest row on, and looks at a given number of rows.
 */
const endings = `('delivered', 'failed', 'cancelled')`

/** What of a row can be told without another look into the database. */
const fits = `($5::uuid is null or e.subscription_id = $5) and ($6::text[] is null or e.event_name = any($6))
              and ($7::text is null or e.reason = $7) and e.created_at <= $8::timestamptz and not e.is_test`

/** Read-deliveries.ts says what is last: the time of the database, never the id of a row. */
const isLast = `e.id = (
              select n.id
                from webhook_logs n
               where n.company_id = $1 and n.delivery_id = e.delivery_id and n.outcome in ${endings}
                 and n.created_at <= $8::timestamptz
               order by n.created_at desc, n.attempt_no desc
               limit 1)
            and (select d.id
                   from webhook_deliveries d
                  where d.company_id = $1 and d.id = e.delivery_id and d.created_at <= $8::timestamptz) is null`

const scan = `select e.id, e.delivery_id, e.subscription_id, e.event_id, e.event_name, e.position, e.replay_id, e.reason,
            e.created_at, e.is_test
       from webhook_logs e
      where e.company_id = $1 and e.outcome = $2 and e.outcome <> 'delivered' and e.id > $3 and e.id < $4
      order by e.id
      limit $9`

type Parameters = [
  companyId: string,
  outcome: 'failed' | 'cancelled',
  afterId: string,
  beforeId: string,
  subscriptionId: string | null,
  names: readonly string[] | null,
  reason: string | null,
  countedAt: string,
  rows: number,
]

const countEndings = statement<Parameters, { scanned: number; chosen: number }>(
  'job.count_endings',
  `select count(*) as scanned, count(*) filter (where case when ${fits} then ${isLast} else false end) as chosen
     from (${scan}) e`,
)

interface ScannedRow extends Ended {
  readonly log_id: string
  readonly chosen: boolean
  readonly is_deleted: boolean
}

const scanEndings = statement<Parameters, ScannedRow>(
  'job.scan_endings',
  `with scanned as materialized (
     ${scan}
   ), judged as materialized (
     select e.*, case when ${fits} then ${isLast} else false end as chosen
       from scanned e
   )
   select j.id as log_id, j.delivery_id as id, j.subscription_id, j.event_id, j.position, j.replay_id, j.chosen,
          case when j.chosen then coalesce((
            select a.attempt_no
              from webhook_logs a
             where a.company_id = $1 and a.delivery_id = j.delivery_id and a.attempt_no > 0
             order by a.attempt_no desc
             limit 1), 0) end as attempts,
          case when j.chosen then (
            select s.status = 'deleted' from event_subscriptions s where s.company_id = $1 and s.id = j.subscription_id
          ) end as is_deleted
     from judged j
    order by j.id`,
)

export type EndingTerms = ChoiceTerms & { readonly outcome: 'failed' | 'cancelled' }

/** Undefined when there are more than so many rows to look at. */
export async function countChosenEndings(
  db: Db,
  companyId: string,
  terms: EndingTerms,
  rowsMax: number,
): Promise<number | undefined> {
  const { outcome, fromId, beforeId, subscriptionId, names, reason } = terms
  const [found] = await countEndings(
    db,
    companyId,
    outcome,
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

export interface ChosenEnding extends Ended {
  /** Of its subscription. */
  readonly is_deleted: boolean
}

/** What was found among the next rows; `reached` is the last of these, null when there are no more. */
export async function scanChosenEndings(
  db: Db,
  companyId: string,
  terms: EndingTerms,
  after: { readonly cursor: string | null; readonly countedAt: string; readonly rows: number },
): Promise<{ readonly chosen: readonly ChosenEnding[]; readonly reached: string | null }> {
  const { outcome, fromId, beforeId, subscriptionId, names, reason } = terms
  const { cursor, countedAt, rows } = after
  const from = cursor ?? fromId
  const scanned = await scanEndings(
    db,
    companyId,
    outcome,
    from,
    beforeId,
    subscriptionId,
    names,
    reason,
    countedAt,
    rows,
  )
  const last = scanned.length === rows ? scanned.at(-1) : undefined
  return { chosen: scanned.filter(({ chosen }) => chosen), reached: last?.log_id ?? null }
}

/**
 * Those of the deliveries, which this transaction has just made pending, that have ended again since the job was counted:
 * somebody else retried them. They are as they were before. Nobody can attempt them before this transaction's commit, so
 * what is found here is all there is.
 */
const takeBack = statement<[companyId: string, ids: readonly string[], countedAt: string], { id: string }>(
  'job.take_back',
  `delete from webhook_deliveries d
    where d.company_id = $1 and d.id = any($2::uuid[])
      and (select n.id
             from webhook_logs n
            where n.company_id = $1 and n.delivery_id = d.id and n.outcome in ${endings}
              and n.created_at > $3::timestamptz
            limit 1) is not null
   returning d.id`,
)

/** Answers with the ids of those that were taken back. */
export async function takeBackEndedSince(
  db: Db,
  companyId: string,
  ids: readonly string[],
  countedAt: string,
): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set()
  return new Set((await takeBack(db, companyId, ids, countedAt)).map(({ id }) => id))
}
