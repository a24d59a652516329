import type { Db } from '../../src/db/statement.ts'
import { sqlValue } from '../support/sql.ts'
import { recountedStats, storedStats } from '../support/stats-run.ts'
import { until } from '../support/until.ts'

const UNCOUNTED = `
  select (select count(*) from attempt_journal) + (select sum(last_position) from company_heads)
       - coalesce((select sum(position) from stats_heads), 0)`

const COUNT_LIMIT_MS = 60_000

/** What the statistics say and a recount of the raw rows does not, or the other way round, once nothing moves any more. */
export async function checkStats(owner: Db): Promise<string[]> {
  const isCounted = async (): Promise<boolean> => Number(await sqlValue(owner, UNCOUNTED)) === 0
  try {
    await until('everything is counted', isCounted, COUNT_LIMIT_MS)
  } catch (error) {
    return [String(error)]
  }
  const stored = new Set(await storedStats(owner))
  const recounted = new Set(await recountedStats(owner))
  if (recounted.size === 0) return ['a recount finds nothing to compare statistics with']
  return [
    ...[...stored].flatMap((line) => (recounted.has(line) ? [] : `statistics have, and a recount has not: ${line}`)),
    ...[...recounted].flatMap((line) => (stored.has(line) ? [] : `a recount has, and statistics have not: ${line}`)),
  ]
}
