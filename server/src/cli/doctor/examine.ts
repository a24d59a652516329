import {
  namesOfMigrations,
  readClockDifference,
  readMigrationState,
  readOldestTransaction,
  readServerFacts,
} from '../../db/inspect-server.ts'
import { findLeases } from '../../db/leadership.ts'
import { loggableError } from '../../db/loggable-error.ts'
import { missingPartitions } from '../../db/missing-partitions.ts'
import type { Pools } from '../../db/pools.ts'
import { readOutboxLag } from '../../events/outbox-lag.ts'
import { listSetAside } from '../../events/set-aside.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Vault } from '../../vault/vault.ts'
import { countUnreadable } from '../../webhooks/count-unreadable.ts'
import { findStuckChains } from '../../webhooks/mend-chains.ts'
import { findLeased, listDisabled, listOverdue } from '../../webhooks/queue-depth.ts'
import {
  LATE_SECONDS,
  NAMED_MAX,
  holdingLease,
  judgeDeliveries,
  judgeLeader,
  judgeOrder,
  judgeRouter,
  judgeSetAside,
  judgeSubscriptions,
} from './check-queues.ts'
import {
  judgeClock,
  judgeDurability,
  judgeMigrations,
  judgePartitions,
  judgeSecrets,
  judgeServer,
  judgeTransactions,
} from './check-server.ts'
import type { Check, Finding } from './finding.ts'
import { problem } from './finding.ts'

export interface Patient {
  readonly pools: Pools
  readonly clock: Clock
  /** Undefined when there is no master key at hand; that is told elsewhere. */
  readonly vault: Vault | undefined
}

/** Thrown when the database does not answer, so that nothing can be said. */
export class CannotLook extends Error {}

const ROWS_COUNTED = 100_000
const CHAINS_LOOKED_AT = 100_000

/**
 * Looks at a database in use, one question after the other, and changes nothing. What one question cannot find out is a finding
 * of its own and keeps no other from being asked; only when the first gets no answer is there nothing to say.
 */
export async function examine({ pools, clock, vault }: Patient): Promise<readonly Finding[]> {
  const { engine, owner } = pools
  const facts = await readServerFacts(owner).catch(throwCannotLook)
  if (!facts) throw new CannotLook('The database gave no answer')
  const findings: Finding[] = [judgeServer(facts), judgeDurability(facts)]
  const look = async (check: Check, judge: () => Promise<Finding>): Promise<void> => {
    findings.push(await judge().catch((error: unknown) => problem(check, `It cannot be looked at: ${reasonOf(error)}`)))
  }
  await look('migrations', async () => judgeMigrations(await readMigrationState(owner, await namesOfMigrations())))
  await look('clock', async () => judgeClock(await readClockDifference(owner, clock)))
  await look('transactions', async () => judgeTransactions(await readOldestTransaction(owner)))
  await look('partitions', async () => judgePartitions(await missingPartitions(owner, clock.now())))
  if (vault) await look('secrets', async () => judgeSecrets(await countUnreadable(engine, vault)))
  await look('leader', async () => judgeLeader(await findLeases(engine)))
  await look('router', async () => {
    const isLed = holdingLease(await findLeases(engine)) !== undefined
    return judgeRouter(await readOutboxLag(engine, ROWS_COUNTED), isLed, ROWS_COUNTED)
  })
  await look('set_aside', async () => judgeSetAside(await listSetAside(engine, NAMED_MAX + 1)))
  await look('deliveries', async () => {
    const overdue = await listOverdue(engine, LATE_SECONDS, NAMED_MAX + 1)
    return judgeDeliveries(overdue, (await findLeased(engine)).length > 0)
  })
  await look('order', async () => judgeOrder(await findStuckChains(engine, CHAINS_LOOKED_AT)))
  await look('subscriptions', async () => judgeSubscriptions(await listDisabled(engine, NAMED_MAX + 1)))
  return findings
}

function throwCannotLook(error: unknown): never {
  throw new CannotLook(`The database cannot be reached: ${reasonOf(error)}`)
}

/** Neither values of rows nor passwords. */
function reasonOf(error: unknown): string {
  const { code, message } = loggableError(error)
  return code === undefined || message.includes(code) ? message : `${message} (${code})`
}
