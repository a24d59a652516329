import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import { ProblemError } from '../lib/problems.ts'
import { isEventNamePattern, matchesEventName } from './event-names.ts'

/**
 * The names that a company's events have, one look into the index for each: what lies between two names is jumped over.
 * The filter by company stands in both arms.
 */
const readNames = statement<[companyId: string], { event_name: string }>(
  'trail.read_names',
  `with recursive name as (
     (select t.event_name from event_audit_trail t where t.company_id = $1 order by t.event_name limit 1)
     union all
     select next.event_name
       from name
      cross join lateral (
        select t.event_name
          from event_audit_trail t
         where t.company_id = $1 and t.event_name > name.event_name
         order by t.event_name
         limit 1
      ) next
   )
   select event_name from name`,
)

/** All names that a company's events have, those of `daybook.*` among them. */
export async function namesOfEvents(db: Db, companyId: string): Promise<readonly string[]> {
  return (await readNames(db, companyId)).map((row) => row.event_name)
}

/**
 * The names of events that the patterns choose; a pattern without a star chooses its own name, whether there are such
 * events or not. Row level security would keep a pattern in SQL (`like`) from using an index. Throws invalid_event_name.
 */
export async function expandEventNames(
  db: Db,
  companyId: string,
  patterns: readonly string[],
): Promise<readonly string[]> {
  checkEventNamePatterns(patterns)
  if (patterns.every((pattern) => !pattern.endsWith('*'))) return [...new Set(patterns)]
  const known = await namesOfEvents(db, companyId)
  return known.filter((name) => patterns.some((one) => matchesEventName(one, name)))
}

/** Throws invalid_event_name. */
export function checkEventNamePatterns(patterns: readonly string[]): void {
  if (patterns.every(isEventNamePattern)) return
  const message = 'An event name, a prefix such as appointment.*, or * for every business event'
  throw new ProblemError('invalid_event_name', message)
}
