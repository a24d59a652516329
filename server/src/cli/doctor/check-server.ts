import type { MigrationState, OldestTransaction, ServerFacts } from '../../db/inspect-server.ts'
import type { SecretCount } from '../../webhooks/count-unreadable.ts'
import type { Finding } from './finding.ts'
import { duration, ok, problem, warning } from './finding.ts'

const OLDEST_SERVER = 150_000

export function judgeServer({ version, version_num }: ServerFacts): Finding {
  if (version_num >= OLDEST_SERVER) return ok('database', `PostgreSQL ${version}`)
  return problem('database', `PostgreSQL ${version}; Daybook needs 15 or later`)
}

/** A 2xx to a publish says that the event is on disk. With one of these off it is not true. */
export function judgeDurability(
  facts: Pick<ServerFacts, 'fsync' | 'synchronous_commit' | 'full_page_writes'>,
): Finding {
  const settings = ['fsync', 'synchronous_commit', 'full_page_writes'] as const
  const off = settings.filter((setting) => !facts[setting])
  if (off.length === 0) return ok('durability', 'A commit is on disk')
  return problem('durability', `${off.join(' and ')} off: after a power failure, accepted events can be gone`)
}

export function judgeMigrations({ pending, unknown }: MigrationState): Finding {
  if (pending.length > 0) {
    return problem(
      'migrations',
      'The schema is older than this version: run `daybook migrate`, or start a server',
      pending,
    )
  }
  if (unknown.length > 0) {
    return warning('migrations', 'The schema is newer than this version: another version of Daybook runs here', unknown)
  }
  return ok('migrations', 'All have run')
}

const CLOCK_DIFFERENCE_MS_MAX = 5_000

export function judgeClock(aheadMs: number): Finding {
  const seconds = Math.abs(aheadMs) / 1_000
  const text = `The clock here is ${seconds.toFixed(1)} s ${aheadMs < 0 ? 'behind' : 'ahead of'} the database's`
  if (Math.abs(aheadMs) <= CLOCK_DIFFERENCE_MS_MAX) return ok('clock', text)
  return warning('clock', `${text}: times of events and of signatures are wrong by as much. Set both by NTP`)
}

const TRANSACTION_SECONDS_MAX = 300

export function judgeTransactions(oldest: OldestTransaction | undefined): Finding {
  if (!oldest || oldest.seconds <= TRANSACTION_SECONDS_MAX) return ok('transactions', 'None is open for long')
  const whose = oldest.application === '' ? 'a session without a name' : oldest.application
  return warning(
    'transactions',
    `One is open for ${duration(oldest.seconds)} (${whose}): finished deliveries cannot be cleared away, and claims get slower. End it`,
  )
}

export function judgePartitions(missing: readonly string[]): Finding {
  if (missing.length === 0) return ok('partitions', 'Those of this month and the next are there')
  const message = 'Missing: without them nothing is accepted or recorded. A server with the role maintenance makes them'
  return problem('partitions', message, missing)
}

export function judgeSecrets({ secrets, unreadable, plain, subscriptions }: SecretCount): Finding {
  if (unreadable > 0) {
    const message = `${unreadable} of ${secrets} signing secrets cannot be opened, so their subscriptions get no calls: give the master key they were sealed with, or rotate them`
    return problem('secrets', message, [...subscriptions].slice(0, 20))
  }
  if (plain > 0) return warning('secrets', `${plain} signing secrets are stored in clear; the next start seals them`)
  return ok('secrets', `${secrets} signing secrets open`)
}
