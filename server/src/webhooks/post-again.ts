import { rowShape } from '../db/rows.ts'
import { command, statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'

/** How deliveries, one or many, are made to be posted now. */

/** Only ever earlier: what is due already keeps its turn, and so does what is blocked in its chain. */
export const makeDue = command<[companyId: string, ids: readonly string[]]>(
  'delivery.make_due',
  `update webhook_deliveries
      set due_at = now()
    where company_id = $1 and id = any($2::uuid[]) and due_at > now() and due_at < 'infinity'`,
)

/** A delivery that has ended. */
export interface Ended {
  readonly id: string
  readonly subscription_id: string
  readonly event_id: string
  readonly position: number
  readonly replay_id: string | null
  /** Begun so far. */
  readonly attempts: number
}

const shape = rowShape<Ended>({
  id: ['uuid', (ended) => ended.id],
  subscription_id: ['uuid', (ended) => ended.subscription_id],
  event_id: ['uuid', (ended) => ended.event_id],
  position: ['bigint', (ended) => ended.position],
  replay_id: ['uuid', (ended) => ended.replay_id],
  attempts: ['int', (ended) => ended.attempts],
})

const insertRows = statement<[companyId: string, ...rows: unknown[]], { id: string }>(
  'delivery.insert_again',
  `insert into webhook_deliveries
          (company_id, id, subscription_id, event_id, position, replay_id, attempts, first_attempt_no, due_at)
   select $1, x.id, x.subscription_id, x.event_id, x.position, x.replay_id, x.attempts, x.attempts + 1, now()
     from ${shape.from(2)}
    order by x.id
   on conflict (company_id, id) do nothing
   returning id`,
)

/**
 * Ended deliveries become pending again under their own ids; their attempts are counted on and their schedules begin anew.
 * An ordered one does not come back into its chain, which has gone on without it: it waits for nobody, and nobody for it.
 * Nothing happens to one that is pending already. Answers with the ids of those that were not.
 */
export async function insertAgain(db: Db, companyId: string, ended: readonly Ended[]): Promise<ReadonlySet<string>> {
  if (ended.length === 0) return new Set()
  const rows = await insertRows(db, companyId, ...shape.values(ended))
  return new Set(rows.map(({ id }) => id))
}

/**
 * Whoever asks for attempts has mended something: breakers that have been open since before this time, a text of
 * PostgreSQL, may probe at once. Waits for nobody.
 */
export async function hastenProbes(
  db: Db,
  companyId: string,
  subscriptionIds: readonly string[],
  openedBefore = 'infinity',
): Promise<void> {
  await hastenRows(db, companyId, subscriptionIds, openedBefore)
}

const hastenRows = command<[companyId: string, subscriptionIds: readonly string[], openedBefore: string]>(
  'health.hasten_probes',
  `update subscription_health
      set breaker_open_until = now()
    where company_id = $1 and subscription_id = any(array(
       select h.subscription_id
         from subscription_health h
        where h.company_id = $1 and h.subscription_id = any($2::uuid[]) and h.breaker = 'open'
          and coalesce(h.breaker_opened_at, '-infinity') < $3::timestamptz
          for update skip locked))`,
)
